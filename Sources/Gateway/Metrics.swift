import HTTPServer
import Synchronization
import TenantApp
import TenantRegistry

/// Counters of the gate, for `/metrics` (CONTRACT G7). Labels are bounded: statuses, reasons, never tenants or paths.
final class GatewayMetrics: Sendable {
    let failedCredentials = Atomic<UInt64>(0)
    let latency = Histogram(
        upperBounds: [100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 100_000, 500_000, 2_000_000])
    private let statuses = (0..<500).map { _ in Counter() }
    private let refusals = Mutex<[String: UInt64]>([:])
    private static let refusalCodesMax = 200

    private final class Counter: Sendable { let value = Atomic<UInt64>(0) }

    func count(status: Int) {
        guard 100..<600 ~= status else { return }
        statuses[status - 100].value.add(1, ordering: .relaxed)
    }

    func countRefusal(_ refusal: Refusal) {
        refusals.withLock { refusals in
            if refusals.count < Self.refusalCodesMax || refusals[refusal.code] != nil {
                refusals[refusal.code, default: 0] += 1
            }
        }
    }

    /// Prometheus text format 0.0.4.
    func text(fleet: Fleet, server: ServerMetrics?) -> String {
        var page = MetricsPage()
        page.head("tollgate_requests_total", "counter", "Answers by status.")
        for status in 100..<600 {
            let count = statuses[status - 100].value.load(ordering: .relaxed)
            if count > 0 { page.line("tollgate_requests_total{status=\"\(status)\"}", count) }
        }
        page.head("tollgate_refusals_total", "counter", "Refusals by reason.")
        for (code, count) in refusals.withLock({ $0 }).sorted(by: { $0.key < $1.key }) {
            page.line("tollgate_refusals_total{reason=\"\(code)\"}", count)
        }
        page.counter("tollgate_failed_credentials_total", "Calls with an unknown key.", failedCredentials)
        page.histogram(
            "tollgate_request_duration_microseconds", "From the head's first byte to the answer's last.", latency)
        let lanes = fleet.pool.metrics
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
        page.histogram("tollgate_commit_microseconds", "COMMIT with its sync.", lanes.commitTime)
        page.histogram("tollgate_batch_work_microseconds", "A batch before its COMMIT.", lanes.workTime)
        page.histogram("tollgate_batch_size", "Operations in a batch.", lanes.batchSize)
        page.gauge("tollgate_lanes_ready", "Lanes waiting for a worker.", fleet.pool.waiting)
        page.gauge("tollgate_open_files", "Tenant files open.", fleet.pool.openFiles)
        page.gauge("tollgate_tenants", "Tenants.", fleet.directory.tenantCount)
        page.gauge(
            "tollgate_lane_depth", "Operations waiting in all lanes.",
            fleet.directory.allTenants.reduce(0) { $0 + $1.lane.waiting })
        page.gauge(
            "tollgate_writes_refused", "1 while writes are refused for want of disk.", fleet.refusesWrites ? 1 : 0)
        if let free = fleet.data.freeBytes { page.gauge("tollgate_disk_free_bytes", "Free room for data.", Int(free)) }
        if let server { page.append(server) }
        return page.text
    }
}

private struct MetricsPage {
    var text = ""

    mutating func head(_ name: String, _ type: String, _ help: String) {
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n"
    }

    mutating func line(_ name: String, _ value: some BinaryInteger) { text += "\(name) \(value)\n" }

    mutating func counter(_ name: String, _ help: String, _ value: borrowing Atomic<UInt64>) {
        head(name, "counter", help)
        line(name, value.load(ordering: .relaxed))
    }

    mutating func gauge(_ name: String, _ help: String, _ value: Int) {
        head(name, "gauge", help)
        line(name, value)
    }

    mutating func histogram(_ name: String, _ help: String, _ histogram: Histogram) {
        head(name, "histogram", help)
        let snapshot = histogram.snapshot
        for (bound, count) in zip(histogram.upperBounds, snapshot.cumulative) {
            line("\(name)_bucket{le=\"\(bound)\"}", count)
        }
        line("\(name)_bucket{le=\"+Inf\"}", snapshot.cumulative.last ?? 0)
        line("\(name)_sum", snapshot.sum)
        line("\(name)_count", snapshot.cumulative.last ?? 0)
    }

    mutating func append(_ server: ServerMetrics) {
        gauge("tollgate_connections_open", "Connections open.", server.connectionsOpen.load(ordering: .relaxed))
        head("tollgate_connections_accepted_total", "counter", "Connections accepted.")
        line("tollgate_connections_accepted_total", server.connectionsAccepted.load(ordering: .relaxed))
        head("tollgate_connections_refused_total", "counter", "Connections and requests that the engine refused.")
        for (reason, count) in [
            ("total_bound", server.refusedTotalBound.load(ordering: .relaxed)),
            ("address_bound", server.refusedAddressBound.load(ordering: .relaxed)),
            ("descriptors", server.refusedDescriptors.load(ordering: .relaxed)),
            ("handshake", server.refusedHandshake.load(ordering: .relaxed)),
            ("framing", server.refusedFraming.load(ordering: .relaxed)),
            ("body_too_large", server.refusedBodyTooLarge.load(ordering: .relaxed)),
            ("deadline", server.refusedDeadline.load(ordering: .relaxed)),
        ] { line("tollgate_connections_refused_total{reason=\"\(reason)\"}", count) }
        head("tollgate_bytes_total", "counter", "Bytes over sockets.")
        line("tollgate_bytes_total{direction=\"in\"}", server.bytesIn.load(ordering: .relaxed))
        line("tollgate_bytes_total{direction=\"out\"}", server.bytesOut.load(ordering: .relaxed))
    }
}
