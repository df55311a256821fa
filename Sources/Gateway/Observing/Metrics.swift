import Archive
import CallKit
import HTTPServer
import RateLimiter
import Synchronization
import TenantApp
import TenantRegistry

/// Counters of the gate, for `/metrics` (G7). Labels are bounded: statuses, reasons, never tenants or paths.
final class GatewayMetrics: Sendable {
    let failedCredentials = Atomic<UInt64>(0)
    let latency = Histogram(
        upperBounds: [100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 100_000, 500_000, 2_000_000])
    /// By status, from 100 on.
    private let statuses = (0..<500).map { _ in Counter() }
    private let refusals: [String: Counter]
    private let otherRefusals = Counter()

    private final class Counter: Sendable {
        let value = Atomic<UInt64>(0)
        var count: UInt64 { value.load(ordering: .relaxed) }
    }

    init() {
        refusals = Dictionary(uniqueKeysWithValues: RefusalCodes.all.map { ($0, Counter()) })
    }

    func count(status: Int) {
        guard 100..<600 ~= status else { return }
        statuses[status - 100].value.add(1, ordering: .relaxed)
    }

    /// All answers since the start, and those with a status of 500 and above.
    var answered: (all: UInt64, failed: UInt64) {
        statuses.enumerated().reduce((0, 0)) { sum, status in
            let count = status.element.count
            return (sum.0 + count, sum.1 + (status.offset >= 400 ? count : 0))
        }
    }

    func countRefusal(_ refusal: Refusal) {
        (refusals[refusal.code] ?? otherRefusals).value.add(1, ordering: .relaxed)
    }

    /// Prometheus text format 0.0.4. Looks at each tenant and at `/proc`: not on a loop.
    func text(
        fleet: Fleet, server: ServerMetrics?, scheduler: Scheduler? = nil, webhooks: WebhookSender? = nil,
        provisioning: ProvisioningCaller? = nil, archive: ArchiveFigures? = nil,
        forwarding: ForwardingMetrics? = nil
    ) -> String {
        var page = MetricsPage()
        // Every label that is known is there from the start: a rise from nothing would be no rise.
        let known = Set(StatusLine.all)
        let answered = (100..<600).map { ($0, statuses[$0 - 100].count) }.filter { $0.1 > 0 || known.contains($0.0) }
        page.counter(
            "tollgate_requests_total", "Answers by status.", by: "status", answered.map { ("\($0.0)", $0.1) })
        let refused = RefusalCodes.all.map { ($0, refusals[$0]?.count ?? 0) } + [("other", otherRefusals.count)]
        page.counter("tollgate_refusals_total", "Refusals by reason.", by: "reason", refused)
        page.counter(
            "tollgate_failed_credentials_total", "Wrong keys, links, signatures and passwords.", failedCredentials)
        let budgets = fleet.budgets
        page.counter(
            "tollgate_budget_spent_total", "Calls and connections that found a budget spent.", by: "budget",
            Budget.allCases.map { ($0.rawValue, budgets.spent[$0]) })
        page.gauge(
            "tollgate_budget_in_use", "What is in use at once of budgets that are shared.", by: "budget",
            budgets.inUse.map { ($0.rawValue, $1) })
        page.histogram(
            "tollgate_request_duration_seconds", "From the head's first byte to the answer's last.",
            microseconds: latency)
        append(fleet.pool, to: &page)
        append(fleet, to: &page)
        if let log = fleet.logFigures { page.append(log) }
        if let archive { page.append(archive) }
        if let cluster = fleet.cluster { page.append(cluster) }
        if let scheduler { scheduler.metrics.append(scheduler, of: fleet, to: &page) }
        if let webhooks { webhooks.metrics.append(webhooks, to: &page) }
        if let provisioning { provisioning.metrics.append(provisioning, to: &page) }
        forwarding?.append(to: &page)
        if let server { page.append(server) }
        ProcessFigures.append(to: &page)
        return page.text
    }

