import CCurl
import Foundation
import HTTPCore
import Synchronization

/// Calls to the other nodes of a cluster, many at once on one thread of its own, over connections that are kept.
/// Bodies of requests and answers go through in pieces, each asked for by who takes it, so that none is held whole.
///
/// Invariant: each call that `send` was given is answered or failed once. Nothing is sent twice by itself: whether a
/// call may be repeated is its caller's to judge, by `PeerFailure`.
///
/// `@unchecked Sendable`: `inbox` is behind its lock, everything else is the thread's own.
package final class PeerClient: @unchecked Sendable {
    /// Connections to one node, and how many of them one group's calls take.
    package static let connectionsMax = 128
    package static let groupConnectionsMax = 64
    /// Calls that wait for a connection to one node.
    package static let waitingMax = 2_048
    package static let groupWaitingMax = 512
    static let waitMilliseconds: UInt64 = 5_000
    static let connectMilliseconds: UInt64 = 1_000
    /// A server of ours keeps connections longer, so that it is not the one that ends them.
    static let idleMilliseconds: UInt64 = 20_000
    /// A call that nothing comes of is asked about so often.
    static let quietMilliseconds: UInt64 = 500
    static let sweepMilliseconds: UInt64 = 100
    /// An answer with so long a body is given whole.
    static let wholeBytesMax = 64 * 1024
    static let receiveBytes = 64 * 1024

    enum Message: Sendable {
        case send(PeerExchange)
        case piece(PeerExchange, [UInt8], @Sendable () -> Void)
        case bodyEnd(PeerExchange)
        case pull(PeerExchange, @Sendable (ResponsePiece) -> Void)
        case cancel(PeerExchange)
        case later(UInt64, @Sendable () -> Void)
        case found(PeerAddress, [PeerSocketAddress])
    }

    private struct Inbox {
        var messages: [Message] = []
        var isClosed = false
    }

    /// What is known of one node's address.
    struct Place {
        var idle: [PeerConnection] = []
        var connections = 0
        var waiting: [PeerExchange] = []
        var runningByGroup: [UInt128: Int] = [:]
        var waitingByGroup: [UInt128: Int] = [:]
        var found: [PeerSocketAddress] = []
        var foundAt: UInt64 = 0
        var isLooking = false
        /// The host is an address, and stays where it is.
        var isLiteral = false
    }

    private let inbox = Mutex(Inbox())
    let poll: Poll
    private let ended = DispatchSemaphore(value: 0)
    /// Where a name's hosts are; may take seconds.
    let find: @Sendable (PeerAddress) -> [PeerSocketAddress]
    var places: [PeerAddress: Place] = [:]
    var connections: [Int32: PeerConnection] = [:]
    private var timers: [(at: UInt64, run: @Sendable () -> Void)] = []
    private var nextSweepAt: UInt64 = 0
    var now: UInt64 = 0
    let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: receiveBytes, alignment: 16)

    /// Throws where the process has no descriptor left.
    package convenience init() throws(HTTPClientError) { try self.init(find: { PeerSocketAddress.find($0) }) }

    init(find: @escaping @Sendable (PeerAddress) -> [PeerSocketAddress]) throws(HTTPClientError) {
        guard let poll = Poll() else { throw .broken("there is no descriptor left") }
        (self.poll, self.find) = (poll, find)
        now = Self.milliseconds()
        let thread = Thread { [self] in
            run()
            ended.signal()
        }
        thread.name = "peers"
        thread.start()
    }

    deinit { scratch.deallocate() }

    static func milliseconds() -> UInt64 { UInt64(WebhookCaller.monotonic()) }

    // MARK: Any thread

    package func send(_ request: PeerRequest, for caller: any PeerCaller) -> PeerExchange {
        let exchange = PeerExchange(request, for: caller, of: self, at: Self.milliseconds())
        post(.send(exchange))
        return exchange
    }

    /// Runs on the client's thread, not before that time; must not block. Not at all once it is closed.
    package func after(milliseconds: UInt64, _ run: @escaping @Sendable () -> Void) {
        post(.later(Self.milliseconds() + milliseconds, run))
    }

    /// Ends the thread; what still runs is lost. Blocks until it has ended.
    package func close() {
        let isFirst = inbox.withLock { inbox in
            defer { inbox.isClosed = true }
            return !inbox.isClosed
        }
        guard isFirst else { return }
        poll.wake()
        ended.wait()
    }

    func post(_ message: Message) {
        let (isTaken, wakes) = inbox.withLock { inbox in
            if inbox.isClosed { return (false, false) }
            inbox.messages.append(message)
            return (true, inbox.messages.count == 1)
        }
        if wakes { poll.wake() }
        if !isTaken { discard(message) }
    }

    /// The client has ended.
    private func discard(_ message: Message) {
        switch message {
        case .send(let exchange): exchange.caller.failed(.notSent)
        case .piece(_, _, let taken): taken()
        case .pull(_, let give): give(.failed)
        case .bodyEnd, .cancel, .later, .found: break
        }
    }

    // MARK: The thread

    private func run() {
        while true {
            let (messages, isClosed) = inbox.withLock { inbox in
                defer { inbox.messages = [] }
                return (inbox.messages, inbox.isClosed)
            }
            now = Self.milliseconds()
            if isClosed { return end(messages) }
            for message in messages { take(message) }
            let isIdle = connections.isEmpty && timers.isEmpty && places.allSatisfy { $0.value.waiting.isEmpty }
            let hasMore = inbox.withLock { !$0.messages.isEmpty }
            poll.wait(milliseconds: hasMore ? 0 : isIdle ? 1_000 : Int32(Self.sweepMilliseconds / 4)) { ready in
                guard let connection = connections[ready.socket] else { return }
                now = Self.milliseconds()
                turn(connection, ready)
            }
            now = Self.milliseconds()
            fire()
            if now >= nextSweepAt { sweep() }
        }
    }

    private func take(_ message: Message) {
        switch message {
        case .send(let exchange): queue(exchange)
        case .piece(let exchange, let piece, let taken): send(piece, of: exchange, taken)
        case .bodyEnd(let exchange): endBody(of: exchange)
        case .pull(let exchange, let give): pull(exchange, give)
        case .cancel(let exchange): cancel(exchange)
        case .later(let at, let run): timers.append((at, run))
        case .found(let address, let found):
            places[address]?.isLooking = false
            if !found.isEmpty {
                places[address]?.found = found
                places[address]?.foundAt = now
            }
            startNext(at: address)
            if found.isEmpty, places[address]?.found.isEmpty == true { failWaiting(at: address, .notSent) }
        }
    }

    private func fire() {
        let due = timers.filter { $0.at <= now }
        if due.isEmpty { return }
        timers.removeAll { $0.at <= now }
        for timer in due { timer.run() }
    }

    private func turn(_ connection: PeerConnection, _ ready: Poll.Ready) {
        if !connection.isConnected {
            return finishConnecting(connection)
        }
        if ready.failed, !ready.reads { return lose(connection) }
        if ready.writes { write(connection) }
        if ready.reads, connections[connection.fd] === connection { read(connection) }
    }

    private func sweep() {
        nextSweepAt = now + Self.sweepMilliseconds
        for connection in Array(connections.values) {
            if !connection.isConnected {
                if now >= connection.openedAt + Self.connectMilliseconds { connectElsewhere(connection) }
            } else if let exchange = connection.exchange {
                let isQuiet = now >= connection.movedAt + Self.quietMilliseconds
                if isQuiet, !exchange.request.isWorthWaiting() { lose(connection) }
            } else if now >= connection.movedAt + Self.idleMilliseconds {
                close(connection)
            }
        }
        for (address, place) in places {
            for exchange in place.waiting where now >= exchange.askedAt + Self.waitMilliseconds {
                unqueue(exchange)
                fail(exchange, .busy)
            }
            if place.connections == 0, place.waiting.isEmpty, !place.isLooking,
                now >= place.foundAt + Self.idleMilliseconds
            {
                places[address] = nil
            }
        }
    }

    private func end(_ messages: [Message]) {
        for connection in Array(connections.values) { lose(connection) }
        for place in places.values { for exchange in place.waiting { fail(exchange, .notSent) } }
        places = [:]
        for message in messages { discard(message) }
    }
}
