import CLinux
import Glibc
import HTTPCore
import Synchronization

/// What other threads tell a loop.
enum LoopMessage: Sendable {
    case answer(PendingResponder, Response)
    case piece(PendingResponder, ResponsePiece)
    case resume(PendingResponder)
    case verdict(PendingResponder, @Sendable () -> HeadVerdict)
    /// Connections of this address have to make room.
    case leave(IPAddress)
    /// Accept no more, finish what is in flight, then end. `handsOver`: another program accepts from the same sockets.
    case drain(handsOver: Bool)
    /// Close everything and end.
    case stop
}

/// The way into a loop from other threads: a locked list and an eventfd, written once a wake-up.
final class Mailbox: Sendable {
    private struct State {
        var messages: [LoopMessage] = []
        var isClosed = false
    }

    let wakeDescriptor: Int32
    private let state = Mutex(State())

    init() throws(ServerError) {
        wakeDescriptor = clinux_eventfd()
        guard wakeDescriptor >= 0 else { throw .system("eventfd", errno) }
    }

    deinit { Socket.close(wakeDescriptor) }

    /// False once the loop has ended.
    func post(_ message: LoopMessage) -> Bool {
        let (isTaken, wakes) = state.withLock { state in
            if state.isClosed { return (false, false) }
            state.messages.append(message)
            return (true, state.messages.count == 1)
        }
        if wakes && !WakeBatch.takes(self) { wake() }
        return isTaken
    }

    func wake() {
        var one: UInt64 = 1
        _ = Socket.retrying { write(wakeDescriptor, &one, 8) }
    }

    /// Everything posted so far, into an empty list whose storage is used again. On the loop.
    func take(into messages: inout [LoopMessage]) {
        var count: UInt64 = 0
        _ = Socket.retrying { read(wakeDescriptor, &count, 8) }
        state.withLock { swap(&$0.messages, &messages) }
    }

    /// Takes no more; what was left over comes back.
    func close() -> [LoopMessage] {
        state.withLock { state in
            state.isClosed = true
            defer { state.messages = [] }
            return state.messages
        }
    }
}
