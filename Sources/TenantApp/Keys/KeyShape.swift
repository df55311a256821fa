import CallKit
package import Cryptography
package import TenantRegistry

/// How a tenant's keys look: the one place that decides it, for whoever mints one. A value: any thread.
package enum KeyShape: Sendable, Equatable {
    /// `<prefix>_<live|test>_…`: mode and checksum stand in the key.
    case prefixed(String)
    /// 64 hexadecimal digits (A1, A7): which book it opens only its record says.
    case hex64

    package static let providerPrefix = "tgp"
    /// No tenant's keys begin so, but the provider's, and tokens of everybody's sessions.
    package static let reservedPrefixes = [providerPrefix, SessionTerms.prefix]

    /// As blueprints name it.
    package enum Name: String, Sendable, CaseIterable {
        case prefixed
        case hex64
    }

    package init(_ name: Name, prefix: String) {
        switch name {
        case .prefixed: self = .prefixed(prefix)
        case .hex64: self = .hex64
        }
    }

    package func mint(_ book: Book, random: any RandomSource) -> String {
        switch self {
        case .prefixed(let prefix): APIKeyFormat.mint(prefix: prefix, mode: book.name, random: random)
        case .hex64: APIKeyFormat.mintHex64(random: random)
        }
    }

    /// What a mask may show of a key's end. A prefixed key shows none: its end is its checksum.
    package func displaySuffix(_ key: String) -> String? {
        self == .hex64 ? String(key.suffix(APIKeyFormat.displayDigits)) : nil
    }
}
