import Glibc

/// Somebody waits for it under the log's lock. By the monotonic clock.
///
/// `@unchecked Sendable`: the condition is the kernel's to share; it is made and ended by its owner alone.
final class LogCondition: @unchecked Sendable {
    let pointer = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

    init() {
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_cond_init(pointer, &attributes)
        pthread_condattr_destroy(&attributes)
    }

    deinit {
        pthread_cond_destroy(pointer)
        pointer.deallocate()
    }

    func wait(_ mutex: UnsafeMutablePointer<pthread_mutex_t>) { pthread_cond_wait(pointer, mutex) }

    /// False once the time is over.
    func wait(_ mutex: UnsafeMutablePointer<pthread_mutex_t>, until time: timespec) -> Bool {
        var time = time
        return pthread_cond_timedwait(pointer, mutex, &time) != ETIMEDOUT
    }

    func wake() { pthread_cond_signal(pointer) }
    func wakeAll() { pthread_cond_broadcast(pointer) }

    static func time(after nanoseconds: Int) -> timespec {
        time(at: SystemMonotonicClock().nanoseconds() + UInt64(nanoseconds))
    }

    static func time(at nanoseconds: UInt64) -> timespec {
        timespec(tv_sec: Int(nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
    }
}