    private func append(_ pool: LanePool, to page: inout MetricsPage) {
        let lanes = pool.metrics
        page.counter("tollgate_lane_batches_total", "Batches that lanes committed.", lanes.batches)
        page.counter("tollgate_lane_jobs_total", "Operations in those batches.", lanes.jobs)
        page.counter("tollgate_lane_batches_lost_total", "Batches run again one by one.", lanes.batchesLost)
        page.counter("tollgate_commits_failed_total", "Commits that failed.", lanes.commitsFailed)
        page.counter("tollgate_fences_total", "Commits whose outcome had to be settled from the disk.", lanes.fences)
        page.gauge(
            "tollgate_lanes_fenced", "Files that wait for that and serve nothing.",
            lanes.fenced.load(ordering: .relaxed))
        page.counter(
            "tollgate_unavailable_operations_total", "Operations whose file cannot be opened or is damaged.",
            lanes.unavailable)
        page.counter("tollgate_checkpoints_total", "Checkpoints.", lanes.checkpoints)
        page.counter("tollgate_files_opened_total", "Tenant files opened.", lanes.filesOpened)
        page.histogram("tollgate_commit_seconds", "COMMIT with its sync.", microseconds: lanes.commitTime)
        page.histogram("tollgate_batch_work_seconds", "A batch before its COMMIT.", microseconds: lanes.workTime)
        page.histogram("tollgate_batch_size", "Operations in a batch.", lanes.batchSize)
        page.gauge("tollgate_lanes_ready", "Lanes waiting for a worker.", pool.waiting)
        page.gauge("tollgate_open_files", "Tenant files open.", pool.openFiles)
        page.gauge("tollgate_open_files_max", "Tenant files that may be open at once.", pool.openFilesMax)
    }

    /// Sums and maxima over tenants: which one it is, the log and the console say.
    private func append(_ fleet: Fleet, to page: inout MetricsPage) {
        var depth = (sum: 0, max: 0)
        var pages = (sum: 0, max: 0)
        var reads = (sum: 0, max: 0)
        for record in fleet.roster.allTenants {
            let lane = record.lane
            Self.add(lane.waiting, to: &depth)
            Self.add(lane.walPages.load(ordering: .relaxed), to: &pages)
            Self.add(record.readLog.fillBytes, to: &reads)
        }
        page.gauge("tollgate_tenants", "Tenants.", fleet.roster.tenantCount)
        let quotas = fleet.quotaCounts
        page.gauge(
            "tollgate_quota_warned_tenants", "Tenants that have used four fifths of a quota, or all of it.",
            by: "quota", quotas.map { ($0.kind.rawValue, $0.warned) })
        page.gauge(
            "tollgate_quota_full_tenants", "Tenants that have used all of a quota.", by: "quota",
            quotas.map { ($0.kind.rawValue, $0.full) })
        page.gauge("tollgate_lane_depth", "Operations waiting in all lanes.", depth.sum)
        page.gauge("tollgate_lane_depth_max", "Operations waiting in the fullest lane; 503 at 4096.", depth.max)
        page.gauge("tollgate_registry_depth", "Operations waiting for the registry.", fleet.registry.waiting)
        page.gauge(
            "tollgate_background_waiting", "Tasks waiting for the background pool; 503 at 256.",
            fleet.background.waitingTasks)
        page.gauge("tollgate_wal_pages", "Pages that no checkpoint has moved yet, of all open files.", pages.sum)
        page.gauge("tollgate_wal_pages_max", "The same of the file that has most.", pages.max)
        page.gauge("tollgate_read_log_bytes", "Audit records of reads in memory, of all tenants.", reads.sum)
        page.gauge("tollgate_read_log_bytes_max", "The same of the tenant that has most; 503 at 1 MiB.", reads.max)
        page.gauge(
            "tollgate_writes_refused", "1 while writes are refused for want of disk.", fleet.refusesWrites ? 1 : 0)
        if let free = fleet.data.freeBytes { page.gauge("tollgate_disk_free_bytes", "Free room for data.", free) }
    }

    private static func add(_ value: Int, to figures: inout (sum: Int, max: Int)) {
        figures.sum += value
        figures.max = Swift.max(figures.max, value)
    }
}
