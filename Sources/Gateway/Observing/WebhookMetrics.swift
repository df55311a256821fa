import Synchronization
import TenantApp
import TenantRegistry

/// What is counted of webhooks, for `/metrics` (G7). Any thread.
final class WebhookMetrics: Sendable {
    private final class Counter: Sendable {
        let value = Atomic<UInt64>(0)
        var count: UInt64 { value.load(ordering: .relaxed) }
    }

    private static let upperBounds: [UInt64] = [
        1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 1_000_000, 5_000_000, 15_000_000, 60_000_000,
        600_000_000, 7_200_000_000, 86_400_000_000,
    ]

    /// The others are an operator's doing.
    private static let reasons: [DisabledReason] = [.gone, .failing]

    private let outcomes = Dictionary(uniqueKeysWithValues: AttemptOutcome.allCases.map { ($0, Counter()) })
    private let disabled = Dictionary(uniqueKeysWithValues: reasons.map { ($0, Counter()) })
    private let untilFirst = Histogram(upperBounds: upperBounds)
    private let untilDelivered = Histogram(upperBounds: upperBounds)

    func count(_ outcome: AttemptOutcome) { outcomes[outcome]?.value.add(1, ordering: .relaxed) }
    func count(_ reason: DisabledReason) { disabled[reason]?.value.add(1, ordering: .relaxed) }

    func firstAttempt(of delivery: ClaimedDelivery, at now: Timestamp) {
        untilFirst.record(Self.microseconds(from: delivery.createdAt, to: now))
    }

    func delivered(_ delivery: ClaimedDelivery, at now: Timestamp) {
        untilDelivered.record(Self.microseconds(from: delivery.createdAt, to: now))
    }

    private static func microseconds(from start: Timestamp, to end: Timestamp) -> UInt64 {
        UInt64(max(0, end.milliseconds - start.milliseconds)) * 1_000
    }

    func append(_ sender: WebhookSender, to page: inout MetricsPage) {
        page.counter(
            "tollgate_delivery_attempts_total", "Attempts to deliver webhooks by how they ended.", by: "outcome",
            AttemptOutcome.allCases.map { ($0.rawValue, outcomes[$0]?.count ?? 0) })
        page.counter(
            "tollgate_webhook_endpoints_disabled_total", "Endpoints that were disabled because of their answers.",
            by: "reason", Self.reasons.map { ($0.rawValue, disabled[$0]?.count ?? 0) })
        page.histogram(
            "tollgate_delivery_first_attempt_seconds", "From an event to its first attempt.", microseconds: untilFirst)
        page.histogram(
            "tollgate_delivery_delivered_seconds", "From an event to the answer 2xx.", microseconds: untilDelivered)
        let backlog = sender.fleet.backlog
        page.gauge(
            "tollgate_deliveries", "Deliveries that wait for somebody: held back, and given up.", by: "state",
            [("held", backlog.held), ("dead", backlog.dead)])
        let figures = sender.figures
        page.gauge(
            "tollgate_deliveries_in_flight", "Attempts under way, by what is known of their endpoints.",
            by: "standing", figures.inFlight)
        page.gauge(
            "tollgate_deliveries_read_ahead", "Deliveries in memory that wait for a slot.", figures.ahead)
        page.gauge(
            "tollgate_delivery_endpoints_waiting", "Endpoints with something due, sending or waiting.",
            figures.endpoints)
        page.gauge(
            "tollgate_delivery_oldest_seconds", "For how long the oldest delivery has been due that was not answered.",
            by: "standing", figures.oldestSeconds)
    }
}
