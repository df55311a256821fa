import SQLite

/// When the WAL of a file is moved into it: once it holds a number of batches, so that a page which many of them
/// changed is written back once, and a file with little to do keeps a small WAL. On the lane's worker.
///
/// A commit does not wait for a WAL's file to grow, so it keeps its length; but not for ever (`longest`). A WAL that is
/// in memory holds each page once and need not be short for a start to be quick, so it takes more batches; it waits for
/// the log: up to twice as long by itself, then the lane waits with it.
package struct CheckpointPace {
    static let batchesMin = 24
    /// Never before so many pages are in the WAL (2 MiB), always past the second figure (16 MiB).
    package static let pages = 512...4_096
    /// Of a WAL in memory: an order writes back half as many pages as at 24 (Benchmarks/RESULTS.md).
    static let memoryBatchesMin = 96
    /// Of a WAL in memory, each page counted once: always past so many (16 MiB) or so many frames, whose heads stay.
    static let memoryPagesMax = 4_096
    static let memoryFramesMax = 16_384
    /// Of a WAL in memory: a checkpoint for fewer is not worth it, however many batches wrote them. Where memory is
    /// short one is due for so many.
    static let memoryPagesMin = 64

    private var batches = 0
    /// Pages that the WAL's file has room for: it keeps its length when the WAL begins anew.
    private var longest = 0
    private var pagesBefore = 0

    /// After each batch. `isDurable`: pages may reach the database file.
    mutating func rest(
        _ connection: Connection, _ metrics: LaneMetrics, isDurable: Bool = true, isPressed: Bool = false
    ) -> LaneRest {
        let pages = connection.walPages
        if pages != pagesBefore { batches += 1 }
        longest = max(longest, pages)
        pagesBefore = pages
        guard isDue(connection, isPressed, times: 1) else { return .notDue }
        if !isDurable { return isDue(connection, isPressed, times: 2) ? .needed : .wanted }
        metrics.checkpoints.add(1, ordering: .relaxed)
        // One that was once long gives its disk back as soon as half of it would do.
        let isLong = longest > Self.pages.upperBound * 2 || longest > pages * 2
        _ = try? connection.checkpoint(isLong ? .truncate : .passive)
        if isLong { longest = connection.walPages }
        batches = 0
        pagesBefore = connection.walPages
        return .made
    }

    private func isDue(_ connection: Connection, _ isPressed: Bool, times: Int) -> Bool {
        let pages = connection.walPages
        if connection.isLogInMemory {
            let distinct = connection.pagesToMove
            return distinct >= Self.memoryPagesMax * times || pages >= Self.memoryFramesMax * times
                || distinct >= Self.memoryPagesMin * times && (isPressed || batches >= Self.memoryBatchesMin * times)
        }
        return pages >= Self.pages.upperBound * times
            || batches >= Self.batchesMin * times && pages >= Self.pages.lowerBound * times
    }
}
