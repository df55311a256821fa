import CLinux
import Glibc
import HTTPCore
import Synchronization

/// One thread, one epoll descriptor and the connections it accepted. It parses, asks the handler and
/// writes; it never blocks but in `epoll_wait`.
///
/// `@unchecked Sendable`: everything but `mailbox` and `threadID` belongs to the loop's own thread once `run` has
/// begun; before, to the thread that starts it.
final class EventLoop: @unchecked Sendable {
    static let batchBytesMax = 64 * 1024
    static let receiveBytesMax = 64 * 1024
    static let acceptsPerWakeMax = 64
    /// Reads or pulled pieces of one connection in a row, before the others get their turn.
    static let stepsPerTurnMax = 16
    /// Requests of one connection in a row: a read may hold a thousand that are refused, each of which is work.
    static let requestsPerTurnMax = 32

    static let wakeToken = UInt64.max
    static let listenerTokens = UInt64.max - 1024

    let handler: any RequestHandler
    let limits: ServerLimits
    let bounds: ConnectionBounds
    let metrics: ServerMetrics
    let mailbox: Mailbox
    private let threadID = Atomic<UInt>(0)
    /// The ways into the server's other loops; set before any of them runs.
    var neighbours: [Mailbox] = []

    let poller: Poller
    var listeners: [ListeningSocket]
    /// Those of TCP; they are open until a drain.
    let tcpListeners: [Int32]
    var acceptIsPaused = false
    /// Given up for a moment to turn a client away when descriptors have run out.
    var spareDescriptor: Int32 = -1

    var connections: [Connection?] = []
    /// By slot, apart from the connections so that a sweep reads one array: nanoseconds, `.max` for none.
    var deadlines: ContiguousArray<UInt64> = []
    var freeSlots: [Int] = []
    var generation: UInt32 = 0
    var openCount = 0

    var now: UInt64 = Clock.nanoseconds()
    var nextSweepAt: UInt64 = 0
    var date = DateField()
    var counts = LoopCounts()
    /// What this loop last told the metrics, by `ConnectionState`.
    var states = [Int](repeating: 0, count: ConnectionState.allCases.count)

