import Foundation
import SQLite
import TestPrograms
import Testing

@Suite("Files: locks, checkpoints, backups")
struct FileTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    /// Another process opens the file and runs a statement; gives what it printed.
    private func otherProcess(_ name: String, _ sql: String) throws -> String {
        let process = Program()
        let program = """
            import sqlite3, sys
            try: print(sqlite3.connect(sys.argv[1], timeout=0).execute(sys.argv[2]).fetchall())
            except sqlite3.Error as error: print(error)
            """
        process.arguments = ["python3", "-c", program, folder.file(name), sql]
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let bytes = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return String(decoding: bytes, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    }

    @Test("a live file is locked against every other process from its opening on, reading included")
    func exclusive() throws {
        do {
            let connection = try folder.live()
            #expect(try otherProcess("live.sqlite", "SELECT 1 FROM sqlite_schema") == "database is locked")
            try connection.execute("CREATE TABLE item (name TEXT) STRICT; INSERT INTO item VALUES ('a')")
            #expect(try otherProcess("live.sqlite", "SELECT * FROM item") == "database is locked")
            #expect(try otherProcess("live.sqlite", "INSERT INTO item VALUES ('b')") == "database is locked")
            #expect(!FileManager.default.fileExists(atPath: folder.file("live.sqlite-shm")))
            connection.close()
        }
        #expect(try otherProcess("live.sqlite", "SELECT * FROM item") == "[('a',)]")
        // And the other way round: what another holds is busy to us.
        let holder = try folder.live()
        #expect(throws: SQLiteError.self) {
            do { _ = try folder.live() } catch let error as SQLiteError {
                #expect(error.isBusy)
                throw error
            }
        }
        holder.close()
    }

    @Test("a file that is no database, and one that is missing, are errors of their own kind")
    func noDatabase() throws {
        try Data("this is not a database, whatever its name may say of it".utf8).write(
            to: URL(fileURLWithPath: folder.file("text.sqlite")))
        let error = try #require(throws: SQLiteError.self) { try folder.live("text.sqlite") }
        #expect(error.isCorrupt)
        #expect(throws: SQLiteError.self) { try Connection(path: folder.file("missing"), flags: .readWrite) }
    }

    @Test("a live connection has the settings that the design asks for")
    func settings() throws {
        let connection = try folder.live()
        let expected: [(String, String)] = [
            ("journal_mode", "wal"), ("locking_mode", "exclusive"), ("synchronous", "2"), ("foreign_keys", "1"),
            ("recursive_triggers", "1"), ("trusted_schema", "0"), ("wal_autocheckpoint", "0"), ("temp_store", "2"),
            ("cache_size", "-2048"), ("page_size", "4096"), ("journal_size_limit", "\(32 << 20)"), ("cache_spill", "0"),
        ]
        for (pragma, value) in expected {
            let found = try connection.row(dynamic: "PRAGMA \(pragma)") { row in
                Int64(value) == nil ? try row.text() : "\(try row.int())"
            }
            #expect(found == value, "\(pragma)")
        }
        try connection.execute("CREATE TABLE item (name TEXT)")
        // DEFENSIVE: the schema cannot be edited behind SQLite's back, nor a library loaded.
        #expect(throws: SQLiteError.self) {
            try connection.execute("PRAGMA writable_schema=ON; UPDATE sqlite_schema SET sql = ''")
        }
        #expect(throws: SQLiteError.self) { try connection.execute("SELECT load_extension('x')") }
        #expect(throws: SQLiteError.self) { try connection.execute("SELECT \"no such column\"") }
    }

    @Test("a passive checkpoint moves all frames and keeps the WAL's size; truncate cuts it to nothing")
    func checkpoints() throws {
        let connection = try folder.live()
        try connection.execute("CREATE TABLE item (data BLOB) STRICT")
        for _ in 0..<50 { try connection.run("INSERT INTO item VALUES (zeroblob(5000))") }
        let size = try folder.size("live.sqlite-wal")
        let result = try connection.checkpoint(.passive)
        #expect(result.walFrames > 50 && result.checkpointed == result.walFrames)
        #expect(try folder.size("live.sqlite-wal") == size)
        try connection.run("INSERT INTO item VALUES (zeroblob(5000))")
        #expect(try folder.size("live.sqlite-wal") == size)
        try connection.checkpoint(.truncate)
        #expect(try folder.size("live.sqlite-wal") == 0)
        #expect(try connection.row("SELECT count(*) FROM item") { try $0.int() } == 51)
    }

    @Test("identity and version survive, also read from an immutable copy with odd characters in its path")
    func identity() throws {
        let name = "odd ?name#50%.sqlite"
        let connection = try folder.live(name)
        try connection.setApplicationID(0x546F_6C6C)
        try connection.setUserVersion(7)
        try connection.execute("CREATE TABLE item (name TEXT) STRICT")
        #expect(throws: SQLiteError.self) { try connection.execute("BEGIN; SELECT nothing") }
        try connection.rollback()
        try connection.checkpoint(.truncate)
        connection.close()
        connection.close()
        let copy = try Connection(path: folder.file(name), flags: .immutable)
        try copy.configureForeign()
        #expect(try copy.applicationID == 0x546F_6C6C)
        #expect(try copy.userVersion == 7)
        #expect(try copy.integrityCheck() == [])
        #expect(throws: SQLiteError.self) { try copy.run("INSERT INTO item VALUES ('a')") }
    }

    @Test("a backup holds what was committed when it ended, though its source wrote between the steps")
    func backupDuringWrites() throws {
        let connection = try folder.live()
        try connection.execute("CREATE TABLE item (id INTEGER PRIMARY KEY, data BLOB) STRICT")
        for _ in 0..<200 { try connection.run("INSERT INTO item (data) VALUES (zeroblob(3000))") }
        let backup = try connection.backup(to: folder.file("copy.sqlite"))
        var steps = 0
        while try backup.step(pages: 10) != .done {
            steps += 1
            try connection.run("INSERT INTO item (data) VALUES (zeroblob(100))")
            try connection.run("UPDATE item SET data = zeroblob(2999) WHERE id = ?", .int(steps))
        }
        #expect(steps > 10)
        #expect(try backup.step(pages: 10) == .done)
        #expect(!FileManager.default.fileExists(atPath: folder.file("copy.sqlite-wal")))
        let copy = try Connection(path: folder.file("copy.sqlite"), flags: .readOnly)
        #expect(try copy.row("PRAGMA journal_mode") { try $0.text() } == "delete")
        #expect(try copy.integrityCheck() == [])
        #expect(try copy.row("SELECT count(*) FROM item") { try $0.int() } == Int64(200 + steps))
        #expect(
            try copy.row("SELECT count(*) FROM item WHERE length(data) = 2999") { try $0.int() } == Int64(steps))
    }

    @Test("a rolled-back transaction makes a backup start again, which shows, and it still ends whole")
    func backupRestarts() throws {
        let connection = try folder.live()
        try connection.execute("CREATE TABLE item (id INTEGER PRIMARY KEY, data BLOB) STRICT")
        for _ in 0..<200 { try connection.run("INSERT INTO item (data) VALUES (zeroblob(3000))") }
        let backup = try connection.backup(to: folder.file("copy.sqlite"))
        guard case .more(let before) = try backup.step(pages: 50) else { throw Unexpected() }
        try connection.beginImmediate()
        try connection.run("UPDATE item SET data = zeroblob(10)")
        try connection.rollback()
        guard case .more(let after) = try backup.step(pages: 1) else { throw Unexpected() }
        #expect(after > before)
        while try backup.step(pages: 50) != .done {}
        let copy = try Connection(path: folder.file("copy.sqlite"), flags: .readOnly)
        #expect(try copy.row("SELECT sum(length(data)) FROM item") { try $0.int() } == 600_000)
        #expect(try copy.integrityCheck() == [])
    }

    @Test("a backup does not overwrite a file that holds something, and one given up leaves its source at work")
    func backupRefuses() throws {
        let connection = try folder.live()
        try connection.execute("CREATE TABLE item (id INTEGER PRIMARY KEY, data BLOB) STRICT")
        try connection.run("INSERT INTO item (data) VALUES (zeroblob(50000))")
        let backup = try connection.backup(to: folder.file("copy.sqlite"))
        _ = try backup.step(pages: 1)
        backup.close()
        backup.close()
        try connection.run("INSERT INTO item (data) VALUES (zeroblob(5))")
        let other = try folder.live("other.sqlite")
        try other.execute("CREATE TABLE kept (id INTEGER)")
        other.close()
        #expect(throws: SQLiteError.self) { try connection.backup(to: folder.file("other.sqlite")) }
    }

    struct Unexpected: Error {}
}
