import Glibc
import Synchronization

/// The time of day, injected so that tests replay. Any thread.
package protocol WallClock: Sendable {
    func now() -> Timestamp
}

/// Time that never goes back, for limits and deadlines: nanoseconds since an arbitrary start. Any thread.
package protocol MonotonicClock: Sendable {
    func nanoseconds() -> UInt64
}

package struct SystemClock: WallClock {
    package init() {}

    package func now() -> Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(milliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
    }
}

/// Nanoseconds since the machine started.
package struct SystemMonotonicClock: MonotonicClock {
    package init() {}

    package func nanoseconds() -> UInt64 { wholeNanoseconds(of: CLOCK_MONOTONIC) }
}

/// The same, its sleep among them.
package struct BootClock: MonotonicClock {
    package init() {}

    package func nanoseconds() -> UInt64 { wholeNanoseconds(of: CLOCK_BOOTTIME) }

    /// For what goes by time that the machine slept through too. A test's clock stands for both.
    static func inPlace(of clock: any MonotonicClock) -> any MonotonicClock {
        clock is SystemMonotonicClock ? BootClock() : clock
    }
}

private func wholeNanoseconds(of clock: clockid_t) -> UInt64 {
    var time = timespec()
    clock_gettime(clock, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}

/// A wall clock that stands still until it is moved.
package final class ManualClock: WallClock {
    private let instant: Mutex<Timestamp>

    package init(_ instant: Timestamp) { self.instant = Mutex(instant) }

    package func now() -> Timestamp { instant.withLock { $0 } }

    package func set(_ new: Timestamp) { instant.withLock { $0 = new } }

    package func advance(milliseconds: Int64) {
        instant.withLock { $0 = $0.adding(milliseconds: milliseconds) }
    }

    package func advance(seconds: Int64) {
        instant.withLock { $0 = $0.adding(seconds: seconds) }
    }
}

/// A monotonic clock that stands still until it is moved forward.
package final class ManualMonotonicClock: MonotonicClock {
    private let current: Atomic<UInt64>

    package init(nanoseconds: UInt64 = 0) { current = Atomic(nanoseconds) }

    package func nanoseconds() -> UInt64 { current.load(ordering: .acquiring) }

    package func advance(nanoseconds: UInt64) {
        current.add(nanoseconds, ordering: .acquiringAndReleasing)
    }
}
