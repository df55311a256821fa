import SQLite

/// How large a file may become (P2): its quota, and above that a reserve which one transaction at a time may use. A
/// value; belongs to the file's lane.
struct FileRoom {
    /// In pages; nil where nobody holds the file to a quota.
    private var pagesMax: Int64?
    /// Whether the transaction that is under way, or comes next, may use the reserve.
    private(set) var isReserveOpen = false

    init() {}

    /// Holds the file to a quota from now on. What is larger already does not grow, but for the reserve.
    mutating func hold(_ connection: Connection, toPages quota: Int64) throws {
        let pages = try connection.pageCount
        try connection.setMaxPageCount(quota)
        // Pages already in the reserve count against it. A file that was larger when its quota was lowered has one
        // above its size of today.
        pagesMax = pages > quota + PageReserve.provider.pages ? pages : quota
        isReserveOpen = false
    }

    mutating func openReserve(_ reserve: PageReserve, of connection: Connection) {
        guard let pagesMax else { return }
        isReserveOpen = (try? connection.setMaxPageCount(pagesMax + reserve.pages)) != nil
    }

    /// Never while a transaction is open: SQLite lowers the bound to no less than the pages that there are.
    mutating func closeReserve(of connection: Connection) {
        guard isReserveOpen, let pagesMax else { return }
        // Where it fails, the end of the next transaction tries again.
        isReserveOpen = (try? connection.setMaxPageCount(pagesMax)) == nil
    }
}
