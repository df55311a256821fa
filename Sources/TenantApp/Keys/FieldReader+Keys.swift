import CallKit
package import HTTPCore
package import RateLimiter
import TenantRegistry

/// Fields that several dialects read alike.
extension FieldReader {
    /// A limit in an object of its own; null or left out: none.
    package mutating func optionalPolicy(_ name: String) -> Policy? {
        read(Field.policy(name).optional) ?? nil
    }

    /// An absolute http or https URL without credentials or fragment.
    package mutating func webhookURL(_ name: String) -> String? {
        guard let text = string(name, characters: 8...2_000) else { return nil }
        guard
            let rest = ["https://", "http://"].first(where: { text.hasPrefix($0) }).map({ text.dropFirst($0.count) }),
            let authority = rest.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false).first,
            !authority.isEmpty, !authority.contains("@"), !text.contains("#"),
            text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
        else {
            fail(name, code: "format", detail: "must be an absolute http or https URL without credentials or fragment")
            return nil
        }
        return text
    }
}
