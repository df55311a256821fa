package import Synchronization

/// Counters of the engine for `/metrics` (CONTRACT G7). Loops count for themselves and add here once a wake-up; any thread
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
    package let refusedDeadline = Atomic<Int>(0)
    package let requests = Atomic<Int>(0)
    package let bytesIn = Atomic<Int>(0)
    package let bytesOut = Atomic<Int>(0)

    package init() {}

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
        move(&counts.refusedDeadline, refusedDeadline)
        move(&counts.requests, requests)
        move(&counts.bytesIn, bytesIn)
        move(&counts.bytesOut, bytesOut)
    }
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
    var refusedDeadline = 0
    var requests = 0
    var bytesIn = 0
    var bytesOut = 0
}
