import HTTPCore
import TenantRegistry

/// Audit records of calls that wrote nothing (O6).
extension Pipeline {
    func auditRecord(
        _ request: Authenticated, _ status: Int, bytesIn: Int, bytesOut: Int
    ) -> AuditRecord {
        let routed = request.routed
        var record = AuditRecord(
            at: routed.now, action: routed.action, status: status,
            requestID: routed.requestID,
            latencyMicroseconds: Int((fleet.monotonic.nanoseconds() - routed.started) / 1_000), bytesIn: bytesIn,
            // An answer to HEAD has no body.
            bytesOut: routed.head.method == .head ? 0 : bytesOut)
        if let projection = request.caller?.projection {
            record.book = projection.book
            record.keyID = projection.keyID
            record.accountID = projection.accountID
            record.resellerID = projection.resellerID
            record.callerResellerID = projection.resellerID
            record.callerKeyID = projection.role.isSession ? 0 : projection.keyID
        }
        return record
    }

    /// False where the read log has no room: the call has to go through the lane, which makes some. The provider's
    /// calls are in no tenant's log.
    @discardableResult
    func record(
        _ request: Authenticated, _ status: Int, bytesIn: Int, bytesOut: Int, isOwed: Bool = false
    ) -> Bool {
        guard let tenant = request.tenant else { return true }
        defer { tenant.touch() }
        let now = request.routed.now
        let watched = request.watchedRead(status)
        if let watched, tenant.watchedReads.has(watched, at: now) {
            // Of one that waits for approval nothing was counted.
            if request.caller?.isWaiting == false { tenant.giveBackRequest(of: now) }
            return true
        }
        let line = auditRecord(request, status, bytesIn: bytesIn, bytesOut: bytesOut)
        guard tenant.readLog.append(line, isOwed: isOwed) else { return false }
        if let watched { tenant.watchedReads.note(watched, at: now) }
        return true
    }
}

extension Authenticated {
    /// What a page reads again and again for somebody signed in; nil for every other call, and for what was refused.
    fileprivate func watchedRead(_ status: Int) -> WatchedReads.Read? {
        guard routed.route.isWatched, status == 200, routed.head.method == .get, let key = caller?.projection,
            key.role.isSession
        else { return nil }
        return WatchedReads.Read(keyID: key.keyID, path: routed.head.path)
    }
}
