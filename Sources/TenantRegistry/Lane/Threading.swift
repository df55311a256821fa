import Foundation
import Glibc
import Synchronization

/// Starts a named thread that lives until its body returns.
package func startThread(_ name: String, _ body: @escaping @Sendable () -> Void) {
    let thread = Thread {
        // Foundation tells the kernel the name of a thread that runs, not of one that is yet to start.
        Thread.current.name = name
        body()
    }
    thread.stackSize = threadStackBytes
    thread.start()
}

/// Lets a clock thread wait; nothing that a request waits for calls it.
package func pause(milliseconds: Int) { usleep(UInt32(milliseconds) * 1_000) }

/// SQLite's parser and our own code need far less; the default of 8 MiB a thread would only cost address space.
let threadStackBytes = 1 << 20

/// A queue whose takers wait. Unbounded by itself: each lane is in it at most once, so it is as long as there are
/// lanes.
///
/// The taker that began to wait last is woken first: what it needs is still in its core's caches and in its share of
/// the heap.
///
/// `@unchecked Sendable`: `items`, `waiting` and `isClosed` are touched under `mutex` only.
final class WaitingQueue<Element: Sendable>: @unchecked Sendable {
    /// One taker that waits.
    private final class Taker {
        let woken = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

        init() { pthread_cond_init(woken, nil) }

        deinit {
            pthread_cond_destroy(woken)
            woken.deallocate()
        }
    }

    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private var items = Deque<Element>()
    private var waiting: [Taker] = []
    private var isClosed = false

    init() { pthread_mutex_init(mutex, nil) }

    deinit {
        pthread_mutex_destroy(mutex)
        mutex.deallocate()
    }

    func put(_ element: Element, isFirst: Bool = false) {
        pthread_mutex_lock(mutex)
        if isFirst { items.prepend(element) } else { items.append(element) }
        let taker = waiting.popLast()
        pthread_mutex_unlock(mutex)
        if let taker { pthread_cond_signal(taker.woken) }
    }

    /// Waits for the next element; nil once the queue is closed and empty.
    func take() -> Element? { take(puttingBack: nil) }

    /// Puts an element at the end and takes the first, perhaps the same: a taker in place of another need not be woken.
    func exchange(_ element: Element) -> Element? { take(puttingBack: element) }

    private func take(puttingBack element: Element?) -> Element? {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        if let element { items.append(element) }
        while items.isEmpty {
            if isClosed { return nil }
            let taker = Taker()
            waiting.append(taker)
            // Whoever wakes it takes it off the list; one that wakes for no reason leaves by itself.
            pthread_cond_wait(taker.woken, mutex)
            waiting.removeAll { $0 === taker }
        }
        return items.popFirst()
    }

    func close() {
        pthread_mutex_lock(mutex)
        isClosed = true
        let all = waiting
        pthread_mutex_unlock(mutex)
        for taker in all { pthread_cond_signal(taker.woken) }
    }

    var count: Int {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return items.count
    }
}

/// A first-in, first-out list in a ring that grows by doubling; one that holds nothing yet takes no memory.
package struct Deque<Element> {
    private static var placesLeast: Int { 8 }

    private var ring: [Element?] = []
    private var head = 0
    package private(set) var count = 0

    package init() {}

    package var isEmpty: Bool { count == 0 }
    package var first: Element? { count == 0 ? nil : ring[head] }

    package mutating func append(_ element: Element) {
        if count == ring.count { grow() }
        ring[(head + count) & (ring.count - 1)] = element
        count += 1
    }

    /// Changes an element in its place, counted from the first.
    mutating func update(_ place: Int, _ change: (inout Element) -> Void) {
        let index = (head + place) & (ring.count - 1)
        guard place < count, var element = ring[index] else { return }
        change(&element)
        ring[index] = element
    }

    package mutating func prepend(_ element: Element) {
        if count == ring.count { grow() }
        head = (head - 1) & (ring.count - 1)
        ring[head] = element
        count += 1
    }

    package mutating func popFirst() -> Element? {
        guard count > 0 else { return nil }
        let element = ring[head]
        ring[head] = nil
        head = (head + 1) & (ring.count - 1)
        count -= 1
        return element
    }

    private mutating func grow() {
        var larger = [Element?](repeating: nil, count: max(Self.placesLeast, ring.count * 2))
        for index in 0..<count { larger[index] = ring[(head + index) & (ring.count - 1)] }
        ring = larger
        head = 0
    }
}
