import Synchronization
import TenantRegistry

/// What the scheduler counts, for `/metrics` (G7). Any thread.
final class DueMetrics: Sendable {
    let turns = Atomic<UInt64>(0)
    let stalls = Atomic<UInt64>(0)
    /// From the instant at which a file was to be asked to the first turn in it.
    let lag = Histogram(upperBounds: [
        1_000, 5_000, 10_000, 50_000, 100_000, 500_000, 1_000_000, 5_000_000, 60_000_000, 3_600_000_000,
    ])
    private let items = DueKind.allCases.map { _ in Counter() }
    private let failures = DueKind.allCases.map { _ in Counter() }

    private final class Counter: Sendable {
        let value = Atomic<UInt64>(0)
    }

    func count(items count: Int, of kind: DueKind) {
        items[kind.rawValue].value.add(UInt64(count), ordering: .relaxed)
    }

    func countFailure(of kind: DueKind) { failures[kind.rawValue].value.add(1, ordering: .relaxed) }

    func append(_ scheduler: Scheduler, of fleet: Fleet, to page: inout MetricsPage) {
        let now = fleet.clock.now()
        let oldest = fleet.due.oldest(at: now)
        func waited(_ kind: DueKind?) -> Int64 { max(0, now.milliseconds - (oldest[kind] ?? now.milliseconds)) / 1_000 }
        page.gauge(
            "tollgate_due_oldest_seconds",
            "How long the oldest work of a kind has been due; unasked: files that nobody has asked yet.", by: "kind",
            DueKind.allCases.map { ($0.name, waited($0)) } + [("unasked", waited(nil))])
        page.gauge("tollgate_due_tenants", "Tenants whose files have work to come.", fleet.due.tenantCount)
        page.counter("tollgate_due_turns_total", "Turns of the scheduler in tenants' lanes.", turns)
        func counts(_ counters: [Counter]) -> [(String, UInt64)] {
            DueKind.inFile.map { ($0.name, counters[$0.rawValue].value.load(ordering: .relaxed)) }
        }
        page.counter("tollgate_due_items_total", "Work that fell due and was done.", by: "kind", counts(items))
        page.counter(
            "tollgate_due_failures_total", "Turns that failed and are made again.", by: "kind", counts(failures))
        page.histogram(
            "tollgate_due_lag_seconds", "From the instant at which a file was to be asked to its being asked.",
            microseconds: lag)
        page.gauge(
            "tollgate_scheduler_stalled", "1 while work is due and the scheduler, or every turn of it, does not move.",
            scheduler.isStalled ? 1 : 0)
        page.counter(
            "tollgate_scheduler_stalls_total", "How often it, or every turn of it, stood still for a minute.", stalls)
        page.gauge(
            "tollgate_charging_paused", "1 while the time of day is not believed, and nothing is charged.",
            fleet.clockGuard.leapMilliseconds == nil ? 0 : 1)
    }
}
