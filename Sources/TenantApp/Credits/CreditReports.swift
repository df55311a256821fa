package import CallKit
package import HTTPCore
package import TenantRegistry

/// Credit reports (C; docs/credit-reports.md): a reseller signs end customers up on the operator's panel and reports
/// what they pay it, so that the operator keeps a true picture of its revenue.
package struct CreditReports: Dialect {
    package static let scopes: NamedScopes = [.resellerSignup, .resellerCredit]
    package let name = "credit_reports"
    package let basePath = "/api/v1/reseller"
    package let errorContentType: StaticString = "application/json"

    package init() {}

    package var errorSchema: Schema { ["ok": .boolean, "error": .string] }

    package let routes: [Route] = reports + account

    package func credential(in head: RequestHead) -> Range<Int>? { head.bearer }

    package func render(_ refusal: Refusal, requestID: RequestID) -> Response {
        let body = JSONWriter.object { json in
            json.field("ok", false)
            json.field("error", refusal.sentence)
        }
        return .refused(refusal, contentType: errorContentType, body: body, challenge: "Bearer")
    }
}

extension NamedScopes {
    static let resellerSignup = NamedScopes("reseller:signup", bit: 2)
    static let resellerCredit = NamedScopes("reseller:credit", bit: 3)
}
