import Cryptography
import SQLite

/// What a write's answer carries away from its commit (G5).
package struct CommitProof: Sendable {
    package let head: AuditHead
    /// Ed25519 over `head.signedBytes`, 64 bytes.
    package let signature: [UInt8]
    /// Both as every answer of the batch has them in its head.
    package let headText: String
    package let signatureText: String

    init(_ head: AuditHead, of tenant: TenantID, by signer: Signer) {
        self.head = head
        headText = head.text
        signature = signer.sign(AuditHead.signedBytes(headText, of: tenant))
        signatureText = Base64.encode(signature)
    }
}

extension AuditHead {
    /// Where the chain of a file ends.
    init(lastOf connection: Connection, incarnation: Int64? = nil) throws {
        let last = try connection.row("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1") { row in
            try (sequence: row.int(), hash: row.digest())
        }
        guard TenantStore.counters.contains(last?.sequence ?? 0) else {
            throw TenantFileError.damaged("its audit log ends with row \(last?.sequence ?? 0)")
        }
        let own = try incarnation ?? connection.row("SELECT incarnation FROM meta WHERE id = 1") { try $0.int() }
        self.init(incarnation: own ?? 1, sequence: last?.sequence ?? 0, hash: last?.hash ?? .zero)
    }
}
