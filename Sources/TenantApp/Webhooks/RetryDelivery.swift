package import CallKit
package import TenantRegistry

/// Puts a delivery back into the queue, due at once, its schedule begun anew (O7). The event and its id stay.
package struct RetryDelivery: Sendable {
    package let deliveryID: String

    package func run(_ tenant: TenantTransaction, _ detail: inout AuditDetail) throws -> Delivery {
        guard let delivery = try tenant.delivery(publicID: deliveryID) else { throw Refusal.notFound(.delivery) }
        guard try tenant.reseller(id: delivery.resellerID)?.state != .terminated else {
            throw Refusal.conflict(.terminatedGetsNoWebhooks)
        }
        guard delivery.isEndpointOpen else {
            throw Refusal.conflict(.endpointDisabled)
        }
        detail.resellerID = delivery.resellerID
        detail.note("delivery", delivery.publicID)
        try tenant.requeue(delivery.id, at: tenant.now)
        guard let queued = try tenant.delivery(publicID: deliveryID) else { throw Refusal.defect }
        return queued
    }
}
