import SQLite

/// When the WAL of a file is moved into it: once it holds a number of batches, so that a page which many of them
/// changed is written back once, and a file with little to do keeps a small WAL. On the lane's worker.
///
/// A commit does not wait for a WAL's file to grow, so it keeps its length; but not for ever (`longest`). A WAL that is
/// in memory waits for the log: up to twice as long by itself, then the lane waits with it.
package struct CheckpointPace {
    static let batchesMin = 24
    /// Never before so many pages are in the WAL (2 MiB), always past the second figure (16 MiB).
    package static let pages = 512...4_096
    /// Where memory is short.
    package static let pressedPagesMin = 64

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
        guard isDue(pages, isPressed, times: 1) else { return .notDue }
        if !isDurable { return isDue(pages, isPressed, times: 2) ? .needed : .wanted }
        metrics.checkpoints.add(1, ordering: .relaxed)
        // One that was once long gives its disk back as soon as half of it would do.
        let isLong = longest > Self.pages.upperBound * 2 || longest > pages * 2
        _ = try? connection.checkpoint(isLong ? .truncate : .passive)
        if isLong { longest = connection.walPages }
        batches = 0
        pagesBefore = connection.walPages
        return .made
    }

    private func isDue(_ pages: Int, _ isPressed: Bool, times: Int) -> Bool {
        if isPressed { return pages >= Self.pressedPagesMin * times }
        return pages >= Self.pages.upperBound * times
            || batches >= Self.batchesMin * times && pages >= Self.pages.lowerBound * times
    }
}
