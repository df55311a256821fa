package import HTTPCore
import Synchronization

/// A streamed answer of which somebody is told when it ends, with what was sent and how it ended: its line in the audit
/// log is written then (O6). Exactly once, before the client can see the end. Any thread, as a stream.
package final class RecordedStream: ResponseStream {
    package enum End: Sendable {
        case whole
        /// The client went before the end.
        case clientLeft
        /// What was left could not be made; the connection was closed.
        case failed
    }

    /// What the log says in place of the status that a client saw the beginning of.
    package static let clientLeftStatus = 499

    private let stream: any ResponseStream
    private let length: Int?
    private let isHead: Bool
    private let record: @Sendable (_ bytes: Int, _ end: End) -> Void
    private let state = Mutex((sent: 0, isRecorded: false))

    package init(
        _ stream: any ResponseStream, length: Int?, isHead: Bool,
        record: @escaping @Sendable (_ bytes: Int, _ end: End) -> Void
    ) {
        self.stream = stream
        self.length = length
        self.isHead = isHead
        self.record = record
    }

    package func next(_ give: @escaping @Sendable (ResponsePiece) -> Void) {
        stream.next { [self] piece in
            switch piece {
            case .bytes(let bytes):
                let sent = state.withLock { state in
                    state.sent += bytes.count
                    return state.sent
                }
                // Behind the last byte of an announced length no end is waited for.
                if sent == length { end(.whole) }
            case .end: end(.whole)
            case .failed: end(.failed)
            }
            give(piece)
        }
    }

    package func cancel() {
        end(isHead ? .whole : .clientLeft)
        stream.cancel()
    }

    private func end(_ end: End) {
        let sent = state.withLock { state -> Int? in
            defer { state.isRecorded = true }
            return state.isRecorded ? nil : state.sent
        }
        if let sent { record(sent, end) }
    }
}
