import HTTPCore
import Synchronization

/// One request between its head and its answer. It is the connection's generation: an answer counts only while the
/// connection in its slot still waits for this very responder.
///
/// Any thread may call `respond`; all else is constant.
final class PendingResponder: Responder {
    let peer: Peer
    let loop: EventLoop
    let slot: Int
    let request: RequestRecord
    private let isAnswered = Atomic<Bool>(false)

    init(peer: Peer, loop: EventLoop, slot: Int, request: RequestRecord) {
        self.peer = peer
        self.loop = loop
        self.slot = slot
        self.request = request
    }

    func respond(_ response: Response) {
        guard takeRight() else {
            if case .stream(let stream, _) = response.body { stream.cancel() }
            return
        }
        loop.submit(.answer(self, response))
    }

    /// The right to answer, given once: to the handler or, after a deadline or a refusal, to the engine.
    func takeRight() -> Bool { !isAnswered.exchange(true, ordering: .acquiringAndReleasing) }
}

/// What is remembered of a request until its answer has gone.
struct RequestRecord: Sendable {
    let head: RequestHead?
    /// Of the head's first byte, nanoseconds of the monotonic clock.
    let startedAt: UInt64
    let isHead: Bool
    let isHTTP10: Bool
    var keepsAlive: Bool

    init(_ framed: FramedHead, startedAt: UInt64) {
        head = framed.head
        self.startedAt = startedAt
        isHead = framed.head.method == .head
        isHTTP10 = framed.isHTTP10
        keepsAlive = framed.keepsAlive
    }

    /// For a request that was refused before its head was known.
    init(refusedAt startedAt: UInt64) {
        head = nil
        self.startedAt = startedAt
        isHead = false
        isHTTP10 = false
        keepsAlive = false
    }
}
