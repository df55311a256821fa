package import HTTPCore
import Synchronization

/// A body made piece by piece by steps that answer later: exports that go through a lane a chunk at a time.
///
/// `produce` gives the next bytes, nil at the end; empty bytes mean "not yet" and it is asked again. It is called again
/// only after it has answered, so no two steps run at once. Any thread.
package final class PulledStream: ResponseStream {
    package typealias Give = @Sendable (Result<[UInt8]?, any Error>) -> Void

    private let produce: @Sendable (@escaping Give) -> Void
    private let isCancelled = Atomic<Bool>(false)
    private let head: Mutex<[UInt8]>

    /// `head`: bytes before the first piece.
    package init(head: [UInt8] = [], produce: @escaping @Sendable (@escaping Give) -> Void) {
        self.head = Mutex(head)
        self.produce = produce
    }

    package func next(_ give: @escaping @Sendable (ResponsePiece) -> Void) {
        let first = head.withLock { head in
            defer { head = [] }
            return head
        }
        if !first.isEmpty { return give(.bytes(first)) }
        if isCancelled.load(ordering: .relaxed) { return give(.failed) }
        produce { [self] result in
            switch result {
            case .success(.some(let bytes)): if bytes.isEmpty { next(give) } else { give(.bytes(bytes)) }
            case .success(nil): give(.end)
            case .failure: give(.failed)
            }
        }
    }

    package func cancel() { isCancelled.store(true, ordering: .relaxed) }
}
