import CSQLite

/// A table whose rows are told apart and hashed: its key's columns and all that it stores, in the order of the table.
package struct RowShape: Sendable {
    package let table: String
    /// The columns of its primary key, which are its first, or the row id where SQLite goes by that.
    package let key: [String]
    /// Whether the key is SQLite's own row id.
    package let hasRowID: Bool
    /// Key and row of every row, in the order of the key.
    package let all: Statement
    /// The row of one key.
    package let one: Statement

    /// Reads a table's shape from a file that has it. Computed columns are not stored, so they are not in it.
    package init(of table: String, in connection: Connection) throws {
        let columns = try connection.rows(
            dynamic: "SELECT name, type, pk FROM pragma_table_info(?1) ORDER BY cid", [.text(table)]
        ) { row in (name: try row.text(), type: try row.text(), place: try row.int()) }
        let isWithoutRowID =
            try connection.row(
                dynamic: "SELECT wr FROM pragma_table_list(?1) WHERE schema = 'main'", [.text(table)]
            ) { try $0.bool() } ?? false
        var key = columns.filter { $0.place > 0 }
        if !isWithoutRowID, key.count != 1 || key[0].type != "INTEGER" { key = [("rowid", "INTEGER", 1)] }
        guard !isWithoutRowID || columns.prefix(key.count).map(\.place) == key.indices.map({ Int64($0) + 1 }) else {
            throw SQLiteError(code: SQLITE_CORRUPT, message: "the key of \(table) is not its first columns", sql: "")
        }
        self.table = table
        self.key = key.map(\.name)
        hasRowID = !isWithoutRowID
        let keys = key.map(\.name).joined(separator: ", ")
        let list = columns.map(\.name).joined(separator: ", ")
        all = Statement(shared: "SELECT \(keys), \(list) FROM \(table) ORDER BY \(keys)")
        let match = key.enumerated().map { "\($1.name) = ?\($0 + 1)" }.joined(separator: " AND ")
        one = Statement(shared: "SELECT \(list) FROM \(table) WHERE \(match)")
    }
}

/// Values as bytes that say the same wherever they are read: a byte for the type, then the number, or the length and
/// the bytes.
package enum CanonicalValue {
    private static let null: UInt8 = 0
    private static let integer: UInt8 = 1
    private static let real: UInt8 = 2
    private static let text: UInt8 = 3
    private static let blob: UInt8 = 4

    package static func append(_ value: SQLValue, to bytes: inout [UInt8]) {
        switch value {
        case .null: bytes.append(null)
        case .integer(let number): append(integer, UInt64(bitPattern: number), to: &bytes)
        case .real(let number): append(real, number.bitPattern, to: &bytes)
        case .text(let characters):
            append(text, UInt64(characters.utf8.count), to: &bytes)
            bytes.append(contentsOf: characters.utf8)
        case .blob(let content):
            append(blob, UInt64(content.count), to: &bytes)
            bytes.append(contentsOf: content)
        }
    }

    static func append(_ type: UInt8, _ number: UInt64, to bytes: inout [UInt8]) {
        bytes.append(type)
        withUnsafeBytes(of: number.bigEndian) { bytes.append(contentsOf: $0) }
    }

    static func append(text content: UnsafeRawBufferPointer, to bytes: inout [UInt8]) {
        append(text, UInt64(content.count), to: &bytes)
        bytes.append(contentsOf: content)
    }

    static func append(blob content: UnsafeRawBufferPointer, to bytes: inout [UInt8]) {
        append(blob, UInt64(content.count), to: &bytes)
        bytes.append(contentsOf: content)
    }

    /// The values of a key that bytes stand for; nil where they stand for none.
    package static func values(of bytes: [UInt8]) -> [SQLValue]? {
        var values: [SQLValue] = []
        var rest = bytes[...]
        while let type = rest.popFirst() {
            if type == null {
                values.append(.null)
                continue
            }
            guard rest.count >= 8 else { return nil }
            let number = rest.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
            rest = rest.dropFirst(8)
            switch type {
            case integer: values.append(.integer(Int64(bitPattern: number)))
            case text, blob:
                guard number <= UInt64(rest.count) else { return nil }
                let content = Array(rest.prefix(Int(number)))
                rest = rest.dropFirst(Int(number))
                if type == blob {
                    values.append(.blob(content))
                } else {
                    guard let characters = String(validating: content, as: UTF8.self) else { return nil }
                    values.append(.text(characters))
                }
            default: return nil
            }
        }
        return values
    }
}
