import Cryptography
import HTTPServer
import Provider
import TenantRegistry

/// The node's health in figures that a person looks at (U1); `/metrics` has all of them, for programs. A value.
struct NodeHealth: Sendable {
    let pipeline: Pipeline
    let certificates: TLSCertificates?

    private static let microsecondsInMillisecond: UInt64 = 1_000
    private static let day: Int64 = 86_400
    private static let certificateDays: Int64 = 21
    /// A commit that takes longer keeps callers waiting.
    private static let commitMilliseconds: Int64 = 50

    var figures: [NodeFigure] {
        let fleet = pipeline.fleet
        return disk(fleet) + lanes(fleet) + archive + clock(fleet) + outside + traffic + ends(fleet)
    }

    private func disk(_ fleet: Fleet) -> [NodeFigure] {
        let free = fleet.data.freeBytes ?? 0
        return [
            NodeFigure(
                "Disk", "disk_free_bytes", "Free room for data", Int64(free), unit: "bytes",
                level: fleet.refusesWrites ? .bad : .good),
            NodeFigure(
                "Disk", "writes_refused", "Writes are refused for want of room", fleet.refusesWrites ? 1 : 0,
                level: fleet.refusesWrites ? .bad : .good),
        ]
    }

    /// What a lost disk would lose is told in seconds.
    private static let archiveBehindSeconds: Int64 = 60

    private var archive: [NodeFigure] {
        guard let figures = pipeline.archive?.figures else { return [] }
        let behind = Int64(figures.behindMilliseconds / 1_000)
        let faults = Int64(figures.lastTrial?.faults.count ?? 0)
        return [
            NodeFigure(
                "Archive", "archive_behind_seconds", "Behind what clients were told", behind, unit: "s",
                level: behind > Self.archiveBehindSeconds ? .bad : figures.trouble == nil ? .good : .warn),
            NodeFigure(
                "Archive", "archive_incomplete", "What was put there is lost", figures.loss == nil ? 0 : 1,
                level: figures.loss == nil ? .good : .bad),
            NodeFigure(
                "Archive", "archive_tenants_without_copy", "Tenants without a copy there", Int64(figures.owed)),
            NodeFigure(
                "Archive", "archive_tried_faults", "Tenants of the last trial that did not come back", faults,
                level: faults > 0 ? .bad : .good),
        ]
    }

    private func lanes(_ fleet: Fleet) -> [NodeFigure] {
        let lanes = fleet.pool.metrics
        let commits = lanes.commitTime.snapshot
        let count = commits.cumulative.last ?? 0
        let slow = upperBound(of: lanes.commitTime, percent: 99)
        let fenced = Int64(lanes.fenced.load(ordering: .relaxed))
        let failed = Int64(lanes.commitsFailed.load(ordering: .relaxed))
        let broken = Int64(lanes.unavailable.load(ordering: .relaxed))
        let deepest = fleet.roster.allTenants.map { $0.lane.waiting }.max() ?? 0
        return [
            NodeFigure(
                "Files", "commit_seconds", "Commits, on average",
                count == 0 ? 0 : Int64(commits.sum / count), unit: "µs"),
            NodeFigure(
                "Files", "commit_seconds", "99 of 100 commits within", slow, unit: "ms",
                level: slow > Self.commitMilliseconds ? .warn : .good),
            NodeFigure(
                "Files", "commits_failed_total", "Commits that failed since the start", failed,
                level: failed > 0 ? .warn : .good),
            NodeFigure(
                "Files", "lanes_fenced", "Files that wait for the disk and serve nothing", fenced,
                level: fenced > 0 ? .bad : .good),
            NodeFigure(
                "Files", "unavailable_operations_total", "Calls of a file that cannot be opened", broken,
                level: broken > 0 ? .bad : .good),
            NodeFigure("Files", "lane_depth_max", "Calls waiting in the fullest lane", Int64(deepest)),
            NodeFigure(
                "Files", "open_files", "Tenant files open, of \(fleet.pool.openFilesMax)", Int64(fleet.pool.openFiles)),
        ]
    }

    /// The least bound that so many of a hundred values lie within, in milliseconds.
    private func upperBound(of histogram: Histogram, percent: UInt64) -> Int64 {
        let counts = histogram.snapshot.cumulative
        guard let all = counts.last, all > 0 else { return 0 }
        let place = counts.firstIndex { $0 * 100 >= all * percent } ?? 0
        let bounds = histogram.upperBounds
        return Int64((bounds[min(place, bounds.count - 1)]) / Self.microsecondsInMillisecond)
    }

    private func clock(_ fleet: Fleet) -> [NodeFigure] {
        let now = fleet.clock.now()
        let oldest = fleet.due.oldest(at: now).values.min().map { max(0, now.milliseconds - $0) / 1_000 } ?? 0
        let isStalled = pipeline.scheduler?.isStalled ?? false
        let leap = fleet.clockGuard.leapMilliseconds
        return [
            NodeFigure(
                "Work", "due_oldest_seconds", "Oldest work that is due", oldest, unit: "s",
                level: oldest > 3_600 ? .bad : oldest > 60 ? .warn : .good),
            NodeFigure(
                "Work", "scheduler_stalled", "The scheduler stands still", isStalled ? 1 : 0,
                level: isStalled ? .bad : .good),
            NodeFigure(
                "Work", "charging_paused", "Charging is paused: the clock leapt ahead by",
                (leap ?? 0) / 3_600_000, unit: "h", level: leap == nil ? .good : .bad),
        ]
    }

    private var outside: [NodeFigure] {
        guard let webhooks = pipeline.webhooks else { return [] }
        let oldest = webhooks.figures.oldestSeconds.map { Int64($0.1) }.max() ?? 0
        return [
            NodeFigure(
                "Work", "delivery_oldest_seconds", "Oldest webhook that is due and not answered", oldest, unit: "s",
                level: oldest > 3_600 ? .warn : .good)
        ]
    }

    private var traffic: [NodeFigure] {
        var figures: [NodeFigure] = []
        if let server = pipeline.server {
            figures.append(
                NodeFigure(
                    "Traffic", "connections_open", "Connections open",
                    Int64(server.connectionsOpen.load(ordering: .relaxed))))
        }
        let answered = pipeline.metrics.answered
        let failed = Int64(answered.failed)
        return figures + [
            NodeFigure("Traffic", "requests_total", "Calls answered since the start", Int64(answered.all)),
            NodeFigure(
                "Traffic", "requests_total", "Of them with a fault of ours (5xx)", failed,
                level: failed > 0 ? .warn : .good),
            NodeFigure(
                "Traffic", "failed_credentials_total", "Wrong keys, links and passwords",
                Int64(pipeline.metrics.failedCredentials.load(ordering: .relaxed))),
        ]
    }

    private func ends(_ fleet: Fleet) -> [NodeFigure] {
        let now = fleet.clock.now().milliseconds / 1_000
        return (certificates?.ends ?? []).sorted { $0.atUnixSeconds < $1.atUnixSeconds }.prefix(20).map { end in
            let days = (end.atUnixSeconds - now) / Self.day
            return NodeFigure(
                "Certificates", "certificate_ends",
                end.host.isEmpty ? "The gateway's own ends in" : "\(end.host) ends in",
                days, unit: "days", level: days < 3 ? .bad : days < Self.certificateDays ? .warn : .good)
        }
    }
}
