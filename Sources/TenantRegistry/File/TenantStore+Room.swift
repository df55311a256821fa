import SQLite

/// How large a tenant's file may become (P2). A value; belongs to the file's lane.
struct FileRoom {
    /// In pages; nil where nobody holds the file to a quota.
    var pagesMax: Int64?
    /// Whether the transaction that is under way, or comes next, may use the reserve.
    var isReserveOpen = false
}

extension TenantStore {
    /// Holds the file to a quota from now on. What is larger already does not grow, but for the reserve.
    func hold(toPages quota: Int64) throws {
        let pages = try connection.pageCount
        // What lies in the reserve is taken from it. A file that was larger when its quota was lowered has one above
        // its size.
        room.pagesMax = pages > quota + PageReserve.provider.pages ? pages : quota
        room.isReserveOpen = false
        try connection.setMaxPageCount(quota)
    }

    package func openReserve(_ reserve: PageReserve) {
        guard let pagesMax = room.pagesMax else { return }
        room.isReserveOpen = (try? connection.setMaxPageCount(pagesMax + reserve.pages)) != nil
    }

    /// Never while a transaction is open: SQLite lowers the bound to no less than the pages that there are.
    func closeReserve() {
        guard room.isReserveOpen, let pagesMax = room.pagesMax else { return }
        // Where it fails, the end of the next transaction tries again.
        room.isReserveOpen = (try? connection.setMaxPageCount(pagesMax)) == nil
    }
}
