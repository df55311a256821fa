import Dispatch
import Synchronization
package import TenantRegistry
import TestTenants

/// Stands in a tenant's lane, so that a test acts between two steps of a call. One task drives it; `open` it at the
/// end.
package final class Turnstile: Sendable {
    private struct Bar {
        let gate = DispatchSemaphore(value: 0)
        let isThere = Handover<Void>()
    }

    private let lane: Lane<TenantStore>
    private let bar: Mutex<Bar?>

    /// Returns when it stands there: what was queued before has run.
    package init(in record: TenantRecord) async throws {
        lane = record.lane
        bar = Mutex(nil)
        let first = stand()
        bar.withLock { $0 = first }
        try await first.isThere.value()
    }

    private func stand() -> Bar {
        let bar = Bar()
        lane.exclusively(
            { _ in
                bar.isThere.resume(returning: ())
                bar.gate.wait()
            }, orElse: { bar.isThere.resume(throwing: $0) })
        return bar
    }

    /// Waits until a step waits in the lane.
    package func waitForStep() async throws { try await until { [lane] in lane.waiting > 0 } }

    /// Waits for a step and lets it pass; the next one waits again.
    package func passStep() async throws {
        try await waitForStep()
        let next = stand()
        let before = bar.withLock { bar in
            defer { bar = next }
            return bar
        }
        before?.gate.signal()
        try await next.isThere.value()
    }

    /// Nobody waits any more.
    package func open() {
        let last = bar.withLock { bar in
            defer { bar = nil }
            return bar
        }
        last?.gate.signal()
    }
}

package struct NeverCame: Error {}

/// Waits for a state; throws where it does not come. It is looked at from a thread of its own.
package func until(_ isSo: @escaping @Sendable () -> Bool) async throws {
    try await handedOver { done in
        startThread("until") {
            for _ in 0..<60_000 {
                if isSo() { return done.resume(returning: ()) }
                pause(milliseconds: 1)
            }
            done.resume(throwing: NeverCame())
        }
    }
}
