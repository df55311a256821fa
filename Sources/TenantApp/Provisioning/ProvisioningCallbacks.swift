package import CallKit
import Cryptography
import HTTPCore
import TenantRegistry

/// Where provisioners say what became of a verb (W13): signed under the secret that the verb was. Each tenant has it.
package struct ProvisioningCallbacks: OpenDialect {
    package let name = "provisioning_callbacks"
    package let basePath = ProvisioningRequest.callbackPath

    package init() {}

    package let routes: [Route] = [
        Route(
            .post, "/{service}", "Take what a provisioner says of a unit", access: .open,
            body: .whole(bytesMax: Route.openBodyBytesMax), openCalls: .signed, ignoresUnknownParameters: true,
            gives: .done(["ok": .boolean]), refuses: [401]
        ) { call in
            .write { tenant, detail in
                guard let unit = try tenant.provisioning(service: call.parameters[0]),
                    let service = try tenant.service(publicID: unit.servicePublicID, resellerID: nil, book: nil),
                    let access = try tenant.provisionerAccess(product: service.productID)
                else { throw Refusal.badSignature("nobody here signs for this service") }
                let id = try WebhookSignature.verify(
                    call.head, call.body, secrets: [access.secret], now: tenant.now)
                // Signed: whatever it says, it is not to be sent again.
                switch said(call.body) {
                case .success(let (n, answer)):
                    let news = ProvisioningNews(at: tenant.now, outcome: "callback \(answer.name)")
                    try TakeProvisioningAnswer(
                        serviceID: unit.serviceID, n: n, answer: answer, news: news,
                        callbackMark: mark(id: id, body: call.body)
                    ).run(tenant, &detail)
                case .failure(let fault): try tellUnread(fault, of: unit, tenant, &detail)
                }
                return .json(200) { $0.field("ok", true) }
            }
        }
    ]

    /// What tells the same callback again from news: a provisioner may use an id twice, but then it says something
    /// else.
    package static func mark(id: String, body: [UInt8]) -> String { SHA256.hash(Array("\(id).".utf8) + body).hex }

    /// It decides nothing; whoever waits for the unit sees why.
    private static func tellUnread(
        _ fault: ProvisioningReading.Fault, of unit: Provisioning, _ tenant: TenantTransaction,
        _ detail: inout AuditDetail
    ) throws {
        detail.resellerID = unit.resellerID
        detail.note("service", unit.servicePublicID)
        detail.note("answer", "unreadable")
        guard unit.state.verb != nil else { return }
        let news = ProvisioningNews(at: tenant.now, outcome: "callback unreadable", excerpt: fault.reason)
        try tenant.note(news, ofService: unit.serviceID)
    }

    private static func said(
        _ body: [UInt8]
    ) -> Result<(n: Int64, answer: ProvisioningAnswer), ProvisioningReading.Fault> {
        ProvisioningReading.content(body).flatMap { answer in
            guard let json = try? JSON.parse(sent: body), case .number(let number)? = json["n"],
                let n = number.integer()
            else { return .failure(ProvisioningReading.Fault(reason: "Its n is no whole number.")) }
            return .success((n, answer))
        }
    }
}
