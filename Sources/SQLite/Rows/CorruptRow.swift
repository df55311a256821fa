import CSQLite

/// A row holds what its column cannot mean: the file was changed by other hands, or is damaged. Names the place, and of
/// the value no more than a number that stands for one of a few things.
package struct CorruptRow: Error, Sendable, Equatable, CustomStringConvertible {
    package let table: String
    package let column: String
    /// The columns of the row's primary key that were read with it, say `id 7`; empty where there were none.
    package let key: String
    /// The row's number, where the table counts its rows and it was read.
    package let rowID: Int64?
    package let fault: String

    package init(table: String, column: String, key: String, rowID: Int64?, fault: String) {
        self.table = table
        self.column = column
        self.key = key
        self.rowID = rowID
        self.fault = fault
    }

    package var description: String {
        "corrupt row: \(table)\(key.isEmpty ? "" : " \(key)"), column \(column): \(fault)"
    }
}

extension CorruptRow {
    /// SQLite knows which table's column each column of a statement is; an expression belongs to the table before it.
    init(of statement: OpaquePointer, column: Int32, fault: String) {
        let all = 0..<sqlite3_column_count(statement)
        let table = Self.table(statement, column) ?? all.lazy.compactMap { Self.table(statement, $0) }.first ?? ""
        var key: [String] = []
        var rowID: Int64?
        for other in all where other != column && Self.table(statement, other) == table {
            guard let name = Self.name(statement, other), Self.isKey(statement, table, name) else { continue }
            switch sqlite3_column_type(statement, other) {
            case SQLITE_INTEGER:
                let number = sqlite3_column_int64(statement, other)
                if name == "id" || name == "seq" || name == "rowid" { rowID = rowID ?? number }
                let part = "\(name) \(number)"
                if !key.contains(part) { key.append(part) }
            case SQLITE_TEXT:
                guard let text = sqlite3_column_text(statement, other) else { continue }
                key.append("\(name) \(String(cString: text))")
            default: continue
            }
        }
        self.init(
            table: table, column: Self.name(statement, column) ?? "\(column + 1)", key: key.joined(separator: ", "),
            rowID: rowID, fault: fault)
    }

    private static func table(_ statement: OpaquePointer, _ column: Int32) -> String? {
        sqlite3_column_table_name(statement, column).map { String(cString: $0) }
    }

    private static func name(_ statement: OpaquePointer, _ column: Int32) -> String? {
        (sqlite3_column_origin_name(statement, column) ?? sqlite3_column_name(statement, column))
            .map { String(cString: $0) }
    }

    private static func isKey(_ statement: OpaquePointer, _ table: String, _ column: String) -> Bool {
        var isKey: Int32 = 0
        let status = sqlite3_table_column_metadata(
            sqlite3_db_handle(statement), nil, table, column, nil, nil, nil, &isKey, nil)
        return status == SQLITE_OK && isKey != 0
    }
}