    /// The connection being worked on; `batch` and `batchAnswers` are its alone.
    var processing: Connection?
    let batch = OutputBuffer()
    var batchAnswers: [SentAnswer] = []
    let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: receiveBytesMax, alignment: 16)

    /// Connections that used up their turn, each once.
    var again: [Connection] = []
    /// What `served` of the connection being worked on may come to in this turn.
    var servedMax = 0
    /// Messages from this thread about other connections than the one being worked on.
    private var local: [LoopMessage] = []
    private var taken: [LoopMessage] = []
    var isDraining = false
    /// Since when kept connections may ask once more, where others take the sockets over; else 0.
    var drainedAt: UInt64 = 0
    private var isStopped = false

    init(
        listeners: [ListeningSocket], handler: any RequestHandler, limits: ServerLimits, bounds: ConnectionBounds,
        metrics: ServerMetrics
    ) throws(ServerError) {
        self.handler = handler
        self.limits = limits
        self.bounds = bounds
        self.metrics = metrics
        self.listeners = listeners
        tcpListeners = listeners.filter { !$0.isUnix }.map(\.fd)
        mailbox = try Mailbox()
        poller = try Poller()
    }

    deinit {
        scratch.deallocate()
        if spareDescriptor >= 0 { Socket.close(spareDescriptor) }
    }

    /// Serves until `.drain` is done or `.stop` comes. Called once, on the loop's thread.
    func run() {
        threadID.store(Self.currentThreadID, ordering: .relaxed)
        openSpareDescriptor()
        _ = poller.watchReadable(mailbox.wakeDescriptor, token: Self.wakeToken)
        watchListeners()
        while !isStopped, !(isDraining && openCount == 0) {
            turn()
        }
        end()
    }

    private func turn() {
        let count = poller.wait(milliseconds: waitMilliseconds)
        now = Clock.nanoseconds()
        date.update(unixSeconds: Clock.unixSeconds())
        for index in 0..<count {
            let (flags, token) = poller.event(index)
            dispatch(flags, token)
        }
        if !again.isEmpty {
            let turns = again
            again.removeAll(keepingCapacity: true)
            for connection in turns {
                connection.waitsForTurn = false
                if connection.phase != .closed { work(on: connection) }
            }
        }
        deliverLocal()
        if now >= nextSweepAt {
            sweep()
            if acceptIsPaused { watchListeners() }
            deliverLocal()
        }
        metrics.add(&counts)
    }

    private var waitMilliseconds: Int32 {
        if !again.isEmpty || !local.isEmpty { return 0 }
        // Without connections there is nothing to sweep, once the metrics know it.
        return openCount == 0 && !acceptIsPaused && states.allSatisfy({ $0 == 0 })
            ? -1 : Int32(limits.sweepMilliseconds)
    }

    private func dispatch(_ flags: PollFlags, _ token: UInt64) {
        if token == Self.wakeToken {
            mailbox.take(into: &taken)
            for message in taken { deliver(message) }
            taken.removeAll(keepingCapacity: true)
        } else if token >= Self.listenerTokens {
            accept(from: Int(token - Self.listenerTokens))
        } else if let connection = connection(token) {
            if !flags.isDisjoint(with: .gone) { return close(connection) }
            // TLS may want to write in order to read and the reverse.
            let isBoth = connection.tls != nil
            if isBoth || !flags.isDisjoint(with: [.readable, .halfClosed]) { connection.isReadable = true }
            if isBoth || flags.contains(.writable) { connection.isWritable = true }
            if flags.contains(.halfClosed) { connection.peerFinishedSending = true }
            // Whatever comes meanwhile, it has one turn in each round.
            if !connection.waitsForTurn { work(on: connection) }
        }
    }

    /// Nil for a connection that an earlier event of the same wake-up has ended.
    private func connection(_ token: UInt64) -> Connection? {
        guard let connection = connections[Int(token & 0xFFFF_FFFF)], connection.token == token else { return nil }
        return connection
    }

    // MARK: - Messages

    /// From any thread. On the loop's own thread it takes effect at once, or as soon as the handler has returned.
    func submit(_ message: LoopMessage) {
        guard threadID.load(ordering: .relaxed) == Self.currentThreadID else {
            if !mailbox.post(message) { discard(message) }
            return
        }
        guard let processing else { return deliver(message) }
        switch message {
        case .answer(let responder, let response) where processing.responder === responder:
            processing.stashedAnswer = response
        case .piece(let responder, let piece) where processing.responder === responder:
            processing.stashedPiece = piece
        case .resume(let responder) where processing.responder === responder:
            processing.stashedResume = true
        case .verdict(let responder, let verdict) where processing.responder === responder:
            processing.stashedVerdict = verdict
        default:
            local.append(message)
        }
    }

    private func deliverLocal() {
        while !local.isEmpty {
            let messages = local
            local.removeAll(keepingCapacity: true)
            for message in messages { deliver(message) }
        }
    }

    private func deliver(_ message: LoopMessage) {
        switch message {
        case .answer(let responder, let response):
            guard let connection = waiting(responder) else { return discard(message) }
            work(on: connection) { self.respond(connection, response) }
        case .piece(let responder, let piece):
            guard let connection = waiting(responder), connection.outflow?.awaitsPiece == true else { return }
            work(on: connection) { self.take(piece, for: connection) }
        case .resume(let responder):
            guard let connection = waiting(responder), connection.intake?.awaitsResume == true else { return }
            work(on: connection) { self.resumeIntake(connection) }
        case .verdict(let responder, let verdict):
            guard let connection = waiting(responder) else { return }
            work(on: connection) { self.decide(connection, verdict()) }
        case .leave(let address): leave(of: address)
        case .drain(let handsOver):
            drain(handsOver: handsOver)
        case .stop:
            isStopped = true
        }
    }

    private func waiting(_ responder: PendingResponder) -> Connection? {
        guard let connection = connections[responder.slot], connection.responder === responder else { return nil }
        return connection
    }

    /// The client has gone, or the loop has.
    private func discard(_ message: LoopMessage) {
        guard case .answer(let responder, let response) = message else { return }
        if case .stream(let stream, _) = response.body { stream.cancel() }
        report(SentAnswer(request: responder.request, status: response.status, bodyBytes: 0), to: responder.peer)
    }

    private func end() {
        closeListeners()
        for connection in connections { if let connection { close(connection) } }
        for message in mailbox.close() + local { discard(message) }
        local = []
        countStates()
        metrics.add(&counts)
    }

    static var currentThreadID: UInt { UInt(pthread_self()) }
}
