package import CallKit
package import TenantRegistry

/// Lets leave what has waited since the file was taken back from the past (P3): its deliveries, and what is asked of
/// provisioners. `keepsDeliveries`: those that waited then stay held, for a replay of some of them.
package struct ReleaseOutbound: Sendable {
    package let keepsDeliveries: Bool

    package init(keepsDeliveries: Bool) { self.keepsDeliveries = keepsDeliveries }

    private static let rowsMax = 500

    /// One step: false while there is more of it to do. It may be begun again at any point.
    package func step(_ tenant: TenantTransaction, _ detail: inout AuditDetail, released: inout Int) throws -> Bool {
        guard let since = try tenant.outboundHeldAt() else { return true }
        if !keepsDeliveries {
            let count = try tenant.releaseHeld(since: since, limit: Self.rowsMax)
            released += count
            if count == Self.rowsMax { return false }
        }
        try tenant.releaseOutbound()
        detail.note("held_since", since.text)
        return true
    }
}
