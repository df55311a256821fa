import SQLite
import Testing

@Suite("Statements")
struct StatementTests {
    let folder: TemporaryFolder
    let connection: Connection

    init() throws {
        folder = try TemporaryFolder()
        connection = try folder.live()
        try connection.execute(
            """
            CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT UNIQUE, data BLOB, weight REAL) STRICT;
            -- a comment, and an empty statement: ;
            CREATE TABLE part (id INTEGER PRIMARY KEY, item INTEGER NOT NULL REFERENCES item(id)) STRICT;
            """)
    }

    @Test("every kind of value comes back as it was bound, however long")
    func values() throws {
        let long = String(repeating: "é", count: 40_000)
        let values: [SQLValue] = [
            .null, .integer(.min), .integer(.max), .text(""), .text("a\u{0}b"), .text(long), .blob([]),
            .blob([0, 255]),
            .blob([UInt8](repeating: 7, count: BigSizes.overArea)), .real(-0.5),
        ]
        for value in values {
            #expect(try connection.row("SELECT ?", value) { try stored(&$0, as: value) } == value)
        }
        let all = try connection.row(dynamic: "SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, ?", values) { row in
            try values.map { try stored(&row, as: $0) }
        }
        #expect(all == values)
    }

    private func stored(_ row: inout RowReader, as value: SQLValue) throws -> SQLValue {
        switch value {
        case .null: .optional(try row.optionalInt())
        case .integer: .integer(try row.int())
        case .text: .text(try row.text())
        case .blob: .blob(try row.blob())
        case .real: .real(try row.real())
        }
    }

    private enum BigSizes {
        /// More than the area for bound values holds.
        static let overArea = 20_000
    }

    @Test("optional getters tell NULL from 0 and from empty")
    func optionals() throws {
        try connection.row("SELECT NULL, NULL, NULL, 0, '', x''") { row in
            let isNull = row.isNextNull
            let nothing = (try row.optionalInt(), try row.optionalText(), try row.optionalBlob())
            #expect(isNull && nothing.0 == nil && nothing.1 == nil && nothing.2 == nil)
            let isNullToo = row.isNextNull
            let empty = (try row.optionalInt(), try row.optionalText(), try row.optionalBlob())
            #expect(!isNullToo && empty.0 == 0 && empty.1 == "" && empty.2 == [])
        }
        #expect(SQLValue.optional(nil as String?) == .null && SQLValue.optional(5 as Int64?) == .integer(5))
    }

