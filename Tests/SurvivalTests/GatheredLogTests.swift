import FaultDisk
import SQLite
import TestTenants
import Testing

/// What a live file's log does with a commit of many pages.
@Suite(.serialized, .apart) struct GatheredLogTests {
    private static let rows = 400

    /// An open file on a disk that can fail, with an empty table.
    private func withFile(_ test: (Connection, FaultDisk, String) throws -> Void) throws {
        let folder = try TestFolder()
        let disk = FaultDisk(folder.path)
        let path = folder.file("live.sqlite")
        let connection = try Connection(path: path)
        defer { connection.close() }
        try connection.configureLive()
        try connection.execute("CREATE TABLE item (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT")
        try test(connection, disk, path)
    }

    private func insert(_ connection: Connection) throws {
        try connection.beginImmediate()
        for _ in 0..<Self.rows {
            try connection.run("INSERT INTO item (text) VALUES (?1)", .text(String(repeating: "x", count: 1_000)))
        }
    }

    private func count(_ connection: Connection) throws -> Int64? {
        try connection.row("SELECT count(*) FROM item") { try $0.int() }
    }

    @Test("a commit of a hundred pages reaches the disk in a few writes, all of them before its one sync")
    func fewWrites() throws {
        try withFile { connection, disk, _ in
            try insert(connection)
            disk.set(FaultPlan([.write], .ioError, at: .max))
            try connection.commit()
            #expect(connection.walPages > 100)
            #expect((2...8).contains(disk.seen))
            // After the commit nothing is left to write.
            disk.set(FaultPlan([.write], .ioError, at: .max))
            #expect(try count(connection) == Int64(Self.rows))
            #expect(disk.seen == 0)
        }
    }

    @Test(
        "G8 a gathered write that fails, whichever: the commit fails, nothing of it is there, and the next one succeeds",
        arguments: [DiskFault.ioError, .full], [1, 2, 3])
    func failingWrite(fault: DiskFault, place: Int) throws {
        try withFile { connection, disk, path in
            try insert(connection)
            disk.set(FaultPlan([.write], fault, at: place))
            let error = #expect(throws: SQLiteError.self) { try connection.commit() }
            #expect(error?.isFull == (fault == .full) && error?.isIOError == (fault == .ioError))
            disk.set(nil)
            try? connection.rollback()
            #expect(try count(connection) == 0)
            try insert(connection)
            try connection.commit()
            #expect(try count(connection) == Int64(Self.rows))
            connection.close()
            let again = try Connection(path: path)
            defer { again.close() }
            #expect(try count(again) == Int64(Self.rows))
        }
    }

    @Test("a transaction larger than the page cache reads back what it has not yet written out")
    func spill() throws {
        try withFile { connection, _, _ in
            try connection.execute("PRAGMA cache_size=10; PRAGMA cache_spill=ON")
            try insert(connection)
            try connection.execute("UPDATE item SET text = text || 'y' WHERE id % 3 = 0")
            try connection.commit()
            let sum = try connection.row("SELECT sum(length(text)) FROM item") { try $0.int() }
            #expect(sum == Int64(Self.rows * 1_000 + Self.rows / 3))
            #expect(try connection.integrityCheck() == [])
        }
    }

    @Test(
        "G8 a commit after a savepoint that took back more than the cache holds survives kill -9, as those after it do"
    )
    func savepointOfManyPages() throws {
        try withFile { connection, disk, _ in
            try connection.execute("PRAGMA cache_size=10")
            try insert(connection)
            try connection.execute("SAVEPOINT operation")
            for _ in 0..<Self.rows {
                try connection.run("INSERT INTO item (text) VALUES (?1)", .text(String(repeating: "z", count: 1_000)))
            }
            try connection.execute("UPDATE item SET text = text || 'y' WHERE id > 600")
            try connection.execute("ROLLBACK TO operation; RELEASE operation")
            try connection.commit()
            try connection.execute("INSERT INTO item (text) VALUES ('after')")
            let killed = try TestFolder()
            try disk.image { try $0.copy(to: killed.file("image")) }
            let again = try Connection(path: killed.file("image/live.sqlite"))
            defer { again.close() }
            #expect(try count(again) == Int64(Self.rows + 1))
        }
    }
}
