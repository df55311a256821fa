package import CallKit
import Cryptography
package import HTTPCore
import PageKit
package import TenantRegistry

/// The tenant's address itself, in a browser: leads to the pages of whoever has signed in, or to the page to sign in
/// by (U4). Programs find nothing there.
package struct HomePages: OpenDialect {
    package let name = "home"
    package let basePath = ""

    package init() {}

    package func render(
        _ refusal: Refusal, requestID: RequestID, for head: RequestHead?, at tenant: TenantRecord?
    ) -> Response {
        guard head?.asksForPage ?? false else { return render(refusal, requestID: requestID) }
        return HTMLPage.refusal(refusal, title: Problem.title(refusal.status), for: head, at: tenant)
    }

    package let routes: [Route] = [
        Route(.get, "/", "Lead to one's pages", access: .open) { call in
            guard call.head.asksForPage else { throw Refusal.notFound(.path) }
            return .read { tenant in
                guard let role = try tenant.role(ofVisitor: call) else { return .seeOther(call.link("/sign-in")) }
                return .seeOther(SignInTarget(nil, for: role, at: call).link)
            }
        }
    ]
}

extension TenantReader {
    /// Of whoever has signed in, at a page that anybody may open; nil where nobody has.
    package func role(ofVisitor call: Call) throws -> KeyRole? {
        guard let cookie = PageCookie.value(of: .session, in: call) else { return nil }
        return try openSession(secretHash: SHA256.hash(cookie, behind: PageCookie.domain))?.role
    }
}
