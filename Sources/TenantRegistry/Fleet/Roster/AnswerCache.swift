import Cryptography
import Synchronization

/// Which answer is kept ready. A value is made once, where its route is declared, and is equal to itself alone.
package final class CacheKind: Sendable, Hashable {
    package init() {}

    package static func == (one: CacheKind, other: CacheKind) -> Bool { one === other }
    package func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }
}

/// An answer's bytes, and the name of just these.
package struct KeptAnswer: Sendable {
    package let bytes: [UInt8]
    package let tag: EntityTag

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        tag = EntityTag(of: bytes)
    }
}

/// Names an answer's content (RFC 9110, §8.8.3), weakly: codings of it have the same one.
package struct EntityTag: Sendable, Equatable {
    package let text: String

    package init(of bytes: [UInt8]) {
        text = "W/\"\(Base64.encodeURL(Array(SHA256.hash(bytes).bytes.prefix(15))))\""
    }

    /// Of what a hash names, byte for byte.
    package init(hash: String) { text = "\"\(hash)\"" }

    /// Whether a field If-None-Match names it, by the weak comparison of §8.8.3.2.
    package func isNamed(in field: String) -> Bool {
        let ours = opaque
        return field.split(separator: ",").contains { part in
            let name = part.drop { $0 == " " || $0 == "\t" }.prefix { $0 != " " && $0 != "\t" }
            return name == "*" || name == ours || name.hasPrefix("W/") && name.dropFirst(2) == ours
        }
    }

    /// Whether a field If-Match names it: a hash without quotes does too, as a dry run gives it. Weak tags do, since
    /// they stand for what was read, whatever coding it came in.
    package func isMeant(by field: String) -> Bool { isNamed(in: field) || field == opaque.dropFirst().dropLast() }

    /// In its quotes.
    private var opaque: Substring { text.hasPrefix("W/") ? text.dropFirst(2) : text[...] }
}

/// Answers that every shop asks for all day, kept as bytes and served on the loop. Filled and dropped by the
/// tenant's lane in commit order, so what is here is what the last commit says. Bounded: past `entriesMax` it starts
/// anew.
package final class AnswerCache: Sendable {
    package struct Key: Hashable, Sendable {
        let resellerID: Int64
        let book: Book
        let kind: CacheKind

        package init(resellerID: Int64, book: Book, kind: CacheKind) {
            self.resellerID = resellerID
            self.book = book
            self.kind = kind
        }
    }

    package static let entriesMax = 10_000
    private let entries = Mutex<[Key: KeptAnswer]>([:])
    private let lookCell = Mutex<[UInt8]?>(nil)

    init() {}

    package subscript(key: Key) -> KeptAnswer? { entries.withLock { $0[key] } }

    package func fill(_ key: Key, with bytes: [UInt8]) {
        entries.withLock { entries in
            if entries.count >= Self.entriesMax { entries.removeAll() }
            entries[key] = KeptAnswer(bytes)
        }
    }

    package func drop(where isStale: @Sendable (Key) -> Bool) {
        entries.withLock { entries in
            for key in entries.keys where isStale(key) { entries[key] = nil }
        }
    }

    /// How the tenant's refusals look. It is no answer: changes of prices leave it.
    package var look: [UInt8]? {
        get { lookCell.withLock { $0 } }
        set { lookCell.withLock { $0 = newValue } }
    }

    package func dropAnswers() { entries.withLock { $0.removeAll() } }

    /// What is kept may not be what the file says: it was restored, or is another node's.
    package func dropAll() {
        dropAnswers()
        look = nil
    }

    package func drop(resellerID: Int64) { drop { $0.resellerID == resellerID } }
}
