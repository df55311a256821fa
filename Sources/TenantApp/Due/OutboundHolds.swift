import CallKit
import SQLite
package import TenantRegistry

/// Whether anything leaves this file: deliveries, calls to provisioners (P3). Asked by whoever sends, in the read that
/// takes what is due.
extension TenantReader {
    /// Since when all that would leave waits for the operator's word; nil where nothing does.
    package func outboundHeldAt() throws -> Timestamp? {
        try connection.row("SELECT outbound_held_at FROM meta WHERE id = 1") { try $0.optionalTime() } ?? nil
    }

    /// The tenant is served, and its file was not taken back from the past a moment ago.
    package func sendsOutbound() throws -> Bool {
        if let record = store.record, record.access(at: now) != .open { return false }
        return try outboundHeldAt() == nil
    }
}

extension TenantTransaction {
    /// The operator has given its word: what is due leaves from now on.
    package func releaseOutbound() throws {
        try connection.run("UPDATE meta SET outbound_held_at = NULL WHERE id = 1")
        noteDue(.delivery, at: now)
        noteDue(.provisioning, at: now)
    }
}
