package import CallKit
import Cryptography
import HTML
package import HTTPCore
package import TenantRegistry

/// Where somebody signs out of a tenant's pages (U4). Its forms carry the session's token; a session that is over signs
/// out as well.
package struct SignOutPages: Dialect {
    package let name = "sign_out"
    package let basePath = "/sign-out"
    package let isAlwaysThere = true
    package let isDescribed = false
    package let formGate: FormGate? = .session
    package let errorContentType = HTMLPage.contentType

    package init() {}

    package func credential(in head: RequestHead) -> Range<Int>? { nil }

    package func render(_ refusal: Refusal, requestID: RequestID) -> Response {
        HTMLPage.refusal(refusal, title: "Sign out")
    }

    package let routes: [Route] = [
        Route(.post, "", "Sign out", access: .open) { call in
            let hash = PageCookie.value(of: .session, in: call).map { SHA256.hash($0, behind: PageCookie.domain) }
            return .write { tenant, detail in
                if let hash, let key = try tenant.openSession(secretHash: hash) {
                    try tenant.revokeKey(key.id)
                    detail.resellerID = key.resellerID
                    detail.note("key", key.publicID)
                }
                return .seeOther(
                    call.link("/sign-in", query: [("said", "out")]), cookie: PageCookie(.session, of: call).cleared)
            }
        }
    ]
}
