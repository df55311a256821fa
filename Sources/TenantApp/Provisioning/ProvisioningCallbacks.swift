package import CallKit
package import HTTPCore
package import TenantRegistry

/// Where provisioners say what became of a verb (W13): signed under the secret that the verb was. Each tenant has it.
package struct ProvisioningCallbacks: Dialect {
    package let name = "provisioning_callbacks"
    package let basePath = ProvisioningRequest.callbackPath
    package let isAlwaysThere = true
    package let isDescribed = false

    package init() {}

    package func credential(in head: RequestHead) -> Range<Int>? { nil }

    package func render(_ refusal: Refusal, requestID: RequestID) -> Response {
        Problem.response(refusal, requestID: requestID)
    }

    package let routes: [Route] = [
        Route(
            .post, "/{service}", "Take what a provisioner says of a unit", access: .open,
            body: .whole(bytesMax: Route.openBodyBytesMax), openCalls: .capability, ignoresUnknownParameters: true,
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
                if let (n, answer) = said(call.body) {
                    let news = ProvisioningNews(at: tenant.now, outcome: "callback \(answer.name)")
                    try TakeProvisioningAnswer(
                        serviceID: unit.serviceID, n: n, answer: answer, news: news, callbackID: id
                    ).run(tenant, &detail)
                } else {
                    detail.note("answer", "unreadable")
                }
                return .json(200) { $0.field("ok", true) }
            }
        }
    ]

    /// Nil where it says nothing that means anything.
    private static func said(_ body: [UInt8]) -> (n: Int64, answer: ProvisioningAnswer)? {
        guard let json = try? JSON.parse(body), case .number(let number)? = json["n"], let n = number.integer(),
            case .success(let answer) = ProvisioningReading.content(body)
        else { return nil }
        return (n, answer)
    }
}
