package import Cryptography
package import TenantRegistry

/// What a browser keeps of a session at the console of a cluster (U4): it says itself by which key it was begun and
/// when, sealed under the cluster's key, so that each node knows it. By itself a node's sessions are known in its
/// memory alone. A value.
package struct ConsoleTicket: Sendable {
    /// The hash of the provider key's secret.
    package let secret: Digest
    package let begunAt: Timestamp

    /// Of 100 bytes: nonce, hash, time, what makes it one of its kind, tag.
    private static let characters = 134
    private static let randomBytes = 32
    private static let purpose = "console sessions"
    private static let associated = Array("tollgate console session 1".utf8)

    package init(secret: Digest, begunAt: Timestamp) { (self.secret, self.begunAt) = (secret, begunAt) }

    /// Nil for what no node of this cluster sealed.
    package init?(opening cookie: ArraySlice<UInt8>, of fleet: Fleet) {
        guard cookie.count == Self.characters,
            let sealed = Base64.decodeURL(String(decoding: cookie, as: UTF8.self)),
            let plain = try? AES256GCM.open(
                sealed, key: fleet.clusterSecret(for: Self.purpose), associatedData: Self.associated),
            plain.count == Digest.byteCount + 8 + Self.randomBytes, let secret = Digest(bytes: plain.prefix(32))
        else { return nil }
        let milliseconds = plain[32..<40].reduce(Int64(0)) { $0 << 8 | Int64($1) }
        self.init(secret: secret, begunAt: Timestamp(milliseconds: milliseconds))
    }

    func sealed(for fleet: Fleet) throws -> String {
        let time = (0..<8).reversed().map { UInt8(truncatingIfNeeded: begunAt.milliseconds >> Int64($0 * 8)) }
        return Base64.encodeURL(
            try AES256GCM.seal(
                secret.bytes + time + fleet.random.bytes(Self.randomBytes),
                key: fleet.clusterSecret(for: Self.purpose), associatedData: Self.associated, random: fleet.random))
    }
}
