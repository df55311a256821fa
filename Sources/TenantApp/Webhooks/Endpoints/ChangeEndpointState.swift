package import CallKit
package import TenantRegistry

/// Pauses, resumes, enables or disables a webhook endpoint (H4). What waited is held from then on.
package struct ChangeEndpointState: Sendable {
    package enum Move: String, Sendable {
        case pause, resume, enable, disable
    }

    package let move: Move
    /// An operator asks: it alone disables, and enables what it disabled.
    package let byOperator: Bool

    package init(_ move: Move, byOperator: Bool) {
        self.move = move
        self.byOperator = byOperator
    }

    /// Returns the endpoint as it is now. What was asked for already is no error.
    package func run(
        _ endpoint: WebhookEndpoint, _ tenant: TenantTransaction, _ detail: inout AuditDetail
    ) throws -> WebhookEndpoint {
        detail.resellerID = endpoint.resellerID
        detail.note("webhook", endpoint.publicID)
        switch (move, endpoint.state) {
        case (.pause, .active):
            try tenant.setState(of: endpoint, to: .paused)
            try tenant.settleQueue(ofEndpoint: endpoint.id, as: .held, limit: TenantTransaction.settledAtOnceMax)
        case (.resume, .paused): try tenant.setState(of: endpoint, to: .active)
        case (.enable, .disabled): try enable(endpoint, tenant)
        case (.disable, .active), (.disable, .paused): try tenant.disable(endpoint, .byOperator)
        case (.disable, .disabled) where endpoint.disabledReason != .terminated:
            // From now on it is the operator's.
            try tenant.setState(of: endpoint, to: .disabled, reason: .byOperator)
        case (.pause, .paused), (.resume, .active), (.enable, .active), (.disable, .disabled): break
        case (.enable, .paused): throw Refusal.conflict(.endpointPaused)
        case (.pause, .disabled), (.resume, .disabled): throw Refusal.conflict(.endpointDisabled)
        }
        guard let changed = try tenant.webhookEndpoint(id: endpoint.id) else { throw Refusal.defect }
        detail.note("state", changed.state.rawValue)
        return changed
    }

    private func enable(_ endpoint: WebhookEndpoint, _ tenant: TenantTransaction) throws {
        switch endpoint.disabledReason {
        case .byOperator where !byOperator: throw Refusal.conflict(.endpointDisabledByOperator)
        case .terminated: throw Refusal.conflict(.endpointDisabled)
        case .gone, .failing, .byOperator, nil: break
        }
        try tenant.setState(of: endpoint, to: .active)
        try tenant.save(try tenant.health(ofEndpoint: endpoint.id).forgotten, ofEndpoint: endpoint.id)
    }
}

extension TenantTransaction {
    /// So many deliveries are taken out of a queue in one go; the rest follows in the background.
    package static let settledAtOnceMax = 150

    /// Loudly: its reseller is told by the feed and by its other endpoints, whatever they are subscribed to (W10).
    func disable(_ endpoint: WebhookEndpoint, _ reason: DisabledReason) throws {
        try setState(of: endpoint, to: .disabled, reason: reason)
        try settleQueue(ofEndpoint: endpoint.id, as: .held, limit: Self.settledAtOnceMax)
        guard let disabled = try webhookEndpoint(id: endpoint.id) else { throw Refusal.defect }
        try tell(.webhookEndpointDisabled, of: disabled)
    }

    private func tell(_ type: EventType, of endpoint: WebhookEndpoint) throws {
        let event = try emitUnsent(type, endpoint)
        for other in try webhookEndpoints(resellerID: endpoint.resellerID, book: endpoint.book)
        where other.id != endpoint.id { try insertDelivery(of: type, event: event.id, to: other) }
    }
}
