import SQLite
import TestTenants
import Testing

@testable import TenantRegistry

/// The bounds at which a WAL in memory goes to its file: too early costs pages written twice, too late memory.
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
    private func fill(pages: Int) throws {
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
}
