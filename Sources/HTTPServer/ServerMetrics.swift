package import Synchronization

/// Counters of the engine for `/metrics` (G7). Loops count for themselves and add here once a wake-up; any thread
/// may read.
package final class ServerMetrics: Sendable {
    package let connectionsAccepted = Atomic<Int>(0)
    package let connectionsOpen = Atomic<Int>(0)
    package let refusedTotalBound = Atomic<Int>(0)
    package let refusedAddressBound = Atomic<Int>(0)
    package let refusedDescriptors = Atomic<Int>(0)
    package let refusedHandshake = Atomic<Int>(0)
    package let refusedFraming = Atomic<Int>(0)
    package let refusedBodyTooLarge = Atomic<Int>(0)
    package let refusedBodyRoom = Atomic<Int>(0)
    /// Idle, or sending for long, and in the way of newcomers.
    package let evicted = Atomic<Int>(0)
    package let refusedHeadDeadline = Atomic<Int>(0)
    package let refusedBodyDeadline = Atomic<Int>(0)
    package let refusedAnswerDeadline = Atomic<Int>(0)
    package let requests = Atomic<Int>(0)
    package let bytesIn = Atomic<Int>(0)
    package let bytesOut = Atomic<Int>(0)
    /// Open connections by what they are doing, as each loop last counted them: at most half a second ago.
    private let states: [StateGauge] = ConnectionState.allCases.map { _ in StateGauge() }

    private final class StateGauge: Sendable { let value = Atomic<Int>(0) }

    package init() {}

    package func connections(in state: ConnectionState) -> Int {
        states[state.rawValue].value.load(ordering: .relaxed)
    }

    /// What a loop counts now in place of what it counted before; each indexed by `ConnectionState`.
    func replace(_ before: [Int], with now: [Int]) {
        for (index, gauge) in states.enumerated() where now[index] != before[index] {
            gauge.value.wrappingAdd(now[index] - before[index], ordering: .relaxed)
        }
    }

    func add(_ counts: inout LoopCounts) {
        func move(_ count: inout Int, _ total: borrowing Atomic<Int>) {
            if count != 0 { total.wrappingAdd(count, ordering: .relaxed) }
            count = 0
        }
        move(&counts.accepted, connectionsAccepted)
        move(&counts.opened, connectionsOpen)
        move(&counts.refusedTotalBound, refusedTotalBound)
        move(&counts.refusedAddressBound, refusedAddressBound)
        move(&counts.refusedDescriptors, refusedDescriptors)
        move(&counts.refusedHandshake, refusedHandshake)
        move(&counts.refusedFraming, refusedFraming)
        move(&counts.refusedBodyTooLarge, refusedBodyTooLarge)
        move(&counts.refusedBodyRoom, refusedBodyRoom)
        move(&counts.evicted, evicted)
        move(&counts.refusedHeadDeadline, refusedHeadDeadline)
        move(&counts.refusedBodyDeadline, refusedBodyDeadline)
        move(&counts.refusedAnswerDeadline, refusedAnswerDeadline)
        move(&counts.requests, requests)
        move(&counts.bytesIn, bytesIn)
        move(&counts.bytesOut, bytesOut)
    }
}

/// What a connection is doing, as an operator sees it.
package enum ConnectionState: Int, Sendable, CaseIterable {
    case handshake
    /// Between requests, or before the first.
    case idle
    case head
    case body
    /// Its request is with a handler, or its answer is being made.
    case answering
    /// An answer waits for the client to take it.
    case sending
    /// Answered for the last time; what the client still sends is thrown away.
    case closing

    package var name: String { String(describing: self) }
}

/// One loop's share since its last wake-up.
struct LoopCounts {
    var accepted = 0
    /// Opened less closed.
    var opened = 0
    var refusedTotalBound = 0
    var refusedAddressBound = 0
    var refusedDescriptors = 0
    var refusedHandshake = 0
    var refusedFraming = 0
    var refusedBodyTooLarge = 0
    var refusedBodyRoom = 0
    var evicted = 0
    var refusedHeadDeadline = 0
    var refusedBodyDeadline = 0
    var refusedAnswerDeadline = 0
    var requests = 0
    var bytesIn = 0
    var bytesOut = 0
}
