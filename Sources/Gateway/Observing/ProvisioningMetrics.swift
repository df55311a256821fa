import Synchronization
import TenantApp

/// What calls to provisioners came to, for `/metrics` (G7). Any thread.
final class ProvisioningMetrics: Sendable {
    private static let names = ["ready", "pending", "failed", "absent", "unclear"]
    private let answers = Mutex<[String: UInt64]>([:])

    func count(_ answer: ProvisioningAnswer) { answers.withLock { $0[answer.name, default: 0] += 1 } }

    func append(_ caller: ProvisioningCaller, to page: inout MetricsPage) {
        let counted = answers.withLock { $0 }
        page.counter(
            "tollgate_provisioning_answers_total", "What calls to provisioners came to.", by: "answer",
            Self.names.map { ($0, counted[$0] ?? 0) })
        page.gauge(
            "tollgate_provisioning_in_flight", "Units that a call to a provisioner is under way for.",
            caller.underWayCount)
    }
}
