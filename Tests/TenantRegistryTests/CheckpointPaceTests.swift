import SQLite
import TestTenants
import Testing

@testable import TenantRegistry

/// The bounds at which a WAL goes to its file. In memory, too early costs pages written twice, too late memory. On the
/// disk, one that was long gives its room back.
@Suite struct CheckpointPaceTests {
    private let folder: TestFolder
    private let connection: Connection
    private let metrics = LaneMetrics()
    private let log = KeptLog()

    init() throws {
        folder = try TestFolder()
        connection = try Connection(path: folder.file("file.sqlite"), sink: log)
        try connection.configureLive(pageCountMax: 100_000)
        try connection.execute("CREATE TABLE item (id INTEGER PRIMARY KEY, filling BLOB) STRICT")
        log.advance()
        try connection.checkpoint(.truncate)
        try connection.syncFile()
        try connection.beginLogging()
    }

    /// One batch that writes about so many pages anew.
    private func fill(pages: Int) throws { try fill(connection, pages: pages) }

    private func fill(_ connection: Connection, pages: Int) throws {
        try connection.execute("BEGIN IMMEDIATE")
        try connection.run("INSERT INTO item (filling) VALUES (zeroblob(?1))", .int(pages * Connection.pageBytes))
        try connection.execute("COMMIT")
    }

    /// One batch that writes the same few pages.
    private func touch() throws {
        try connection.execute("BEGIN IMMEDIATE; UPDATE item SET filling = randomblob(8) WHERE id = 1; COMMIT")
    }

    private func rest(
        _ pace: inout CheckpointPace, isDurable: Bool = true, isPressed: Bool = false
    ) -> LaneRest {
        if isDurable { log.advance() }
        return pace.rest(connection, metrics, isDurable: isDurable, isPressed: isPressed)
    }

    @Test("B1 a WAL in memory goes to its file once it holds its pages, however few batches wrote them")
    func pages() throws {
        var pace = CheckpointPace()
        try fill(pages: CheckpointPace.memoryPagesMax * 9 / 10)
        #expect(rest(&pace) == .notDue)
        try fill(pages: CheckpointPace.memoryPagesMax / 5)
        #expect(rest(&pace, isDurable: false) == .wanted)
        try fill(pages: CheckpointPace.memoryPagesMax)
        #expect(rest(&pace, isDurable: false) == .needed)
        #expect(metrics.checkpoints.load(ordering: .relaxed) == 0)
        #expect(rest(&pace) == .made && connection.pagesToMove == 0)
        connection.close()
    }

    @Test("B1 a few pages that are written again and again wait for the bound on frames")
    func frames() throws {
        var pace = CheckpointPace()
        try fill(pages: 1)
        var batches = 0
        var outcome = rest(&pace)
        while outcome == .notDue && batches < CheckpointPace.memoryFramesMax {
            try touch()
            batches += 1
            outcome = rest(&pace)
        }
        #expect(outcome == .made && batches > CheckpointPace.memoryBatchesMin * 10)
        #expect(metrics.checkpoints.load(ordering: .relaxed) == 1)
        connection.close()
    }

    @Test("B1 where memory is short a WAL goes as soon as it is worth it, and not before")
    func pressed() throws {
        var pace = CheckpointPace()
        try fill(pages: CheckpointPace.memoryPagesMin / 2)
        #expect(rest(&pace, isPressed: true) == .notDue)
        try fill(pages: CheckpointPace.memoryPagesMin)
        #expect(rest(&pace) == .notDue)
        #expect(rest(&pace, isPressed: true) == .made)
        connection.close()
    }

    /// A file whose WAL is on the disk.
    private func onDisk(_ name: String) throws -> (connection: Connection, wal: String) {
        let path = folder.file(name)
        let plain = try Connection(path: path)
        try plain.configureLive(pageCountMax: 100_000)
        try plain.execute("CREATE TABLE item (id INTEGER PRIMARY KEY, filling BLOB) STRICT")
        return (plain, path + "-wal")
    }

    /// Batches of a few pages until a checkpoint is made; gives the WAL's bytes before it and after.
    private func restInTime(
        _ pace: inout CheckpointPace, _ plain: (connection: Connection, wal: String)
    ) throws -> (before: Int64, after: Int64) {
        var before: Int64 = 0
        for _ in 0..<CheckpointPace.batchesMin * 2 {
            try fill(plain.connection, pages: CheckpointPace.pages.lowerBound / CheckpointPace.batchesMin + 2)
            before = try #require(DataDirectory.size(of: plain.wal))
            if pace.rest(plain.connection, metrics) == .made {
                return (before, try #require(DataDirectory.size(of: plain.wal)))
            }
        }
        Issue.record("No checkpoint came.")
        return (before, before)
    }

    @Test("a WAL on the disk that was once long gives its disk back at the first rest at which half of it would do")
    func longOnce() throws {
        connection.close()
        let plain = try onDisk("long.sqlite")
        var pace = CheckpointPace()
        try fill(plain.connection, pages: CheckpointPace.pages.upperBound + 100)
        let long = try #require(DataDirectory.size(of: plain.wal))
        #expect(pace.rest(plain.connection, metrics) == .made)
        // The next batches may need as much: no commit waits for the file to grow.
        #expect(DataDirectory.size(of: plain.wal) == long)
        let settled = try restInTime(&pace, plain)
        #expect(settled.before == long && settled.after == 0)
        // A WAL that is as long as its file's work keeps its length.
        let usual = try restInTime(&pace, plain)
        #expect(usual.before > 0 && usual.before < long / 2 && usual.after == usual.before)
        plain.connection.close()
    }

    @Test("a WAL on the disk of twice the bound gives its disk back at once")
    func tooLong() throws {
        connection.close()
        let plain = try onDisk("longer.sqlite")
        var pace = CheckpointPace()
        for _ in 0..<2 { try fill(plain.connection, pages: CheckpointPace.pages.upperBound + 100) }
        #expect(pace.rest(plain.connection, metrics) == .made)
        #expect(DataDirectory.size(of: plain.wal) == 0 && plain.connection.walPages == 0)
        plain.connection.close()
    }
}
