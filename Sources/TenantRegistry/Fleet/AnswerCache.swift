import Synchronization

/// Which answer is kept ready. A value is made once, where its route is declared, and is equal to itself alone.
package final class CacheKind: Sendable, Hashable {
    package init() {}

    package static func == (one: CacheKind, other: CacheKind) -> Bool { one === other }
    package func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }
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
    private let entries = Mutex<[Key: [UInt8]]>([:])

    init() {}

    package subscript(key: Key) -> [UInt8]? { entries.withLock { $0[key] } }

    package func fill(_ key: Key, with bytes: [UInt8]) {
        entries.withLock { entries in
            if entries.count >= Self.entriesMax { entries.removeAll() }
            entries[key] = bytes
        }
    }

    package func drop(where isStale: @Sendable (Key) -> Bool) {
        entries.withLock { entries in
            for key in entries.keys where isStale(key) { entries[key] = nil }
        }
    }

    package func dropAll() { entries.withLock { $0.removeAll() } }

    package func drop(resellerID: Int64) { drop { $0.resellerID == resellerID } }
}
