import CSQLite

/// A statement to run, and the text that an error names. A literal and a kept text are known by their addresses, built
/// text by its content.
enum StatementSource {
    case literal(StaticString)
    case kept(KeptText)
    case text(String)

    var sql: String {
        switch self {
        case .literal(let sql): sql.description
        case .kept(let sql): sql.string
        case .text(let sql): sql
        }
    }
}

/// Taking a statement, binding, stepping and putting it back: everything that touches a running statement.
extension Connection {
    /// Runs `body` on a bound statement. Afterwards, on every path, it is reset, has no bindings and is in its cache
    /// again.
    func withStatement(
        _ source: StatementSource, _ values: [SQLValue], _ body: (OpaquePointer) throws -> Void
    ) throws {
        let statement = try take(source)
        let mark = area.used
        defer {
            sqlite3_reset(statement.handle)
            sqlite3_clear_bindings(statement.handle)
            area.restore(mark)
            statement.endUse()
        }
        try bind(values, to: statement.handle, source)
        try body(statement.handle)
        // A statement left before its last row ends here, and that can fail: INSERT … RETURNING commits only now.
        if sqlite3_reset(statement.handle) != SQLITE_OK { throw SQLiteError.last(database, sql: source.sql) }
    }

    /// Whether there is a row; false at the end.
    func step(_ statement: OpaquePointer, _ source: StatementSource) throws(SQLiteError) -> Bool {
        switch sqlite3_step(statement) {
        case SQLITE_ROW: return true
        case SQLITE_DONE: return false
        default: throw SQLiteError.last(database, sql: source.sql)
        }
    }

    func take(_ source: StatementSource) throws(SQLiteError) -> PreparedStatement {
        switch source {
        case .literal(let sql):
            precondition(sql.hasPointerRepresentation, "no statement is one character long")
            return try take(source, at: sql.utf8Start)
        case .kept(let sql): return try take(source, at: sql.start)
        case .text(let sql):
            if let statement = texts.find(sql) {
                if statement.isBusy { return try prepare(source, isCached: false) }
                statement.isBusy = true
                return statement
            }
            let statement = try prepare(source, isCached: true)
            texts.insert(statement, for: sql)
            return statement
        }
    }

    private func take(
        _ source: StatementSource, at address: UnsafePointer<UInt8>
    ) throws(SQLiteError) -> PreparedStatement {
        if let statement = recent.find(address), !statement.isBusy {
            literals.note(statement)
            statement.isBusy = true
            return statement
        }
        if let statement = literals.find(address) {
            if statement.isBusy { return try prepare(source, isCached: false) }
            statement.isBusy = true
            recent.insert(statement, for: address)
            return statement
        }
        let statement = try prepare(source, isCached: true)
        // One that is finalised for its sake may be among the recent ones.
        if literals.isFull { recent.removeAll() }
        literals.insert(statement, for: address)
        return statement
    }

    private func prepare(_ source: StatementSource, isCached: Bool) throws(SQLiteError) -> PreparedStatement {
        let sql = source.sql
        guard !sql.utf8.contains(0) else {
            throw SQLiteError(code: SQLITE_MISUSE, message: "NUL in a statement", sql: "")
        }
        var handle: OpaquePointer?
        var isWhole = true
        let flags = isCached ? UInt32(SQLITE_PREPARE_PERSISTENT) : 0
        let status = sql.withCString { start in
            var rest: UnsafePointer<CChar>?
            let status = sqlite3_prepare_v3(database, start, -1, flags, &handle, &rest)
            // White space and semicolons may follow; a second statement would never run.
            while let byte = rest?.pointee, byte != 0, isWhole {
                isWhole = byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D || byte == 0x3B
                rest? += 1
            }
            return status
        }
        guard status == SQLITE_OK else { throw SQLiteError.last(database, sql: sql) }
        guard let handle, isWhole else {
            sqlite3_finalize(handle)
            throw SQLiteError(code: SQLITE_MISUSE, message: "not exactly one statement", sql: sql)
        }
        return PreparedStatement(handle: handle, isCached: isCached)
    }

    private func bind(
        _ values: [SQLValue], to statement: OpaquePointer, _ source: StatementSource
    ) throws(SQLiteError) {
        guard sqlite3_bind_parameter_count(statement) == Int32(values.count) else {
            let count = sqlite3_bind_parameter_count(statement)
            throw SQLiteError(
                code: SQLITE_RANGE, message: "\(count) parameters, \(values.count) values", sql: source.sql)
        }
        var index: Int32 = 0
        for value in values {
            index += 1
            let status =
                switch value {
                case .null: sqlite3_bind_null(statement, index)
                case .integer(let value): sqlite3_bind_int64(statement, index, value)
                case .real(let value): sqlite3_bind_double(statement, index, value)
                case .text(let value): bind(value, to: statement, at: index)
                case .blob(let value): bind(value, to: statement, at: index)
                }
            if status != SQLITE_OK { throw SQLiteError.last(database, sql: source.sql) }
        }
    }

    private func bind(_ text: String, to statement: OpaquePointer, at index: Int32) -> Int32 {
        var text = text
        return text.withUTF8 { bind(text: UnsafeRawBufferPointer($0), to: statement, at: index) }
    }

    private func bind(_ blob: [UInt8], to statement: OpaquePointer, at index: Int32) -> Int32 {
        blob.withUnsafeBytes { bind(blob: $0, to: statement, at: index) }
    }

    func bind(text bytes: UnsafeRawBufferPointer, to statement: OpaquePointer, at index: Int32) -> Int32 {
        let placed = area.place(bytes)
        let start = placed ?? bytes.baseAddress
        return sqlite3_bind_text64(
            statement, index, start?.assumingMemoryBound(to: CChar.self), UInt64(bytes.count),
            placed == nil ? tollgate_sqlite3_transient() : nil, UInt8(SQLITE_UTF8))
    }

    func bind(blob bytes: UnsafeRawBufferPointer, to statement: OpaquePointer, at index: Int32) -> Int32 {
        let placed = area.place(bytes)
        return sqlite3_bind_blob64(
            statement, index, placed ?? bytes.baseAddress, UInt64(bytes.count),
            placed == nil ? tollgate_sqlite3_transient() : nil)
    }
}
