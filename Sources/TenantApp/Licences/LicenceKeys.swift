package import CallKit
package import HTTPCore
package import TenantRegistry

/// Licence keys (L; docs/licence-keys.md): a reseller lists its stock, draws from it and assigns licences to end
/// customers. The credential is `api_token`, in the query or in a JSON body, with either method.
package struct LicenceKeys: Dialect {
    package static let scopes: NamedScopes = .licences
    package let name = "licence_keys"
    package let ignoresUnknownParameters = true
    package let basePath = "/reseller"
    package let errorContentType: StaticString = "application/json"

    static let token = "api_token"
    static let bodyBytesMax = 16 << 10

    package init() {}

    package let routes: [Route] = licences + account

    package let credentials: [CredentialPlace] = [.query(token)]
    package var errorSchema: Schema { ["ok": .boolean, "message": .string] }

    /// `api_token` in the query, as it stands there: keys hold nothing that would be escaped. Given twice, it is none.
    package func credential(in head: RequestHead) -> Range<Int>? {
        guard let query = head.queryRange else { return nil }
        let name = Array("\(Self.token)=".utf8)
        var found: Range<Int>?
        for pair in head.bytes[query].split(separator: 0x26) where pair.starts(with: name) {
            if found != nil { return nil }
            found = pair.startIndex + name.count..<pair.endIndex
        }
        return found.flatMap { $0.isEmpty ? nil : $0 }
    }

    package let credentialBodyBytesMax: Int? = bodyBytesMax

    package func credential(inBody body: [UInt8]) throws(Refusal) -> [UInt8]? {
        if body.isEmpty { return nil }
        guard case .string(let token)? = try JSON.read(body)[Self.token] else { return nil }
        return Array(token.utf8)
    }

    /// Without the credential: neither a rotated key nor the place of it makes another call. No body is one of nothing.
    package func fingerprinted(
        _ head: RequestHead, below addressBytes: Int, _ body: [UInt8]
    ) -> IdempotencyClaim.Said {
        let pairs = head.query.split(separator: "&").filter { !$0.hasPrefix("\(Self.token)=") }
        var rest = body.isEmpty ? Array("{}".utf8) : body
        if case .object(let members)? = try? JSON.parse(sent: body) {
            rest = JSON.object(members.filter { $0.name != Self.token }).encoded()
        }
        let path = head.string(head.pathRange.lowerBound + addressBytes..<head.pathRange.upperBound)
        return ("\(path)?\(pairs.joined(separator: "&"))", rest)
    }

    /// The product document's envelope, and its sentence for a limit that is reached.
    package func render(_ refusal: Refusal, requestID: RequestID) -> Response {
        let message =
            switch refusal {
            case .unknownCredential: "Invalid or missing api_token."
            case .rateLimited: "Rate limit exceeded. Try again later."
            case .notFound(.licence): "License not found."
            case .notFound(.availableLicence): "No licenses available."
            default: refusal.sentence
            }
        let body = JSONWriter.object { json in
            json.field("ok", false)
            json.field("message", message)
        }
        return .refused(refusal, contentType: errorContentType, body: body, challenge: "ApiToken")
    }
}

extension NamedScopes {
    static let licences = NamedScopes("licences", bit: 9)
}
