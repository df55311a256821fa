import RateLimiter
import Synchronization
import TenantRegistry

/// What became of calls that were passed on, for `/metrics` (G7). Labels are the cluster's nodes. Any thread.
final class ForwardingMetrics: Sendable {
    enum Outcome: String, CaseIterable {
        case answered
        /// The node said that the tenant is not there.
        case notMine = "not_mine"
        /// The node was not reached.
        case notSent = "not_sent"
        /// The node was gone before it answered.
        case lost
        case busy
    }

    private struct Label: Hashable {
        let node: NodeName
        let outcome: Outcome
    }

    private let counts = Mutex<[Label: UInt64]>([:])
    /// Calls of other nodes that were for none of this one's tenants.
    let refusedAsNotMine = Atomic<UInt64>(0)
    private let latency = Histogram(
        upperBounds: [250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 100_000, 500_000, 2_000_000])

    func count(_ outcome: Outcome, at node: NodeName?, microseconds: UInt64? = nil) {
        guard let node else { return }
        counts.withLock { $0[Label(node: node, outcome: outcome), default: 0] += 1 }
        if let microseconds { latency.record(microseconds) }
    }

    func append(to page: inout MetricsPage) {
        let counts = counts.withLock { $0 }
        page.head("tollgate_forwarded_total", "counter", "Calls passed on to other nodes, by what came of them.")
        let sorted = counts.sorted {
            ($0.key.node, $0.key.outcome.rawValue) < ($1.key.node, $1.key.outcome.rawValue)
        }
        for (label, count) in sorted {
            page.line(
                "tollgate_forwarded_total{node=\"\(label.node.text)\",outcome=\"\(label.outcome.rawValue)\"}", count)
        }
        page.histogram(
            "tollgate_forwarding_seconds", "From passing a call on to the other node's answer.", microseconds: latency)
        page.counter(
            "tollgate_not_mine_total", "Calls of other nodes for tenants that are not here.", refusedAsNotMine)
    }
}
