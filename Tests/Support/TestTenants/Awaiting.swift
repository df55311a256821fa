import Foundation
import Synchronization

/// A test that would hang fails after this.
private let patienceSeconds = 60

/// A result that another thread delivers. Any thread.
package final class Promise<Value: Sendable>: Sendable {
    private let cell = Mutex<Result<Value, any Error>?>(nil)
    private let isReady = DispatchSemaphore(value: 0)

    package struct NeverCame: Error {}

    package init() {}

    package func resolve(_ result: Result<Value, any Error>) {
        cell.withLock { $0 = result }
        isReady.signal()
    }

    package func succeed(_ value: Value) { resolve(.success(value)) }
    package func fail(_ error: any Error) { resolve(.failure(error)) }

    /// Waits for the result; the same each time it is asked.
    package func result() throws -> Result<Value, any Error> {
        guard isReady.wait(timeout: .now() + .seconds(patienceSeconds)) == .success else { throw NeverCame() }
        isReady.signal()
        guard let result = cell.withLock({ $0 }) else { throw NeverCame() }
        return result
    }

    package func value() throws -> Value { try result().get() }
}

/// The result of a call that answers through a closure.
package func awaited<Value: Sendable>(
    _ start: (@escaping @Sendable (Result<Value, any Error>) -> Void) -> Void
) throws -> Value {
    let promise = Promise<Value>()
    start { promise.resolve($0) }
    return try promise.value()
}
