package import CallKit
package import HTTPCore
package import TenantRegistry

/// Activation codes (A; docs/activation-codes.md): a reseller registers, tops its balance up, and turns it into codes,
/// each of which an end customer redeems once for days of a subscription. Its JSON is camelCase but for the rows of
/// `/codes`; amounts are numbers, times RFC 3339 with milliseconds.
package struct ActivationCodes: Dialect {
    package static let scopes: NamedScopes = .codes
    package let name = "activation_codes"
    package let title = "Activation codes"
    package let basePath = "/api/reseller"
    package let errorContentType: StaticString = "application/json"
    package let credentials: [CredentialPlace] = [.header("x-api-key"), .header("x-seed-hash")]

    package init() {}

    /// With what was required and what there is, where a balance does not cover it.
    package var errorSchema: Schema {
        ["error": .string, "required": .number.omittable, "balance": .number.omittable]
    }

    package let routes: [Route] = account + sessions + codes + topUps + webhook

    /// `x-api-key`; where there is none, `x-seed-hash`, which is the dashboard's (A1).
    package func credential(in head: RequestHead) -> Range<Int>? {
        head.range(of: .apiKey) ?? head.range(of: .seedHash)
    }

    package func render(_ refusal: Refusal, requestID: RequestID) -> Response {
        render(refusal, unknownCredential: "Missing or invalid API key.")
    }

    static let wrongPassword = "The email address or the password is wrong."

    /// `unknownCredential`: what somebody is told whose credential opens nothing.
    func render(_ refusal: Refusal, unknownCredential: String) -> Response {
        let body = JSONWriter.object { json in
            json.field("error", refusal == .unknownCredential ? unknownCredential : Self.message(refusal))
            if case .insufficientBalance(let required, let balance, let currency) = refusal {
                json.field("required", raw: required.decimal(minorUnitDigits: currency.minorUnitDigits))
                json.field("balance", raw: balance.decimal(minorUnitDigits: currency.minorUnitDigits))
            }
        }
        return .refused(
            refusal, status: Self.status(refusal), contentType: errorContentType, body: body, challenge: "ApiKey")
    }

    /// The product document knows 400, 401, 403, 404, 429, 500 and 503. Whatever else is wrong with a call is a bad
    /// request.
    private static func status(_ refusal: Refusal) -> Int {
        switch refusal {
        case .methodNotAllowed: 404
        // The tenant's, not the caller's.
        case .quotaExceeded: 503
        default:
            switch refusal.status {
            case 401, 403, 404, 429, 500, 503: refusal.status
            default: 400
            }
        }
    }

    static func message(_ refusal: Refusal) -> String {
        switch refusal {
        case .wrongPassword: wrongPassword
        case .insufficientBalance: "Insufficient balance"
        case .forbidden(.resellerSuspended): "Account suspended."
        case .forbidden(.resellerPending): "Account not activated yet."
        default: refusal.sentence
        }
    }
}

extension HeaderName {
    fileprivate static let seedHash: HeaderName = "x-seed-hash"
}

extension NamedScopes {
    static let codes = NamedScopes("codes", bit: 8)
}