    @Test("an error names code, message and statement, and no bound value")
    func errorsHideValues() throws {
        try connection.run("INSERT INTO item (name) VALUES (?)", .text("s3cret-value"))
        let error = try #require(throws: SQLiteError.self) {
            try connection.run("INSERT INTO item (name) VALUES (?)", .text("s3cret-value"))
        }
        #expect(error.isConstraint && error.isUnique && error.code == 2067 && error.primary == 19)
        #expect(error.message == "UNIQUE constraint failed: item.name")
        #expect(error.sql == "INSERT INTO item (name) VALUES (?)")
        #expect(!"\(error)".contains("s3cret"))
        let strict = try #require(throws: SQLiteError.self) {
            try connection.run("INSERT INTO item (id) VALUES (?)", .text("s3cret-value"))
        }
        #expect(!"\(strict)".contains("s3cret"))
    }

    @Test("a constraint error leaves the statement, the transaction and the connection usable")
    func usableAfterConstraint() throws {
        try connection.beginImmediate()
        for name in ["a", "a", "b", "b", "c"] {
            try? connection.run("INSERT INTO item (name) VALUES (?)", .text(name))
            #expect(!connection.isAutocommit)
        }
        try connection.commit()
        #expect(try connection.rows("SELECT name FROM item ORDER BY id") { try $0.text() } == ["a", "b", "c"])
        #expect(throws: SQLiteError.self) { try connection.run("INSERT INTO part (item) VALUES (99)") }
    }

    @Test("changes and the last row id are those of the last write; RETURNING gives its row and commits")
    func writes() throws {
        for name in ["a", "b", "c"] { try connection.run("INSERT INTO item (name) VALUES (?)", .text(name)) }
        #expect(connection.lastInsertedRowID == 3 && connection.changes == 1)
        try connection.run("UPDATE item SET weight = 1.5")
        #expect(connection.changes == 3)
        let id = try connection.row("INSERT INTO item (name) VALUES ('d') RETURNING id") { try $0.int() }
        #expect(id == 4 && connection.isAutocommit)
        #expect(try connection.row("SELECT count(*) FROM item") { try $0.int() } == 4)
        #expect(try connection.row("SELECT 1 WHERE 0") { try $0.int() } == nil)
        #expect(try connection.exists("SELECT 1 FROM item WHERE name = ?", .text("d")))
    }

    @Test("the same statement may run inside itself, and inner values do not disturb the outer ones")
    func nested() throws {
        try connection.run("INSERT INTO item (name) VALUES ('x'), ('y'), ('z')")
        var pairs: [String] = []
        func names(after bound: String, _ body: (String) throws -> Bool) throws {
            try connection.forEach("SELECT name FROM item WHERE name >= ? ORDER BY name", .text(bound)) {
                try body($0.text())
            }
        }
        try names(after: "x") { outer in
            try names(after: "y") { inner in
                pairs.append(outer + inner)
                return true
            }
            return true
        }
        #expect(pairs == ["xy", "xz", "yy", "yz", "zy", "zz"])
        var first: [String] = []
        try names(after: "x") { name in
            first.append(name)
            return false
        }
        #expect(first == ["x"])
    }

    @Test("what a closure throws comes through, and the statement is at rest again")
    func throwing() throws {
        struct Stop: Error {}
        try connection.run("INSERT INTO item (name) VALUES ('x'), ('y')")
        for _ in 0..<3 {
            #expect(throws: Stop.self) { try connection.rows("SELECT name FROM item") { _ in throw Stop() } }
            #expect(throws: Stop.self) { try connection.forEach("SELECT name FROM item") { _ in throw Stop() } }
        }
        // A statement still running would keep the table from being dropped.
        try connection.execute("DROP TABLE part; DROP TABLE item")
    }

    @Test("caches that are dropped take no memory; what runs goes on, what was written is there, and all runs again")
    func droppedCaches() throws {
        try connection.execute("BEGIN")
        try connection.run("INSERT INTO item (id, name) VALUES (1, 'a'), (2, 'b')")
        var seen: [Int64] = []
        try connection.forEach("SELECT id FROM item ORDER BY id") { row in
            seen.append(try row.int())
            connection.dropCaches()
            return true
        }
        #expect(seen == [1, 2] && connection.cachedStatementCount == 0)
        try connection.execute("COMMIT")
        connection.dropCaches()
        #expect(try connection.row("SELECT count(*) FROM item") { try $0.int() } == 2)
    }

    @Test("the cache is bounded: what was unused for longest goes, and runs again when it is asked for")
    func eviction() throws {
        for round in 0..<2 {
            for index in 0..<100 {
                let value = try connection.row(dynamic: "SELECT ? + \(index)", [.int(round)]) { try $0.int() }
                #expect(value == Int64(index + round))
            }
        }
        #expect(connection.cachedStatementCount <= Connection.cachedDynamicStatementsMax + 2)
        // A statement that is running is not evicted under its caller.
        var seen: [Int64] = []
        try connection.forEach(dynamic: "SELECT value FROM (SELECT 1 AS value UNION SELECT 2 UNION SELECT 3)") { row in
            for index in 0..<100 { try connection.run(dynamic: "SELECT \(index), 'other'") }
            seen.append(try row.int())
            return true
        }
        #expect(seen == [1, 2, 3])
    }

    @Test("two statements in one, none at all, and a wrong number of values are errors")
    func misuse() throws {
        for sql in ["SELECT 1; SELECT 2", "", " -- nothing", "SELEC 1"] {
            #expect(throws: SQLiteError.self) { try connection.run(dynamic: sql) }
        }
        #expect(try connection.row(dynamic: "SELECT 1 ; \n") { try $0.int() } == 1)
        #expect(throws: SQLiteError.self) { try connection.run("SELECT ?, ?", .integer(1)) }
        let error = try #require(throws: SQLiteError.self) {
            try connection.execute("CREATE TABLE kept (id INTEGER); CREATE TABLE broken (")
        }
        #expect(error.sql == " CREATE TABLE broken (")
        #expect(try connection.exists("SELECT 1 FROM sqlite_schema WHERE name = 'kept'"))
        #expect(throws: SQLiteError.self) { try connection.execute("SELECT 1;\u{0} DROP TABLE kept") }
        #expect(throws: SQLiteError.self) { try connection.run(dynamic: "SELECT 1\u{0}; DROP TABLE kept") }
    }

    @Test("a connection that is closed, while a statement runs too, answers with errors")
    func closed() throws {
        try connection.run("INSERT INTO item (name) VALUES ('x'), ('y')")
        #expect(throws: SQLiteError.self) {
            try connection.forEach("SELECT name FROM item") { _ in
                connection.close()
                try connection.run("DELETE FROM item")
                return true
            }
        }
        #expect(connection.isAutocommit)
        #expect(throws: SQLiteError.self) { try connection.execute("SELECT 1") }
        #expect(throws: SQLiteError.self) { try connection.beginImmediate() }
    }

    @Test("values that are bound one by one are stored as they are, and a wrong number of them is refused")
    func binding() throws {
        let long = String(repeating: "é", count: 40_000)
        for round in 0..<3 {
            try connection.run("INSERT INTO item (id, name, data) VALUES (?1, ?2, ?3)") { row in
                row.int(round)
                row.text(round == 0 ? nil : round == 1 ? "" : long)
                if round == 0 { row.null() } else { row.blob(round == 1 ? [] : [0, 255]) }
            }
        }
        let rows = try connection.rows("SELECT name, data FROM item ORDER BY id") { row in
            (try row.optionalText(), try row.optionalBlob())
        }
        #expect(rows.map(\.0) == [nil, "", long])
        #expect(rows.map(\.1) == [nil, [], [0, 255]])
        for count in [0, 2, 4] {
            let error = #expect(throws: SQLiteError.self) {
                try connection.run("UPDATE item SET name = ?1, data = ?2 WHERE id = ?3") { row in
                    for _ in 0..<count { row.null() }
                }
            }
            #expect(error?.message == "3 parameters, \(count) values")
        }
        // What failed leaves nothing bound and nothing running.
        let sql: StaticString = "INSERT INTO part (id, item) VALUES (?1, ?2)"
        #expect(throws: SQLiteError.self) {
            try connection.run(sql) { row in
                row.int(1)
                row.null()
            }
        }
        try connection.run(sql) { row in
            row.int(1)
            row.int(2)
        }
        #expect(try connection.row("SELECT item FROM part") { try $0.int() } == 2)
    }

    @Test("a statement that was found lately and finalised since is prepared anew")
    func evicted() throws {
        func count() throws -> Int64? { try connection.row("SELECT count(*) FROM item") { try $0.int() } }
        #expect(try count() == 0)
        let texts = (0...2 * Connection.cachedStatementsMax).map { Statement("SELECT \($0)") }
        for (number, text) in texts.enumerated() {
            #expect(try connection.row(text) { try $0.int() } == Int64(number))
            #expect(try number % 64 == 0 ? count() == 0 : true)
        }
        for (number, text) in texts.enumerated() {
            #expect(try connection.row(text) { try $0.int() } == Int64(number))
        }
        #expect(try count() == 0 && connection.cachedStatementCount <= Connection.cachedStatementsMax + 32)
    }
}
