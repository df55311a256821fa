import CSQLite

/// Columns by their number, from 0: what is not yet read in order. Converts as SQL's CAST does; NULL gives 0, "" or [].
extension RowReader {
    package func isNull(_ column: Int32) -> Bool { sqlite3_column_type(statement, column) == SQLITE_NULL }

    package func int(_ column: Int32) -> Int64 { sqlite3_column_int64(statement, column) }

    package func optionalInt(_ column: Int32) -> Int64? { isNull(column) ? nil : int(column) }

    package func bool(_ column: Int32) -> Bool { int(column) != 0 }

    package func real(_ column: Int32) -> Double { sqlite3_column_double(statement, column) }

    package func text(_ column: Int32) -> String { withText(column) { String(decoding: $0, as: UTF8.self) } }

    package func optionalText(_ column: Int32) -> String? { isNull(column) ? nil : text(column) }

    package func blob(_ column: Int32) -> [UInt8] { withBlob(column) { [UInt8]($0) } }

    package func optionalBlob(_ column: Int32) -> [UInt8]? { isNull(column) ? nil : blob(column) }

    package func withText<T>(_ column: Int32, _ body: (UnsafeBufferPointer<UInt8>) throws -> T) rethrows -> T {
        let start = sqlite3_column_text(statement, column)
        return try body(UnsafeBufferPointer(start: start, count: start == nil ? 0 : byteCount(column)))
    }

    package func withBlob<T>(_ column: Int32, _ body: (UnsafeRawBufferPointer) throws -> T) rethrows -> T {
        let start = sqlite3_column_blob(statement, column)
        return try body(UnsafeRawBufferPointer(start: start, count: start == nil ? 0 : byteCount(column)))
    }

    private func byteCount(_ column: Int32) -> Int { Int(sqlite3_column_bytes(statement, column)) }
}
