import CSQLite

/// The row a statement stands on, read column by column in the order of its SELECT list. A value of another type than
/// is asked for, and one that means nothing, throw `CorruptRow`: there are no defaults.
///
/// It is valid within the closure that it is handed to and cannot leave it. Reading more columns than there are is a
/// defect of the program and traps.
package struct RowReader: ~Copyable {
    private let statement: OpaquePointer
    private var column: Int32 = 0

    init(statement: OpaquePointer) { self.statement = statement }

    package mutating func int() throws -> Int64 {
        let value = next()
        guard sqlite3_value_type(value) == SQLITE_INTEGER else { throw mismatch("an integer") }
        return sqlite3_value_int64(value)
    }

    package mutating func optionalInt() throws -> Int64? {
        let value = next()
        switch sqlite3_value_type(value) {
        case SQLITE_INTEGER: return sqlite3_value_int64(value)
        case SQLITE_NULL: return nil
        default: throw mismatch("an integer")
        }
    }

    /// 0 or 1.
    package mutating func bool() throws -> Bool {
        let value = next()
        guard sqlite3_value_type(value) == SQLITE_INTEGER else { throw mismatch("0 or 1") }
        switch sqlite3_value_int64(value) {
        case 0: return false
        case 1: return true
        default: throw corrupt()
        }
    }

    package mutating func real() throws -> Double {
        let value = next()
        guard sqlite3_value_type(value) == SQLITE_FLOAT else { throw mismatch("a number") }
        return sqlite3_value_double(value)
    }

    package mutating func text() throws -> String {
        let value = next()
        guard sqlite3_value_type(value) == SQLITE_TEXT else { throw mismatch("a text") }
        return try string(value)
    }

    package mutating func optionalText() throws -> String? {
        let value = next()
        switch sqlite3_value_type(value) {
        case SQLITE_TEXT: return try string(value)
        case SQLITE_NULL: return nil
        default: throw mismatch("a text")
        }
    }

    package mutating func blob() throws -> [UInt8] { try withBlob { [UInt8]($0) } }

    package mutating func optionalBlob() throws -> [UInt8]? {
        let value = next()
        switch sqlite3_value_type(value) {
        case SQLITE_BLOB: return [UInt8](UnsafeRawBufferPointer(try bytes(value, sqlite3_value_blob(value))))
        case SQLITE_NULL: return nil
        default: throw mismatch("a blob")
        }
    }

    /// The text's bytes where SQLite keeps them, without a copy. They need not be UTF-8.
    package mutating func withText<T>(_ body: (UnsafeRawBufferPointer) throws -> T) throws -> T {
        let value = next()
        guard sqlite3_value_type(value) == SQLITE_TEXT else { throw mismatch("a text") }
        return try body(try bytes(value, sqlite3_value_text(value)))
    }

    /// The blob's bytes where SQLite keeps them, without a copy.
    package mutating func withBlob<T>(_ body: (UnsafeRawBufferPointer) throws -> T) throws -> T {
        let value = next()
        guard sqlite3_value_type(value) == SQLITE_BLOB else { throw mismatch("a blob") }
        return try body(try bytes(value, sqlite3_value_blob(value)))
    }

    /// Passes columns by, say the id that only a fault has to name, or what an outer join has not found.
    package mutating func skip(_ columns: Int32 = 1) { column += columns }

    /// Whether the next column is NULL; it stays the next one.
    package var isNextNull: Bool { sqlite3_column_type(statement, column) == SQLITE_NULL }

    var columnsLeft: Int { Int(sqlite3_column_count(statement) - column) }

    /// Every column has been read. A list of columns and the code that reads them have drifted apart otherwise.
    package func end() { precondition(column == sqlite3_column_count(statement), "columns that nobody reads") }

    /// The fault of a row whose last column, as just read, cannot be what it says.
    package func corrupt() -> any Error {
        let value = sqlite3_column_value(statement, column - 1)
        // A number is no secret where it stands for one of a few things; a text might be.
        let fault =
            sqlite3_value_type(value) == SQLITE_INTEGER
            ? "\(sqlite3_value_int64(value)) means nothing" : "it means nothing"
        return CorruptRow(of: statement, column: column - 1, fault: fault)
    }

    /// Without a lock of its own SQLite lets the value itself be read, which is looked up once for type and content.
    mutating func next() -> OpaquePointer? {
        let value = sqlite3_column_value(statement, column)
        column &+= 1
        return value
    }

    private func mismatch(_ wanted: String) -> any Error {
        precondition(column <= sqlite3_column_count(statement), "more is read than the statement selects")
        let found =
            switch sqlite3_column_type(statement, column - 1) {
            case SQLITE_INTEGER: "an integer"
            case SQLITE_FLOAT: "a number with a point"
            case SQLITE_TEXT: "a text"
            case SQLITE_BLOB: "a blob"
            default: "nothing"
            }
        return CorruptRow(of: statement, column: column - 1, fault: "it holds \(found) where \(wanted) belongs")
    }

    private func string(_ value: OpaquePointer?) throws -> String {
        let bytes = try bytes(value, sqlite3_value_text(value))
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw CorruptRow(of: statement, column: column - 1, fault: "its text is not UTF-8")
        }
        return text
    }

    /// `start` is asked for first: what it converts is what is counted. Nil is a value of no bytes, or no memory.
    private func bytes(_ value: OpaquePointer?, _ start: UnsafeRawPointer?) throws -> UnsafeRawBufferPointer {
        let count = Int(sqlite3_value_bytes(value))
        guard start != nil || count == 0 else {
            throw SQLiteError(code: SQLITE_NOMEM, message: "no memory for a value", sql: "")
        }
        return UnsafeRawBufferPointer(start: start, count: count)
    }
}

