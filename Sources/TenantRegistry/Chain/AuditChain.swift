package import Cryptography

/// Where a tenant's chain stands: the last row's sequence number and hash, in one incarnation of the file.
package struct AuditHead: Sendable, Equatable {
    package let incarnation: Int64
    package let sequence: Int64
    package let hash: Digest

    package init(incarnation: Int64, sequence: Int64, hash: Digest) {
        self.incarnation = incarnation
        self.sequence = sequence
        self.hash = hash
    }

    /// `incarnation:seq:hash`, as the `Audit-Head` header has it (G5).
    package var text: String {
        var text = String(incarnation)
        text.append(":")
        text.append(String(sequence))
        text.append(":")
        text.append(hash.hex)
        return text
    }

    package init?(text: String) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 3, let incarnation = Int64(parts[0]), let sequence = Int64(parts[1]),
            let hash = Digest(hex: String(parts[2]))
        else { return nil }
        self.init(incarnation: incarnation, sequence: sequence, hash: hash)
    }

    /// What the tenant's Ed25519 key signs.
    package func signedBytes(of tenant: TenantID) -> [UInt8] { Self.signedBytes(text, of: tenant) }

    /// The same of a head's text.
    static func signedBytes(_ text: String, of tenant: TenantID) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(192)
        for part in ["tollgate-audit-head-v1:", tenant.text, ":", text] { bytes.append(contentsOf: part.utf8) }
        return bytes
    }
}

/// The rule of the chain: `hash = SHA-256(previous hash ‖ canonical row incl. tenant id, incarnation and sequence)`.
/// Pure, so that `verify` and the lane share it.
package enum AuditChain {
    package enum Kind: Int64, Sendable {
        case record = 0
        case block = 1
        /// What rows of other tables say from here on (`RowDigests`).
        case rows = 2
    }

    package static func hash(
        record: AuditRecord, after previous: Digest, tenant: TenantID, incarnation: Int64, sequence: Int64
    ) -> Digest {
        var canonical = start(.record, after: previous, tenant, incarnation, sequence)
        canonical.append(record.at.milliseconds)
        canonical.append(record.book.rawValue)
        canonical.append(record.keyID)
        canonical.append(record.accountID)
        canonical.append(record.resellerID)
        canonical.append(record.action)
        canonical.append(Int64(record.status))
        canonical.append(Int64(record.latencyMicroseconds))
        canonical.append(record.requestID.high)
        canonical.append(record.requestID.low)
        canonical.append(Int64(record.bytesIn))
        canonical.append(Int64(record.bytesOut))
        canonical.append(Int64(record.count))
        canonical.append(record.detail)
        return SHA256.hash(canonical.bytes)
    }

    package static func hash(
        block: AuditBlock, of kind: Kind = .block, after previous: Digest, tenant: TenantID, incarnation: Int64,
        sequence: Int64
    ) -> Digest {
        var canonical = start(kind, after: previous, tenant, incarnation, sequence)
        canonical.append(block.firstAt.milliseconds)
        canonical.append(block.lastAt.milliseconds)
        canonical.append(Int64(block.count))
        canonical.append(block.payload)
        return SHA256.hash(canonical.bytes)
    }

    private static func start(
        _ kind: Kind, after previous: Digest, _ tenant: TenantID, _ incarnation: Int64, _ sequence: Int64
    ) -> CanonicalBytes {
        var canonical = CanonicalBytes("tollgate-audit-v1")
        canonical.append(previous)
        canonical.append(tenant)
        canonical.append(incarnation)
        canonical.append(sequence)
        canonical.append(kind.rawValue)
        return canonical
    }
}

/// Many records of reads in one row of the chain.
package struct AuditBlock: Sendable, Equatable {
    package let firstAt: Timestamp
    package let lastAt: Timestamp
    package let count: Int
    /// Records as `ReadLog` packs them, deflated; or `RowDigests`.
    package let payload: [UInt8]

    package init(firstAt: Timestamp, lastAt: Timestamp, count: Int, payload: [UInt8]) {
        self.firstAt = firstAt
        self.lastAt = lastAt
        self.count = count
        self.payload = payload
    }
}
