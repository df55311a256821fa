import CallKit

/// What anybody may call, beside descriptions, and why. Parameters have no names here.
enum OpenRoutes {
    /// Of the node, at the root.
    static let rootPaths = [
        "/healthz": "a balancer asks whether the process lives",
        "/readyz": "a balancer asks whether to send calls here",
        "/metrics": "figures that name no tenant's data; on the admin listener alone where the node has one",
    ]

    private static let token = "the address is a secret that its link alone has"
    private static let code = "the address is a secret that the code's holder alone has"
    private static let payment = "the sandbox stands for a payment service, whose address is open to whoever pays"
    private static let signature = "the signature is the credential"

    /// Without a signature they are refused, whoever calls.
    static let signed: Set<String> = ["POST /api/payments/callback", "POST /api/provisioning/{}"]

    private static let listed = [
        "GET /": "it leads people to their pages or to the sign-in",
        "GET /sign-in": "a person who signs in has no session yet",
        "POST /sign-in": "the password is the credential",
        "POST /sign-out": "the session that ends is named by its cookie",
        "GET /apply": "applicants are strangers", "POST /apply": "applicants are strangers",
        "GET /apply/waiting": "it says the same to everybody",
        "GET /program": "the reseller programme is made known",
        "GET /invite/{}": token, "POST /invite/{}": token,
        "GET /reset-password/{}": token, "POST /reset-password/{}": token,
        "GET /activate/{}": code, "POST /activate/{}": code,
        "GET /activate/password/{}": token, "POST /activate/password/{}": token,
        "GET /sandbox-pay/{}": payment, "POST /sandbox-pay/{}": payment,
        "GET /payment/done": "it says the same to everybody",
        "GET /logo.{}": "sign-in pages show it", "GET /theme.{}": "sign-in pages are drawn by it",
        "POST /api/payments/callback": signature, "POST /api/provisioning/{}": signature,
        "GET /console/sign-in": "a person who signs in has no session yet",
        "POST /console/sign-in": "the provider's key is the credential",
        "POST /console/sign-out": "the session that ends is named by its cookie",
    ]

    /// With the pages that tell of each tenant's APIs.
    static func reasons(describedAt apis: [any Surface]) -> [String: String] {
        var reasons = listed
        for api in apis where api is any Dialect {
            for page in ["/docs", "/docs/{}"] {
                reasons["GET \(api.basePath)\(page)"] = "it is the API's documentation"
            }
        }
        return reasons
    }
}
