import CallKit
import Cryptography
import HTTPCore
import Synchronization
import TenantApp
import TenantRegistry

/// A body on its way to a route that reads it piece by piece: counted, hashed for its Idempotency-Key and handed to the
/// reader on the pool for files, never on a loop.
///
/// Invariant: the reader hears `finish` or `abandon` once, behind the piece it may be busy with.
/// `@unchecked Sendable`: `hash` and `bytes` belong to the one piece under way, and to `finish` behind them all.
final class StreamedBody: BodySink, @unchecked Sendable {
    /// What stands for the body afterwards.
    struct Sum: Sendable {
        /// Nil where the call has no Idempotency-Key: nobody asks for it.
        let digest: Digest?
        let bytes: Int
    }

    private struct State {
        var isBusy = false
        var isAbandoned = false
    }

    private let operation: CallRun
    /// Nil where the call was refused before its body: what comes is thrown away.
    private let reader: (any BodyReader)?
    private let state = Mutex(State())
    private var hash = SHA256Stream()
    private var bytes = 0
    /// A piece found no place in the queue: what follows it makes no sense.
    private let hasGap = Atomic<Bool>(false)

    init(_ operation: CallRun) {
        self.operation = operation
        reader = operation.beginStream()
    }

    func receive(_ piece: [UInt8], resume: @escaping @Sendable () -> Void) {
        guard let reader, !hasGap.load(ordering: .relaxed) else { return resume() }
        state.withLock { $0.isBusy = true }
        let submitted = operation.files.submit(of: operation.payer) { [self] in
            if operation.hasIdempotencyKey { hash.update(piece) }
            bytes += piece.count
            reader.take(piece)
            let goesOn = state.withLock { state in
                state.isBusy = false
                return !state.isAbandoned
            }
            if goesOn { resume() } else { reader.abandon() }
        }
        if !submitted {
            state.withLock { $0.isBusy = false }
            hasGap.store(true, ordering: .relaxed)
            resume()
        }
    }

    func finish() {
        guard let reader else { return }
        let submitted = operation.files.submit(of: operation.payer) { [self] in
            if hasGap.load(ordering: .relaxed) {
                reader.abandon()
                return operation.fail(Refusal.busy)
            }
            var operation = operation
            operation.streamed = Sum(
                digest: operation.hasIdempotencyKey ? hash.finish() : nil, bytes: bytes)
            operation.perform(reader.finish())
        }
        if !submitted {
            reader.abandon()
            operation.fail(Refusal.busy)
        }
    }

    func abort() {
        let isIdle = state.withLock { state in
            state.isAbandoned = true
            return !state.isBusy
        }
        guard isIdle, let reader else { return }
        // Where the queue is full, its file goes with the reader itself.
        _ = operation.files.submit(of: operation.payer) { reader.abandon() }
    }
}
