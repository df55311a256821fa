import Foundation
import RateLimiter
import Synchronization
import Testing

let second: UInt64 = 1_000_000_000

func policy(_ requests: Int, _ windowSeconds: Int, _ burst: Int) throws -> Policy {
    try #require(Policy(requests: requests, windowSeconds: windowSeconds, burst: burst))
}

/// Runs `body` on this many threads, released together; returns when all have ended.
func onThreads(_ count: Int, _ body: @escaping @Sendable (_ thread: Int) -> Void) {
    let gate = Gate()
    let group = DispatchGroup()
    let arrived = Counter()
    for index in 0..<count {
        group.enter()
        let thread = Thread {
            arrived.add(1)
            gate.wait()
            body(index)
            group.leave()
        }
        thread.stackSize = 1 << 18
        thread.start()
    }
    gate.open(after: count, arrived)
    group.wait()
}

/// A count that many threads add to.
final class Counter: Sendable {
    private let count = Atomic<Int>(0)

    func add(_ more: Int) { count.add(more, ordering: .relaxed) }
    var value: Int { count.load(ordering: .acquiring) }
}

/// Holds threads until all are there.
private final class Gate: Sendable {
    private let isOpen = Atomic<Bool>(false)

    func wait() { while !isOpen.load(ordering: .acquiring) { sched_yield() } }

    func open(after count: Int, _ arrived: Counter) {
        while arrived.value < count { sched_yield() }
        isOpen.store(true, ordering: .releasing)
    }
}
