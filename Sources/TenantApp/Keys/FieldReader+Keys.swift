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

    /// The address of a service, or of a page, outside: an absolute https URL without credentials or fragment that
    /// leads to a public host. Where this node may call private addresses, those too, and by plain http (H6). Returns
    /// it with scheme and host in lower case.
    package mutating func webAddress(_ name: String, allowsPrivateAddresses: Bool) -> String? {
        guard let text = string(name, characters: 8...2_000).map(WebAddress.folded) else { return nil }
        guard text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            fail(
                name, code: "format",
                detail: "must be in ASCII, without spaces: a name as xn--…, other characters percent-encoded")
            return nil
        }
        guard let address = WebAddress(parsing: text), allowsPrivateAddresses || !address.isPlain else {
            let scheme = allowsPrivateAddresses ? "http or https" : "https"
            fail(
                name, code: "format",
                detail: "must be an absolute \(scheme) URL of a host and a port that there can be, without credentials "
                    + "or fragment")
            return nil
        }
        guard OutboundRule.allows(address, allowsPrivateAddresses: allowsPrivateAddresses) else {
            fail(name, code: "unreachable", detail: FieldError.unreachableDetail)
            return nil
        }
        return text
    }
}

extension FieldError {
    fileprivate static let unreachableDetail = "must be an absolute https URL that leads to a public host"

    /// Where an address leads is known only when it is asked for.
    package static func unreachable(_ name: String) -> FieldError {
        FieldError(pointer: "/\(name)", code: "unreachable", detail: unreachableDetail)
    }
}
