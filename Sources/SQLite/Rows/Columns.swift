import Synchronization

/// The SELECT list of one kind of row. It stands beside the type's `init(_ row: inout RowReader) throws`, which reads
/// the columns in this order; statements interpolate it.
package struct Columns<Row>: Sendable, CustomStringConvertible {
    private let names: [String]
    package let description: String

    package init(_ names: String...) {
        self.names = names
        description = names.joined(separator: ", ")
    }

    /// For an upsert: each column takes the value that was to be inserted.
    package var taken: String { names.map { "\($0) = excluded.\($0)" }.joined(separator: ", ") }

    /// The same columns where their names begin so.
    package func named(from prefix: String) -> String { names.map { prefix + $0 }.joined(separator: ", ") }

    /// The same columns of a table that the statement calls `alias`.
    package func of(_ alias: String) -> String { names.map { "\(alias).\($0)" }.joined(separator: ", ") }
}

/// A statement's text, put together once, of fixed pieces such as `Columns`, and kept for the life of the process: it
/// is known by its address, as a literal is. For a `static let`; never from anything that was sent.
package struct Statement: Sendable {
    let text: KeptText

    package init(_ sql: String) { text = KeptText(sql) }

    /// The same for a text that may be put together again and again: of each text one copy is kept.
    package init(shared sql: String) {
        text = Self.shared.withLock { kept in
            if let known = kept[sql] { return known }
            let text = KeptText(sql)
            kept[sql] = text
            return text
        }
    }

    private static let shared = Mutex<[String: KeptText]>([:])
}

/// Bytes that are never given back.
///
/// `@unchecked Sendable`: immutable since it was made, so any thread may read it.
struct KeptText: @unchecked Sendable {
    /// UTF-8.
    let start: UnsafePointer<UInt8>
    let count: Int

    init(_ text: String) {
        let bytes = Array(text.utf8)
        let buffer = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: max(bytes.count, 1))
        _ = buffer.initialize(from: bytes)
        start = UnsafePointer(buffer.baseAddress!)
        count = bytes.count
    }

    var string: String { String(decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self) }
}
