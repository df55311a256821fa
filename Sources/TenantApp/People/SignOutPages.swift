package import CallKit
import Cryptography
import HTML
package import HTTPCore
package import TenantRegistry

/// Where somebody signs out of a tenant's pages (U4). Its forms carry the session's token; a session that is over signs
/// out as well.
package struct SignOutPages: OpenDialect {
    package let name = "sign_out"
    package let basePath = "/sign-out"
    package let formGate: FormGate? = .session
    package let errorContentType = HTMLPage.contentType

    package init() {}

    package func render(
        _ refusal: Refusal, requestID: RequestID, for head: RequestHead?, at tenant: TenantRecord?
    ) -> Response {
        HTMLPage.refusal(refusal, title: "Sign out", for: head, at: tenant)
    }

    package let routes: [Route] = [
        Route(.post, "", "Sign out", access: .open, openCalls: .signOuts, needsNoRoom: true) { call in
            let hash = PageCookie.value(of: .session, in: call).map { SHA256.hash($0, behind: PageCookie.domain) }
            let left = Answer.seeOther(
                call.link("/sign-in", query: [("said", "out")]), cookies: [PageCookie(.session, of: call).cleared])
            guard let hash else { return .answer(left) }
            return .flow { steps in
                // Anybody can make up a cookie and the token that goes with it: what ends nothing leaves no row.
                let isOpen = try await steps.read { try $0.openSession(secretHash: hash) != nil }
                guard isOpen else { return .answer(left) }
                return .write { tenant, detail in
                    if let key = try tenant.openSession(secretHash: hash) {
                        try tenant.revokeKey(key.id)
                        detail.resellerID = key.resellerID
                        detail.note("key", key.publicID)
                    }
                    return left
                }
            }
        }
    ]
}
