package import CallKit
package import TenantRegistry

/// Puts a delivery back into the queue, due at once, its schedule begun anew (O7). The event and its id stay.
package struct RetryDelivery: Sendable {
    package let deliveryID: String
    /// Whose it has to be; nil: anybody's.
    package let resellerID: Int64?
    package let book: Book?

    package init(deliveryID: String, resellerID: Int64? = nil, book: Book? = nil) {
        self.deliveryID = deliveryID
        self.resellerID = resellerID
        self.book = book
    }

    package func run(_ tenant: TenantTransaction, _ detail: inout AuditDetail) throws -> Delivery {
        guard let delivery = try tenant.delivery(publicID: deliveryID),
            resellerID.map({ $0 == delivery.resellerID }) ?? true, book.map({ $0 == delivery.book }) ?? true
        else { throw Refusal.notFound(.delivery) }
        try tenant.judgeReceiver(resellerID: delivery.resellerID)
        guard delivery.isEndpointOpen else {
            let endpoint = try tenant.webhookEndpoint(id: delivery.endpointID)
            throw Refusal.conflict(endpoint?.state == .paused ? .endpointPaused : .endpointDisabled)
        }
        if delivery.isTest { throw Refusal.conflict(.testIsNotRetried) }
        detail.resellerID = delivery.resellerID
        detail.note("delivery", delivery.publicID)
        try tenant.requeue(delivery.id, at: tenant.now)
        guard let queued = try tenant.delivery(publicID: deliveryID) else { throw Refusal.defect }
        return queued
    }
}

extension TenantReader {
    /// Refuses to send anything to a reseller that is terminated (W1).
    func judgeReceiver(resellerID: Int64) throws {
        guard try reseller(id: resellerID)?.state != .terminated else {
            throw Refusal.conflict(.terminatedGetsNoWebhooks)
        }
    }
}
