import CallKit
import RateLimiter
import SQLite
package import TenantRegistry

/// How much of the tenant's file each reseller has filled (G6), as `FileGrowth` reckons. History is kept for ever, so
/// this only grows; a quota that is raised raises every share of it.
extension TenantReader {
    /// Throws where the reseller has filled its share: it writes no more, and reads on.
    ///
    /// `isProtecting`: of calls that replace a secret. They have half as much again, or 4 MiB where the tenant has so
    /// much: one order of many units may go far past the share. Whoever repeats them for ever would fill a file.
    package func judgeRoom(resellerID: Int64, isProtecting: Bool) throws {
        guard let quota = store.record?.profile.quotas.bytesMax else { return }
        let budgets = store.budgets
        let most = quota / 100 * Int64(budgets.figures[.roomReseller])
        let share = isProtecting ? most + max(most / 2, min(4 << 20, quota / 8)) : most
        // Anybody may apply, and try the test book before anybody looks (W12).
        let mostWaiting = Int64(budgets.figures[.roomPending]) << 20
        let shareWaiting = min(share, isProtecting ? mostWaiting + mostWaiting / 2 : mostWaiting)
        let used = try savedRoom(resellerID: resellerID) + store.grown(for: resellerID)
        guard used >= shareWaiting else { return }
        let isWaiting = try reseller(id: resellerID)?.state == .pending && isApplication(resellerID)
        guard isWaiting || used >= share else { return }
        budgets.spent.count(isWaiting ? .roomPending : .roomReseller)
        throw Refusal.shareExceeded("room")
    }

    private func savedRoom(resellerID: Int64) throws -> Int64 {
        if let known = memory.rooms[resellerID] { return known }
        let read =
            try connection.row("SELECT bytes FROM reseller_room WHERE reseller_id = ?1", .integer(resellerID)) {
                try $0.int()
            } ?? 0
        memory.rooms.remember(read, for: resellerID)
        return read
    }
}

extension TenantTransaction {
    /// What has been reckoned since the last time. A commit that fails forgets a few seconds of it.
    package func saveRooms() throws {
        for (reseller, bytes) in try store.takeGrown() {
            memory.rooms[reseller] = nil
            try connection.run(
                """
                INSERT INTO reseller_room (reseller_id, bytes) VALUES (?1, ?2)
                ON CONFLICT (reseller_id) DO UPDATE SET bytes = bytes + excluded.bytes
                """,
                .integer(reseller), .integer(bytes))
        }
    }
}
