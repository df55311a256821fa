import CLinux
import Glibc
package import HTTPCore
import Synchronization

/// A running HTTP/1.1 server: bound sockets and one event loop a thread (G6, G7).
///
/// Everything is bound before anything is served. Calls may come from any thread, but not from a loop.
package final class Server: Sendable {
    /// The ports that were bound, in the order of the listeners; 0 for a Unix socket.
    package let ports: [UInt16]
    package let metrics: ServerMetrics
    private let loops: [EventLoop]
    private let paths: [String]
    private let threads: Mutex<[pthread_t]>
    /// Each loop adds one when it has ended.
    private let ended: Int32

    /// Binds all listeners, then serves. Throws where one cannot be bound; then nothing listens.
    package static func start(
        listeners: [Listener], handler: any RequestHandler, limits: ServerLimits = ServerLimits(), loopCount: Int,
        metrics: ServerMetrics = ServerMetrics()
    ) throws(ServerError) -> Server {
        precondition(loopCount > 0)
        // Our own sends say MSG_NOSIGNAL; libssl's cannot.
        signal(SIGPIPE, SIG_IGN)
        var sockets = [[ListeningSocket]](repeating: [], count: loopCount)
        var ports: [UInt16] = []
        let server: Server
        do {
            for listener in listeners {
                let (opened, port) = try ListeningSocket.open(listener, loops: loopCount)
                for (index, socket) in opened.enumerated() { sockets[index % loopCount].append(socket) }
                ports.append(port)
            }
            let bounds = ConnectionBounds(limits: limits)
            var loops: [EventLoop] = []
            for owned in sockets {
                loops.append(
                    try EventLoop(listeners: owned, handler: handler, limits: limits, bounds: bounds, metrics: metrics))
            }
            for loop in loops { loop.neighbours = loops.filter { $0 !== loop }.map(\.mailbox) }
            server = try Server(ports: ports, metrics: metrics, loops: loops, paths: listeners.compactMap(\.path))
        } catch {
            for socket in sockets.joined() { Socket.close(socket.fd) }
            throw error
        }
        // The C library reads the time zone's file on its first look at the calendar: here, not on a loop.
        tzset()
        try server.startThreads()
        return server
    }

    private init(ports: [UInt16], metrics: ServerMetrics, loops: [EventLoop], paths: [String]) throws(ServerError) {
        self.ports = ports
        self.metrics = metrics
        self.loops = loops
        self.paths = paths
        threads = Mutex([])
        ended = clinux_eventfd()
        guard ended >= 0 else { throw .system("eventfd", errno) }
    }

    deinit { Socket.close(ended) }

    /// The listening TCP sockets once more, each by a descriptor of its own that children do not inherit: while one is
    /// open its queue takes connections. Call before `drain`.
    package func listeningDescriptors() -> [Int32] {
        loops.flatMap(\.tcpListeners).compactMap { fd in
            let copy = fcntl(fd, F_DUPFD_CLOEXEC, 0)
            return copy >= 0 ? copy : nil
        }
    }

    /// Stops accepting at once, closes idle connections, answers what is in flight with `Connection: close`, and
    /// returns when all loops have ended: at the latest after so many milliseconds, when what is left is cut off.
    /// `handsOver`: another program accepts from the same sockets, now or soon; connections that are kept get a second
    /// for another request then. Blocks.
    package func drain(withinMilliseconds: Int, handsOver: Bool = false) {
        let running = threads.withLock { threads in
            defer { threads = [] }
            return threads
        }
        if running.isEmpty { return }
        for path in paths { unlink(path) }
        for loop in loops { _ = loop.mailbox.post(.drain(handsOver: handsOver)) }
        if !waitForEnd(of: running.count, milliseconds: withinMilliseconds) {
            for loop in loops { _ = loop.mailbox.post(.stop) }
        }
        for thread in running { pthread_join(thread, nil) }
    }

    /// Cuts everything off. Blocks until the loops have ended.
    package func stop() { drain(withinMilliseconds: 0) }

    private func waitForEnd(of count: Int, milliseconds: Int) -> Bool {
        let deadline = Clock.nanoseconds() + UInt64(milliseconds) * 1_000_000
        var seen: UInt64 = 0
        while true {
            var value: UInt64 = 0
            if Socket.retrying({ read(ended, &value, 8) }) == 8 { seen += value }
            if seen >= UInt64(count) { return true }
            let now = Clock.nanoseconds()
            guard now < deadline else { return false }
            var waiting = pollfd(fd: ended, events: Int16(POLLIN), revents: 0)
            _ = poll(&waiting, 1, Int32(min((deadline - now) / 1_000_000 + 1, 1_000_000)))
        }
    }

    private func startThreads() throws(ServerError) {
        for (number, loop) in loops.enumerated() {
            let start = Unmanaged.passRetained(LoopThread(loop: loop, name: "loop-\(number)", ended: ended))
            var thread = pthread_t()
            let code = pthread_create(
                &thread, nil,
                { argument in
                    guard let argument else { return nil }
                    Unmanaged<LoopThread>.fromOpaque(argument).takeRetainedValue().run()
                    return nil
                }, start.toOpaque())
            guard code == 0 else {
                start.release()
                stop()
                for idle in loops { idle.closeListeners() }
                throw .system("pthread_create", code)
            }
            threads.withLock { $0.append(thread) }
        }
    }
}

/// A loop's events take microseconds: none waits until a lane's work has had its milliseconds.
private let sliceNanoseconds: UInt32 = 100_000

/// What a loop's thread is given.
private final class LoopThread {
    private let loop: EventLoop
    private let name: String
    private let ended: Int32

    init(loop: EventLoop, name: String, ended: Int32) {
        self.loop = loop
        self.name = name
        self.ended = ended
    }

    func run() {
        clinux_name_this_thread(name)
        clinux_ask_for_slices(sliceNanoseconds)
        loop.run()
        var one: UInt64 = 1
        _ = Socket.retrying { write(ended, &one, 8) }
    }
}

extension Listener {
    var path: String? {
        if case .unix(let path) = place { path } else { nil }
    }
}
