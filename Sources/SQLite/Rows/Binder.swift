import CSQLite

/// Binds the parameters of one statement in their order, each straight to where SQLite reads it: no list of values is
/// made in between. For statements that every order runs.
///
/// It is valid within the closure that it is handed to. On the connection's thread.
package struct Binder: ~Copyable {
    private let statement: OpaquePointer
    private unowned(unsafe) let connection: Connection
    private(set) var count: Int32 = 0
    /// Of the first that SQLite refused.
    private(set) var status = SQLITE_OK

    init(_ statement: OpaquePointer, of connection: Connection) {
        self.statement = statement
        self.connection = connection
    }

    package mutating func int(_ value: Int64) {
        count &+= 1
        note(sqlite3_bind_int64(statement, count, value))
    }

    package mutating func int(_ value: Int) { int(Int64(value)) }

    package mutating func int(_ value: Int64?) {
        if let value { int(value) } else { null() }
    }

    package mutating func bool(_ value: Bool) { int(value ? 1 as Int64 : 0) }

    /// A parameter without a value is NULL.
    package mutating func null() { count &+= 1 }

    package mutating func text(_ value: String) {
        var value = value
        count &+= 1
        value.withUTF8 { note(connection.bind(text: UnsafeRawBufferPointer($0), to: statement, at: count)) }
    }

    package mutating func text(_ value: String?) {
        if let value { text(value) } else { null() }
    }

    /// UTF-8.
    package mutating func text(utf8 value: [UInt8]) {
        count &+= 1
        value.withUnsafeBytes { note(connection.bind(text: $0, to: statement, at: count)) }
    }

    package mutating func blob(_ value: [UInt8]) { value.withUnsafeBytes { blob($0) } }

    package mutating func blob(_ value: UnsafeRawBufferPointer) {
        count &+= 1
        note(connection.bind(blob: value, to: statement, at: count))
    }

    private mutating func note(_ status: Int32) {
        if status != SQLITE_OK, self.status == SQLITE_OK { self.status = status }
    }
}

extension Connection {
    /// Runs a statement to its end and drops its rows.
    package func run(_ sql: StaticString, binding bind: (inout Binder) -> Void) throws(SQLiteError) {
        try run(.literal(sql), binding: bind)
    }

    package func run(_ statement: Statement, binding bind: (inout Binder) -> Void) throws(SQLiteError) {
        try run(.kept(statement.text), binding: bind)
    }

    private func run(_ source: StatementSource, binding bind: (inout Binder) -> Void) throws(SQLiteError) {
        let statement = try take(source)
        let mark = area.used
        defer {
            sqlite3_clear_bindings(statement.handle)
            area.restore(mark)
            statement.endUse()
        }
        var binder = Binder(statement.handle, of: self)
        bind(&binder)
        guard binder.status == SQLITE_OK else { throw SQLiteError.last(database, sql: source.sql) }
        let wanted = sqlite3_bind_parameter_count(statement.handle)
        guard binder.count == wanted else {
            throw SQLiteError(
                code: SQLITE_RANGE, message: "\(wanted) parameters, \(binder.count) values", sql: source.sql)
        }
        var status = sqlite3_step(statement.handle)
        while status == SQLITE_ROW { status = sqlite3_step(statement.handle) }
        let failure = status == SQLITE_DONE ? nil : SQLiteError.last(database, sql: source.sql)
        sqlite3_reset(statement.handle)
        if let failure { throw failure }
    }
}
