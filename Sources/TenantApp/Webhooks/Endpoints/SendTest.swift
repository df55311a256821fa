import CallKit
import TenantRegistry

/// A test event of one endpoint, sent once and at once, whatever the endpoint is subscribed to and whether it is paused
/// or disabled (H4). Nothing is queued for it, and no statistics count it.
struct SendTest: Sendable {
    let endpoint: WebhookEndpoint

    /// The event and its delivery are there before anybody is called.
    func prepare(
        _ tenant: TenantTransaction, _ detail: inout AuditDetail
    ) throws -> (event: String, delivery: Delivery, claimed: ClaimedDelivery) {
        try tenant.judgeReceiver(resellerID: endpoint.resellerID)
        let event = try tenant.emitUnsent(.webhookTest, endpoint) { json in json.field("test", true) }
        let id = try tenant.insertTestDelivery(event: event.id, to: endpoint)
        guard let delivery = try tenant.delivery(id: id), let claimed = try tenant.claimTest(delivery: id, of: endpoint)
        else { throw Refusal.defect }
        detail.note("webhook", endpoint.publicID)
        detail.note("delivery", delivery.publicID)
        return (event.publicID, delivery, claimed)
    }

    /// What came of it; `busy` where there is no way out.
    static func send(
        _ claimed: ClaimedDelivery, to url: String, by probe: WebhookProbe, _ steps: Steps
    ) async throws -> AttemptResult {
        try await steps.callback { done in
            let isTaken = probe.send(url, claimed) { done(.success($0)) }
            if !isTaken { done(.failure(Refusal.unavailable(.webhooksBusy))) }
        }
    }
}
