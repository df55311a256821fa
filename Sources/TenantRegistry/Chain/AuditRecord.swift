package import Cryptography

/// Which of a tenant's two sets of books an operation belongs to (X7).
package enum Book: Int64, Sendable, CaseIterable {
    case live = 0
    case test = 1

    package var name: String { self == .live ? "live" : "test" }

    package init?(name: String) {
        guard let book = Book.allCases.first(where: { $0.name == name }) else { return nil }
        self = book
    }
}

/// One line of the audit log: who called what, when, with which outcome. Ids only, no personal data, no secret.
package struct AuditRecord: Sendable, Equatable {
    package var at: Timestamp
    package var book: Book = .live
    /// The key's id in the tenant's file; 0 where no key was used (the provider, the system, an open call).
    package var keyID: Int64 = 0
    /// The reseller that the call concerns; 0 for none.
    package var resellerID: Int64 = 0
    /// The reseller whose own call it is; 0 for anybody else's about one. Counted in `usage`, kept in no row.
    package var callerResellerID: Int64 = 0
    /// The key whose own call it is; 0 for a person signed in, whose sessions are many. Counted in `usage` alone.
    package var callerKeyID: Int64 = 0
    /// The account that the call is attributed to (O1); 0 for none.
    package var accountID: Int64 = 0
    /// The route as the route table names it, say `POST /api/partner/v1/orders`, or a system event, `tenant.restored`.
    package var action: String
    package var status: Int
    package var latencyMicroseconds: Int
    package var requestID: RequestID
    /// Bytes of the request's body and of the answer's.
    package var bytesIn: Int
    package var bytesOut: Int
    /// How many requests this line stands for: more than 1 for refusals in a flood, 0 for an act that no call made.
    package var count = 1
    /// What a write did, as JSON: public ids, amounts, postings. Empty for reads.
    package var detail = ""

    package init(
        at: Timestamp, action: String, status: Int, requestID: RequestID, latencyMicroseconds: Int = 0,
        bytesIn: Int = 0, bytesOut: Int = 0
    ) {
        self.at = at
        self.action = action
        self.status = status
        self.requestID = requestID
        self.latencyMicroseconds = latencyMicroseconds
        self.bytesIn = bytesIn
        self.bytesOut = bytesOut
    }

    /// What the provider, the node or its clock did: no caller of the tenant's APIs, so that it counts as no request.
    package static func act(
        at: Timestamp, action: String, status: Int = 200, requestID: RequestID = .none
    ) -> AuditRecord {
        var record = AuditRecord(at: at, action: action, status: status, requestID: requestID)
        record.count = 0
        return record
    }

    /// The action by which a file's next incarnation begins.
    package static let restored = "tenant.restored"
    /// The same where the file came from another node (P10).
    package static let imported = "tenant.imported"
    /// The same of a new tenant that was made of another's state (B2).
    package static let forked = "tenant.forked"
    /// The actions of rows that an incarnation begins with.
    package static let beginnings = [restored, imported, forked]
    /// The same in the provider's log where the tenant had not signed the file.
    package static let restoredUnsigned = "tenant.restored_unsigned"

    /// 429, 401 and 403: what a flood of is kept as a count.
    package var isRefusal: Bool { status == 429 || status == 401 || status == 403 }
    /// Nobody known made the call.
    var isAnonymous: Bool { keyID == 0 }
}

/// Names one request on its answer, in the log and in the audit: 128 bits, unique, of no meaning.
package struct RequestID: Sendable, Hashable {
    package let high: UInt64
    package let low: UInt64

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// For what no request caused.
    package static let none = RequestID(high: 0, low: 0)

    /// What `text` gives; nil for anything else.
    package init?(text: String) {
        let digits = text.utf8.dropFirst(4)
        guard text.hasPrefix("req_"), digits.count == 32,
            digits.allSatisfy({ 0x30...0x39 ~= $0 || 0x61...0x66 ~= $0 }),
            let high = UInt64(String(text.dropFirst(4).prefix(16)), radix: 16),
            let low = UInt64(String(text.dropFirst(20)), radix: 16)
        else { return nil }
        self.init(high: high, low: low)
    }

    /// `req_` and 32 hexadecimal digits.
    package var text: String {
        String(
            unsafeUninitializedCapacity: 36
        ) { text in
            text[0] = 0x72
            text[1] = 0x65
            text[2] = 0x71
            text[3] = 0x5F
            for index in 0..<32 {
                let word = index < 16 ? high : low
                let nibble = UInt8(truncatingIfNeeded: word >> UInt64((15 - index & 15) * 4)) & 15
                text[4 + index] = nibble < 10 ? 0x30 + nibble : 0x57 + nibble
            }
            return 36
        }
    }
}

/// A canonical byte form: integers as 8 bytes big-endian, texts with their length before them. What the chain hashes.
package struct CanonicalBytes {
    package private(set) var bytes: [UInt8]

    package init(_ domain: StaticString) {
        bytes = []
        bytes.reserveCapacity(512)
        append(Int64(domain.utf8CodeUnitCount))
        bytes.append(contentsOf: UnsafeBufferPointer(start: domain.utf8Start, count: domain.utf8CodeUnitCount))
    }

    package mutating func append(_ value: Int64) {
        withUnsafeBytes(of: value.bigEndian) { bytes.append(contentsOf: $0) }
    }

    package mutating func append(_ value: UInt64) { append(Int64(bitPattern: value)) }

    package mutating func append(_ text: String) {
        append(Int64(text.utf8.count))
        bytes.append(contentsOf: text.utf8)
    }

    /// As its 16 bytes.
    mutating func append(_ tenant: TenantID) {
        append(Int64(16))
        tenant.withUnsafeBytes { bytes.append(contentsOf: $0) }
    }

    package mutating func append(_ digest: Digest) {
        append(Int64(Digest.byteCount))
        digest.withUnsafeBytes { bytes.append(contentsOf: $0) }
    }

    package mutating func append(_ blob: [UInt8]) {
        append(Int64(blob.count))
        bytes.append(contentsOf: blob)
    }
}

extension RequestID {
    package var bytes: [UInt8] {
        withUnsafeBytes { [UInt8]($0) }
    }

    func withUnsafeBytes<Value>(_ body: (UnsafeRawBufferPointer) -> Value) -> Value {
        Swift.withUnsafeBytes(of: (high.bigEndian, low.bigEndian)) { body($0) }
    }

    package init?(bytes: [UInt8]) {
        guard bytes.count == 16 else { return nil }
        self.init(
            high: bytes[..<8].reduce(0) { $0 << 8 | UInt64($1) }, low: bytes[8...].reduce(0) { $0 << 8 | UInt64($1) })
    }
}
