import CCurl
import Foundation

/// Which descriptors have something to do: epoll, and a signal by which other threads wake the one that waits.
/// `wake` from any thread; everything else on the one.
final class Poll: Sendable {
    struct Ready {
        let socket: Int32
        let reads: Bool
        let writes: Bool
        let failed: Bool
    }

    private static let eventsMax = 64
    private let poll: Int32
    private let signal: Int32

    /// Nil where the process has no descriptor left.
    init?() {
        poll = tollgate_poll_new()
        signal = tollgate_poll_signal()
        guard poll >= 0, signal >= 0 else { return nil }
        watch(signal, reads: true, writes: false)
    }

    deinit {
        close(signal)
        close(poll)
    }

    /// Readable when something is ready: for a loop that waits for other things as well.
    var descriptor: Int32 { poll }

    func watch(_ socket: Int32, reads: Bool, writes: Bool) {
        tollgate_poll_set(poll, socket, reads ? 1 : 0, writes ? 1 : 0)
    }

    func forget(_ socket: Int32) { tollgate_poll_remove(poll, socket) }

    func wake() { eventfd_write(signal, 1) }

    func wait(milliseconds: Int32, _ body: (Ready) -> Void) {
        var sockets = [Int32](repeating: 0, count: Self.eventsMax)
        var states = [Int32](repeating: 0, count: Self.eventsMax)
        let count = tollgate_poll_wait(poll, &sockets, &states, Int32(Self.eventsMax), milliseconds)
        for index in 0..<max(0, Int(count)) {
            let (socket, state) = (sockets[index], states[index])
            if socket == signal {
                var value: eventfd_t = 0
                eventfd_read(signal, &value)
                continue
            }
            body(Ready(socket: socket, reads: state & 1 != 0, writes: state & 2 != 0, failed: state & 4 != 0))
        }
    }
}
