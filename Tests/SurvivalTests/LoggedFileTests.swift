import FaultDisk
import Foundation
import SQLite
import TestTenants
import Testing

/// A live file whose commits go to a sink, and whose WAL is in memory.
@Suite(.serialized) struct LoggedFileTests {
    private let folder: TestFolder
    private let disk: FaultDisk
    private let sink = KeptCommits()
    private let path: String

    init() throws {
        folder = try TestFolder()
        disk = FaultDisk(folder.path)
        path = folder.file("live.sqlite")
    }

    /// The file with an empty table, synced; its commits go to the sink from here on.
    private func logged(cacheKiB: Int = 2_048) throws -> Connection {
        let connection = try Connection(path: path, sink: sink)
        try connection.configureLive(cacheKiB: cacheKiB)
        try connection.execute("PRAGMA cache_spill=ON")
        if try connection.row("SELECT count(*) FROM sqlite_schema", read: { try $0.int() }) == 0 {
            try connection.execute("CREATE TABLE item (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT")
            try connection.checkpoint(.truncate)
            try connection.syncFile()
        }
        try connection.beginLogging()
        return connection
    }

    private func insert(_ connection: Connection, _ count: Int = 1, of bytes: Int = 100) throws {
        try connection.beginImmediate()
        for _ in 0..<count {
            try connection.run("INSERT INTO item (text) VALUES (?1)", .text(String(repeating: "x", count: bytes)))
        }
        try connection.commit()
    }

    private func count(_ connection: Connection) throws -> Int64? {
        try connection.row("SELECT count(*) FROM item") { try $0.int() }
    }

    private func bytes() throws -> [UInt8] {
        try [UInt8](Data(contentsOf: URL(fileURLWithPath: path)))
    }

    private func replay(_ commits: [[UInt8]]) throws {
        let replay = try PageReplay(path: path)
        for commit in commits { try commit.withUnsafeBytes { bytes in try replay.apply(bytes) } }
        try replay.finish()
    }

