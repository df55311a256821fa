import Synchronization

/// A result on its way from another thread to a test that waits. It passes under a lock, and the continuation only
/// wakes: ThreadSanitizer sees what a lock orders, not what the concurrency runtime does, which is not built for it.
package final class Handover<Value: Sendable>: Sendable {
    private struct State {
        var result: Result<Value, any Error>?
        var waiter: CheckedContinuation<Void, Never>?
    }

    private struct NeverHanded: Error {}

    private let state = Mutex(State())

    package init() {}

    package func resume(with result: Result<Value, any Error>) {
        let waiter = state.withLock { state in
            precondition(state.result == nil, "a result comes once")
            state.result = result
            return state.waiter
        }
        waiter?.resume()
    }

    package func resume(returning value: Value) { resume(with: .success(value)) }

    /// Whether the result has come.
    package var isThere: Bool { state.withLock { $0.result != nil } }

    package func resume(throwing error: any Error) { resume(with: .failure(error)) }

    package func value() async throws -> Value {
        await withCheckedContinuation { waiter in
            let isThere = state.withLock { state in
                if state.result == nil { state.waiter = waiter }
                return state.result != nil
            }
            if isThere { waiter.resume() }
        }
        guard let result = state.withLock({ $0.result }) else { throw NeverHanded() }
        return try result.get()
    }
}

/// Begins something that answers by a callback, once, and waits for that.
package func handedOver<Value: Sendable>(_ begin: (Handover<Value>) -> Void) async throws -> Value {
    let handover = Handover<Value>()
    begin(handover)
    return try await handover.value()
}
