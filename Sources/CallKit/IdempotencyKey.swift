package import Cryptography
package import HTTPCore
package import TenantRegistry

/// An `Idempotency-Key`, parsed once: 1 to 255 printable ASCII characters without spaces and quotes (G4). Callers send
/// it bare or quoted (RFC 8941 string).
package struct IdempotencyKey: Sendable, Equatable {
    package static let charactersMax = 255

    /// Without its quotes.
    package let text: String

    /// Nil where the header's value is no key.
    package init?(_ header: String) {
        var bare = Self.unquoted(header)
        let isKey = bare.withUTF8 { bytes in
            if bytes.isEmpty || bytes.count > Self.charactersMax { return false }
            for byte in bytes where byte <= 0x20 || byte >= 0x7F || byte == 0x22 { return false }
            return true
        }
        guard isKey else { return nil }
        text = bare
    }

    private static func unquoted(_ text: String) -> String {
        let bytes = text.utf8
        guard bytes.count >= 2, bytes.first == 0x22, bytes.last == 0x22 else { return text }
        return String(Substring(bytes.dropFirst().dropLast()))
    }

    /// The head's key; nil where it carries none, or one of a wrong form.
    package static func of(_ head: RequestHead) -> IdempotencyKey? {
        head.value(of: .idempotencyKey).flatMap { IdempotencyKey($0) }
    }
}

/// A key as one caller used it for one call: whose it is, and what the call says (G4). Hashed off the lane.
package struct IdempotencyClaim: Sendable {
    package let key: IdempotencyKey
    /// The reseller; 0 for the owner and operators.
    package let scope: Int64
    package let book: Book
    /// Of method, target and body. The tenant's address is no part of the target, so that a call is the same one at
    /// each of a tenant's addresses, and where the tenant lives under another slug (P10).
    package let fingerprint: Digest
    /// The fingerprint with the tenant's address in the target, as answers of earlier releases were stored; nil where
    /// the path has none. Hashed only where the other one is not what is stored.
    package var fingerprintWithAddress: (@Sendable () -> Digest)?

    /// What a key stands for beside the method, without a credential in it.
    package typealias Said = (target: String, body: [UInt8])

    package init(_ key: IdempotencyKey, scope: Int64, book: Book, fingerprint: Digest) {
        self.key = key
        self.scope = scope
        self.book = book
        self.fingerprint = fingerprint
    }

    package init(_ key: IdempotencyKey, by caller: Caller, fingerprint: Digest) {
        self.init(key, scope: caller.resellerID ?? 0, book: caller.book, fingerprint: fingerprint)
    }

    package static func fingerprint(_ method: HTTPCore.Method, _ said: Said) -> Digest {
        var canonical = CanonicalBytes("tollgate-call-v1")
        canonical.append(method.rawValue)
        canonical.append(said.target)
        canonical.append(said.body)
        return SHA256.hash(canonical.bytes)
    }

    /// Whether the answer that is stored under this fingerprint is the call's own.
    package func stands(for stored: Digest) -> Bool {
        stored == fingerprint || stored == fingerprintWithAddress?()
    }
}
