import SQLite
import Testing

@Suite("Transactions and migrations")
struct TransactionTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    @Test("a guarded operation undoes itself and nothing else of the batch, and can go on")
    func guarded() throws {
        let connection = try folder.live()
        try connection.execute("CREATE TABLE item (name TEXT) STRICT")
        try connection.beginImmediate()
        for name in ["a", "b", "c"] {
            try connection.beginOperation(isGuarded: true)
            try connection.run("INSERT INTO item VALUES (?)", .text(name))
            if name == "b" {
                try connection.undoOperation()
                try connection.run("INSERT INTO item VALUES ('refused')")
            }
            try connection.endOperation()
        }
        try connection.commit()
        #expect(try connection.rows("SELECT name FROM item") { try $0.text() } == ["a", "refused", "c"])
        #expect(throws: SQLiteError.self) { try connection.beginOperation(isGuarded: true) }
        #expect(throws: SQLiteError.self) { try connection.beginOperation(isGuarded: false) }
        #expect(connection.isAutocommit)
    }

    @Test("an unguarded operation that wrote nothing is undone; one that wrote asks for a savepoint")
    func unguarded() throws {
        let connection = try folder.live()
        try connection.execute("CREATE TABLE item (name TEXT) STRICT")
        try connection.beginImmediate()
        try connection.beginOperation(isGuarded: false)
        try connection.run("INSERT INTO item VALUES ('a')")
        try connection.endOperation()
        try connection.beginOperation(isGuarded: false)
        try connection.run("UPDATE item SET name = 'b' WHERE name = 'nobody'")
        try connection.undoOperation()
        try connection.run("INSERT INTO item VALUES ('refused')")
        #expect(throws: SavepointNeeded.self) { try connection.undoOperation() }
        try connection.endOperation()
        try connection.commit()
        #expect(try connection.rows("SELECT name FROM item") { try $0.text() } == ["a", "refused"])
    }

    @Test("a transaction whose body throws leaves nothing behind")
    func rollback() throws {
        struct Stop: Error {}
        let connection = try folder.live()
        try connection.execute("CREATE TABLE item (name TEXT) STRICT")
        #expect(throws: Stop.self) {
            try connection.transaction {
                try connection.run("INSERT INTO item VALUES ('a')")
                throw Stop()
            }
        }
        #expect(connection.isAutocommit)
        #expect(try connection.row("SELECT count(*) FROM item") { try $0.int() } == 0)
        #expect(try connection.transaction { 5 } == 5)
    }

    @Test("past the quota of pages a write is full, says whether its transaction lives, and reading goes on")
    func full() throws {
        let connection = try folder.live()
        try connection.execute("CREATE TABLE item (data BLOB) STRICT")
        try connection.run("INSERT INTO item VALUES (x'01')")
        let quota = try connection.setMaxPageCount(20)
        #expect(quota == 20)
        try connection.beginImmediate()
        var failure: SQLiteError?
        for _ in 0..<100 where failure == nil {
            do { try connection.run("INSERT INTO item VALUES (zeroblob(4000))") } catch { failure = error }
        }
        #expect(try #require(failure).isFull)
        // Whatever SQLite decided, it shows here, and rollback serves both.
        if connection.isAutocommit {
            #expect(throws: SQLiteError.self) { try connection.beginOperation(isGuarded: true) }
        }
        try connection.rollback()
        #expect(connection.isAutocommit)
        #expect(try connection.row("SELECT count(*) FROM item") { try $0.int() } == 1)
        try connection.setMaxPageCount(1000)
        try connection.run("INSERT INTO item VALUES (zeroblob(400000))")
        #expect(try connection.pageCount > 20)
    }

    @Test("RAISE(ABORT) in a trigger refuses a change, OR REPLACE included, and names itself")
    func triggers() throws {
        let connection = try folder.live()
        try connection.execute(
            """
            CREATE TABLE entry (id INTEGER PRIMARY KEY, amount INTEGER) STRICT;
            CREATE TRIGGER entry_fixed BEFORE DELETE ON entry BEGIN SELECT RAISE(ABORT, 'entries are for ever'); END;
            INSERT INTO entry VALUES (1, 10);
            """)
        let deletion = try #require(throws: SQLiteError.self) { try connection.run("DELETE FROM entry") }
        #expect(deletion.isTrigger && deletion.message == "entries are for ever")
        #expect(throws: SQLiteError.self) { try connection.run("INSERT OR REPLACE INTO entry VALUES (1, 11)") }
        #expect(try connection.row("SELECT amount FROM entry") { try $0.int() } == 10)
    }

    private static let first = Migration(version: 1, name: "items", sql: "CREATE TABLE item (name TEXT) STRICT")
    private static let second = Migration(
        version: 2, name: "weights", sql: "ALTER TABLE item ADD COLUMN weight INTEGER; UPDATE item SET weight = 0")

    @Test("migrations run once, in order, each with its version; again they do nothing")
    func migrations() throws {
        let connection = try folder.live()
        #expect(try Migrator.migrate(connection, [Self.first]) == [1])
        try connection.run("INSERT INTO item (name) VALUES ('kept')")
        #expect(try Migrator.migrate(connection, [Self.first, Self.second]) == [2])
        #expect(try Migrator.migrate(connection, [Self.first, Self.second]) == [])
        #expect(try connection.userVersion == 2)
        #expect(try connection.row("SELECT name, weight FROM item") { try $0.text() + "\($0.int())" } == "kept0")
    }

    @Test("a migration that fails leaves the file at the version before it")
    func failedMigration() throws {
        let connection = try folder.live()
        let broken = Migration(
            version: 2, name: "broken", sql: "CREATE TABLE other (id INTEGER); INSERT INTO nowhere VALUES (1)")
        #expect(throws: SQLiteError.self) { try Migrator.migrate(connection, [Self.first, broken]) }
        #expect(try connection.userVersion == 1)
        #expect(connection.isAutocommit)
        #expect(try connection.rows("SELECT name FROM sqlite_schema") { try $0.text() } == ["item"])
        let dangling = Migration(
            version: 2, name: "dangling",
            sql: """
                CREATE TABLE parent (id INTEGER PRIMARY KEY) STRICT;
                CREATE TABLE child (parent INTEGER REFERENCES parent(id) DEFERRABLE INITIALLY DEFERRED) STRICT;
                INSERT INTO child VALUES (5);
                """)
        #expect(throws: MigrationError.brokenReferences(version: 2)) {
            try Migrator.migrate(connection, [Self.first, dangling])
        }
        #expect(try connection.userVersion == 1)
    }

    @Test("a file newer than the program is refused and not touched")
    func newerFile() throws {
        let connection = try folder.live()
        try Migrator.migrate(connection, [Self.first, Self.second])
        #expect(throws: MigrationError.newerThanProgram(found: 2, known: 1)) {
            try Migrator.migrate(connection, [Self.first])
        }
    }
}