    @Test("B1 a commit is with the sink when COMMIT returns, and nothing of it is on the disk, in no file")
    func commit() throws {
        let connection = try logged()
        let before = try bytes()
        try insert(connection)
        #expect(sink.count == 1 && connection.lastLSN == sink.durable && connection.lastLSN > 0)
        #expect(try bytes() == before)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["live.sqlite"])
        connection.close()
        // Closed without a checkpoint: the log has it, and the file gets it from there.
        #expect(try bytes() == before)
        try replay(sink.commits)
        let again = try logged()
        #expect(try count(again) == 1)
        #expect(try again.integrityCheck() == [])
        again.closeEmptyingWAL()
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["live.sqlite"])
    }

    @Test("B1 one small row costs the log its new bytes, not its pages")
    func smallCommits() throws {
        let connection = try logged()
        try insert(connection, 50)
        try insert(connection)
        let last = try #require(sink.commits.last)
        #expect(last.count < 400, "two pages were written, of which 100 bytes and some counters are new")
    }

    @Test("B1 a file is not written to while its last commit is not durable: its checkpoint is refused")
    func aheadOfTheLog() throws {
        let connection = try logged()
        try insert(connection)
        sink.hold()
        try insert(connection)
        let before = try bytes()
        for mode in [CheckpointMode.passive, .truncate] {
            let error = #expect(throws: SQLiteError.self) { try connection.checkpoint(mode) }
            #expect(error?.isBusy == true)
        }
        #expect(try bytes() == before && count(connection) == 2)
        sink.catchUp()
        #expect(try connection.checkpoint(.passive).checkpointed > 0)
        #expect(try bytes() != before)
    }

    @Test(
        "B1 G8 a commit that the sink refuses fails, nothing of it is there or is ever sent, and the next one succeeds",
        arguments: [CommitRefused.full, .failed])
    func refused(refusal: CommitRefused) throws {
        let connection = try logged(cacheKiB: 40)
        try insert(connection)
        let (lsn, commits) = (connection.lastLSN, sink.count)
        sink.refuses(refusal)
        for rows in [1, 200] {
            let error = #expect(throws: SQLiteError.self) { try insert(connection, rows, of: 1_000) }
            #expect(error?.isFull == (refusal == .full) && error?.isIOError == (refusal == .failed))
            try? connection.rollback()
            #expect(connection.lastLSN == lsn && sink.count == commits)
        }
        sink.refuses(nil)
        // A checkpoint syncs the log too, and finds there what was given up.
        try connection.checkpoint(.passive)
        #expect(sink.count == commits)
        #expect(try count(connection) == 1)
        try insert(connection, 3)
        #expect(try count(connection) == 4)
        connection.close()
        try replay(sink.commits)
        let again = try logged()
        #expect(try count(again) == 4 && again.integrityCheck() == [])
    }

    @Test("B1 pages that a transaction wrote out and rolled back are not in the next commit")
    func rolledBackSpill() throws {
        let connection = try logged(cacheKiB: 40)
        try insert(connection, 100, of: 1_000)
        try connection.beginImmediate()
        try connection.execute("UPDATE item SET text = replace(text, 'x', 'gone')")
        try connection.rollback()
        try insert(connection)
        let last = try #require(sink.commits.last)
        #expect(last.count < 600)
        #expect(!String(decoding: last, as: UTF8.self).contains("gonegone"))
        try connection.beginImmediate()
        try connection.execute("SAVEPOINT inner; UPDATE item SET text = replace(text, 'x', 'gone'); ROLLBACK TO inner")
        try connection.execute("INSERT INTO item (text) VALUES ('kept')")
        try connection.commit()
        let savepoint = String(decoding: try #require(sink.commits.last), as: UTF8.self)
        #expect(!savepoint.contains("gonegone") && savepoint.contains("kept"))
        connection.close()
        try replay(sink.commits)
        let again = try logged()
        #expect(try count(again) == 102 && again.integrityCheck() == [])
    }

    @Test("a transaction larger than the page cache reads back what it wrote out, and goes to the sink whole and once")
    func spill() throws {
        let connection = try logged(cacheKiB: 40)
        try connection.beginImmediate()
        for _ in 0..<400 {
            try connection.run("INSERT INTO item (text) VALUES (?1)", .text(String(repeating: "x", count: 1_000)))
        }
        try connection.execute("UPDATE item SET text = text || 'y' WHERE id % 3 = 0")
        #expect(sink.count == 0)
        try connection.commit()
        #expect(sink.count == 1)
        let sum = try connection.row("SELECT sum(length(text)) FROM item") { try $0.int() }
        #expect(sum == 400_133)
        #expect(try connection.integrityCheck() == [])
    }

    @Test("B1 a WAL that lies on the disk is neither hidden nor touched: the file does not open")
    func staleLog() throws {
        do {
            let connection = try Connection(path: path)
            try connection.configureLive()
            try connection.execute("CREATE TABLE item (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT")
            connection.close()
        }
        let wal = try Data(contentsOf: URL(fileURLWithPath: path + "-wal"))
        #expect(wal.count > 0)
        #expect(throws: SQLiteError.self) { try logged() }
        #expect(try Data(contentsOf: URL(fileURLWithPath: path + "-wal")) == wal)
        // Recovered the old way, it opens.
        do {
            let connection = try Connection(path: path)
            try connection.configureLive()
            connection.closeEmptyingWAL()
        }
        #expect(try count(logged()) == 0)
    }

    @Test("B1 G8 a sync of the file that failed is never held for one that succeeded later")
    func failedSync() throws {
        let connection = try logged()
        try insert(connection)
        #expect(!connection.isFileUnsynced)
        try connection.checkpoint(.passive)
        #expect(connection.isFileUnsynced)
        disk.set(FaultPlan([.sync], .ioError, at: 1))
        #expect(throws: SQLiteError.self) { try connection.syncFile() }
        #expect(throws: SQLiteError.self) { try connection.syncFile() }
        #expect(disk.fired == 1 && disk.seen == 1 && connection.isFileUnsynced)
        disk.set(nil)
        connection.close()
        // The replay writes every page anew, though the kernel has it already.
        try replay(sink.commits)
        let after = try TestFolder()
        try disk.image { try $0.copyAfterPowerCut(to: after.file("cut"), keeps: { .none }) }
        let survivor = try Connection(path: after.file("cut/live.sqlite"), flags: .immutable)
        try survivor.configureForeign()
        #expect(try count(survivor) == 1 && survivor.integrityCheck() == [])
    }

    @Test("commits, checkpoints and commits with the disk at work: not one sync is asked of it")
    func noSync() throws {
        let connection = try logged()
        disk.set(FaultPlan([.sync], .ioError, at: .max))
        for _ in 0..<20 {
            try insert(connection, 20)
            try connection.checkpoint(.passive)
        }
        try connection.checkpoint(.truncate)
        #expect(disk.seen == 0)
        try connection.syncFile()
        #expect(disk.seen == 1 && !connection.isFileUnsynced)
    }

    @Test("a page that is written again and again takes memory once, and a truncated log takes none")
    func memory() throws {
        let connection = try logged()
        try insert(connection)
        let first = connection.memoryLogBytes
        #expect(first > 0 && Connection.memoryLogBytesOfAll >= 64 << 10)
        for _ in 0..<100 { try connection.execute("UPDATE item SET text = text || 'y'") }
        #expect(connection.walPages > 100)
        #expect(connection.memoryLogBytes < first + 64 << 10)
        // After a checkpoint the log begins anew, and what the one before had is still the base of what comes.
        try connection.checkpoint(.passive)
        try connection.execute("UPDATE item SET text = text || 'z'")
        #expect(try #require(sink.commits.last).count < 300)
        try connection.checkpoint(.truncate)
        #expect(connection.memoryLogBytes < 4 << 10)
        try insert(connection)
        #expect(try count(connection) == 2)
    }

    @Test("what would bypass the sink is refused: no sync at COMMIT, and a log that begins with pages in memory")
    func bypasses() throws {
        let connection = try logged()
        #expect(throws: SQLiteError.self) { try connection.setSynchronous(false) }
        try insert(connection)
        #expect(throws: SQLiteError.self) { try connection.beginLogging() }
        connection.close()
        let other = try Connection(path: path)
        try other.configureLive()
        #expect(throws: SQLiteError.self) { try other.beginLogging() }
        #expect(throws: SQLiteError.self) { try other.syncFile() }
        #expect(other.lastLSN == 0 && other.memoryLogBytes == 0 && other.isLogDurable)
    }

    @Test("a copy made beside the commits has what was committed at its last step, and no byte of the file is needed")
    func export() throws {
        let connection = try logged()
        try insert(connection, 300, of: 1_000)
        let backup = try connection.backup(to: folder.file("copy.sqlite"))
        var steps = 0
        while try backup.step(pages: 10) != .done {
            steps += 1
            try insert(connection)
            if steps == 3 { try connection.checkpoint(.passive) }
        }
        #expect(steps > 5)
        let copy = try Connection(path: folder.file("copy.sqlite"), flags: .immutable)
        try copy.configureForeign()
        #expect(try count(copy) == Int64(300 + steps) && copy.integrityCheck() == [])
    }
}
