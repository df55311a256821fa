package import Cryptography
package import SQLite

/// Rows that the audit chain vouches for wherever they change: what each says now goes into the chain with the batch
/// that changed it, as a digest beside its key (0025). Used by the file's `TenantStore`.
final class RowVouching {
    private let connection: Connection
    private let shapes: [RowShape]
    private let watch: RowWatch
    private var jobStart = 0

    init(_ connection: Connection, _ shapes: [RowShape]) {
        self.connection = connection
        self.shapes = shapes
        watch = RowWatch(connection, shapes)
    }

    var hasChanges: Bool { !watch.written.isEmpty }

    func jobBegins() { jobStart = watch.written.count }
    func jobUndone() { watch.forget(from: jobStart) }

    func clear() {
        watch.forget()
        jobStart = 0
    }

    /// What the rows that were written say now, in pieces for a row of the chain each.
    func changes() throws -> [RowDigests] {
        var all = RowDigestPieces(isBaseline: false)
        for row in watch.written {
            let shape = shapes[row.table]
            guard let key = CanonicalValue.values(of: row.key) else {
                throw TenantFileError.damaged("a row of \(shape.table) has a key that is no text")
            }
            all.add(shape.table, row.key, try RowDigests.digest(shape, key: key, connection))
        }
        return all.pieces
    }

    /// What every row says, from which on changes are told.
    func baseline() throws -> [RowDigests] {
        var all = RowDigestPieces(isBaseline: true)
        for shape in shapes {
            try RowDigests.forEach(shape, connection) { key, digest in
                all.add(shape.table, key, digest)
                return true
            }
        }
        return all.pieces
    }
}

/// Digests of rows as one row of the chain has them.
package struct RowDigests: Sendable {
    package struct Entry: Sendable, Equatable {
        package let table: String
        /// As `CanonicalValue` writes it.
        package let key: [UInt8]
        /// Nil for a row that has gone.
        package let digest: Digest?
    }

    /// What a piece does to those before it.
    enum Kind: UInt8 {
        case changes = 0
        /// Nothing that was said before counts any more: every row is told anew.
        case baseline = 1
        case baselineGoesOn = 2
    }

    static let entriesMax = 8_192
    private static let nameBytesMax: UInt64 = 256

    /// Everything that was said before is void.
    package var beginsAnew: Bool { kind == .baseline }
    package internal(set) var entries: [Entry] = []
    let kind: Kind

    init(_ kind: Kind) { self.kind = kind }

    /// Packed for the chain: the kind, then for each table its name and how many rows, then for each row the length of
    /// its key, the key, and 0 where it has gone, or 1 and its digest. Digests do not deflate.
    func block(at now: Timestamp) -> AuditBlock {
        var bytes: [UInt8] = [kind.rawValue]
        var rest = entries[...]
        while let first = rest.first {
            let group = rest.prefix { $0.table == first.table }
            rest = rest.dropFirst(group.count)
            CanonicalValue.append(.text(first.table), to: &bytes)
            Self.append(UInt32(group.count), to: &bytes)
            for entry in group {
                Self.append(UInt32(entry.key.count), to: &bytes)
                bytes += entry.key
                bytes.append(entry.digest == nil ? 0 : 1)
                if let digest = entry.digest { bytes += digest.bytes }
            }
        }
        return AuditBlock(firstAt: now, lastAt: now, count: entries.count, payload: bytes)
    }

    private static func append(_ number: UInt32, to bytes: inout [UInt8]) {
        withUnsafeBytes(of: number.bigEndian) { bytes.append(contentsOf: $0) }
    }

    /// Nil for bytes that are none.
    package init?(payload: [UInt8]) {
        guard let kind = payload.first.flatMap(Kind.init(rawValue:)) else { return nil }
        self.kind = kind
        var place = 1
        func take(_ count: Int) -> ArraySlice<UInt8>? {
            guard count <= payload.count - place else { return nil }
            defer { place += count }
            return payload[place..<place + count]
        }
        func number(_ width: Int) -> UInt64? { take(width)?.reduce(0) { $0 << 8 | UInt64($1) } }
        while place < payload.count {
            guard take(1) == [3], let length = number(8), length <= Self.nameBytesMax,
                let name = take(Int(length)).map({ String(decoding: $0, as: UTF8.self) }), let count = number(4)
            else { return nil }
            for _ in 0..<count {
                guard let bytes = number(4), let key = take(Int(bytes)), let isThere = take(1)?.first else {
                    return nil
                }
                guard isThere == 1 else {
                    entries.append(Entry(table: name, key: Array(key), digest: nil))
                    continue
                }
                guard let digest = take(32).flatMap({ Digest(bytes: $0) }) else { return nil }
                entries.append(Entry(table: name, key: Array(key), digest: digest))
            }
        }
    }

    /// Every row of a table: its key and the digest of what it says.
    package static func forEach(
        _ shape: RowShape, _ connection: Connection, _ body: ([UInt8], Digest) throws -> Bool
    ) throws {
        try connection.forEach(shape.all) { row in
            var key: [UInt8] = []
            row.canonical(shape.key.count, into: &key)
            return try body(key, digest(shape, &row))
        }
    }

    /// What the row of a key says; nil where there is none.
    static func digest(_ shape: RowShape, key: [SQLValue], _ connection: Connection) throws -> Digest? {
        try connection.row(shape.one, values: key) { digest(shape, &$0) }
    }

    private static func digest(_ shape: RowShape, _ row: inout RowReader) -> Digest {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(512)
        CanonicalValue.append(.text("tollgate-row-v1"), to: &bytes)
        CanonicalValue.append(.text(shape.table), to: &bytes)
        row.canonicalRest(into: &bytes)
        return SHA256.hash(bytes)
    }
}

/// Digests as they come, cut into pieces.
private struct RowDigestPieces {
    private(set) var pieces: [RowDigests]
    private let isBaseline: Bool

    init(isBaseline: Bool) {
        self.isBaseline = isBaseline
        // Of an empty file a baseline says just that.
        pieces = isBaseline ? [RowDigests(.baseline)] : []
    }

    mutating func add(_ table: String, _ key: [UInt8], _ digest: Digest?) {
        if (pieces.last?.entries.count ?? RowDigests.entriesMax) >= RowDigests.entriesMax {
            pieces.append(RowDigests(isBaseline ? .baselineGoesOn : .changes))
        }
        pieces[pieces.count - 1].entries.append(RowDigests.Entry(table: table, key: key, digest: digest))
    }
}
