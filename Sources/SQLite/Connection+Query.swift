/// Statements named by a literal: the SQL sits beside its caller, values are bound by position, the statement stays
/// prepared. Each call may be nested in another's closure, with the same SQL too.
extension Connection {
    /// Runs a statement to its end and drops its rows.
    package func run(_ sql: StaticString, _ values: SQLValue...) throws(SQLiteError) {
        try run(.literal(sql), values)
    }

    /// What `read` makes of the first row; nil where there is none.
    package func row<T>(_ sql: StaticString, _ values: SQLValue..., read: (inout RowReader) throws -> T) throws -> T? {
        try row(.literal(sql), values, read)
    }

    /// What `read` makes of each row. For results known to be small: lists page by keyset.
    package func rows<T>(_ sql: StaticString, _ values: SQLValue..., read: (inout RowReader) throws -> T) throws -> [T]
    {
        try rows(.literal(sql), values, read)
    }

    /// Goes through the rows until `body` returns false.
    package func forEach(_ sql: StaticString, _ values: SQLValue..., body: (inout RowReader) throws -> Bool) throws {
        try forEach(.literal(sql), values, body)
    }

    /// Whether there is a row.
    package func exists(_ sql: StaticString, _ values: SQLValue...) throws -> Bool {
        try row(.literal(sql), values) { _ in true } ?? false
    }
}

/// The same for SQL that is put together from fixed pieces, say a filter: never from anything that was sent.
extension Connection {
    package func run(dynamic sql: String, _ values: [SQLValue] = []) throws(SQLiteError) {
        try run(.text(sql), values)
    }

    package func row<T>(dynamic sql: String, _ values: [SQLValue] = [], read: (inout RowReader) throws -> T) throws
        -> T?
    {
        try row(.text(sql), values, read)
    }

    package func rows<T>(dynamic sql: String, _ values: [SQLValue] = [], read: (inout RowReader) throws -> T) throws
        -> [T]
    {
        try rows(.text(sql), values, read)
    }

    package func forEach(dynamic sql: String, _ values: [SQLValue] = [], body: (inout RowReader) throws -> Bool) throws
    {
        try forEach(.text(sql), values, body)
    }
}

/// The same for SQL that was put together once.
extension Connection {
    package func run(_ statement: Statement, _ values: SQLValue...) throws(SQLiteError) {
        try run(.kept(statement.text), values)
    }

    /// The same for a row of many columns.
    package func run(_ statement: Statement, values: [SQLValue]) throws(SQLiteError) {
        try run(.kept(statement.text), values)
    }

    package func row<T>(
        _ statement: Statement, _ values: SQLValue..., read: (inout RowReader) throws -> T
    ) throws -> T? {
        try row(.kept(statement.text), values, read)
    }

    /// The same for a key of several columns.
    package func row<T>(
        _ statement: Statement, values: [SQLValue], read: (inout RowReader) throws -> T
    ) throws -> T? {
        try row(.kept(statement.text), values, read)
    }

    package func rows<T>(
        _ statement: Statement, _ values: SQLValue..., read: (inout RowReader) throws -> T
    ) throws -> [T] {
        try rows(.kept(statement.text), values, read)
    }

    /// The same for a filter of many parts.
    package func rows<T>(
        _ statement: Statement, values: [SQLValue], read: (inout RowReader) throws -> T
    ) throws -> [T] {
        try rows(.kept(statement.text), values, read)
    }

    package func forEach(
        _ statement: Statement, _ values: SQLValue..., body: (inout RowReader) throws -> Bool
    ) throws {
        try forEach(.kept(statement.text), values, body)
    }
}

/// The generic parts are thin: other modules call them unspecialised, and everything generic is looked up at each call.
extension Connection {
    func run(_ source: StatementSource, _ values: [SQLValue]) throws(SQLiteError) {
        do {
            try withStatement(source, values) { statement in while try step(statement, source) {} }
        } catch let error as SQLiteError {
            throw error
        } catch {
            preconditionFailure("running a statement throws SQLiteError alone")
        }
    }

    func row<T>(_ source: StatementSource, _ values: [SQLValue], _ read: (inout RowReader) throws -> T) throws -> T? {
        var result: T?
        try forEach(source, values) { row in
            result = try read(&row)
            return false
        }
        return result
    }

    func rows<T>(_ source: StatementSource, _ values: [SQLValue], _ read: (inout RowReader) throws -> T) throws -> [T] {
        var results: [T] = []
        try forEach(source, values) { row in
            results.append(try read(&row))
            return true
        }
        return results
    }

    func forEach(_ source: StatementSource, _ values: [SQLValue], _ body: (inout RowReader) throws -> Bool) throws {
        try withStatement(source, values) { statement in
            while try step(statement, source) {
                var row = RowReader(statement: statement)
                if try !body(&row) { break }
            }
        }
    }
}