/// Values that a column stands for. Inlined where they are used, so that nothing generic is looked up at each call.
extension RowReader {
    /// One of a few, by its number.
    @inlinable
    package mutating func value<Value: RawRepresentable>(
        of type: Value.Type = Value.self
    ) throws -> Value where Value.RawValue == Int64 {
        guard let value = Value(rawValue: try int()) else { throw corrupt() }
        return value
    }

    /// One of a few, by its name.
    @inlinable
    package mutating func value<Value: RawRepresentable>(
        of type: Value.Type = Value.self
    ) throws -> Value where Value.RawValue == String {
        guard let value = Value(rawValue: try text()) else { throw corrupt() }
        return value
    }

    /// The same where the column may be NULL.
    @inlinable
    package mutating func optionalValue<Value: RawRepresentable>(
        of type: Value.Type = Value.self
    ) throws -> Value? where Value.RawValue == Int64 {
        try optionalInt(as: Value.init(rawValue:))
    }

    @inlinable
    package mutating func optionalValue<Value: RawRepresentable>(
        of type: Value.Type = Value.self
    ) throws -> Value? where Value.RawValue == String {
        guard let text = try optionalText() else { return nil }
        guard let value = Value(rawValue: text) else { throw corrupt() }
        return value
    }

    /// What `make` makes of an integer.
    @inlinable
    package mutating func int<Value>(as make: (Int64) -> Value?) throws -> Value {
        guard let value = make(try int()) else { throw corrupt() }
        return value
    }

    @inlinable
    package mutating func optionalInt<Value>(as make: (Int64) -> Value?) throws -> Value? {
        guard let number = try optionalInt() else { return nil }
        guard let value = make(number) else { throw corrupt() }
        return value
    }

    /// What `make` makes of a text.
    @inlinable
    package mutating func text<Value>(as make: (String) -> Value?) throws -> Value {
        guard let value = make(try text()) else { throw corrupt() }
        return value
    }

    /// What `make` makes of a blob.
    @inlinable
    package mutating func blob<Value>(as make: ([UInt8]) -> Value?) throws -> Value {
        guard let value = make(try blob()) else { throw corrupt() }
        return value
    }
}
