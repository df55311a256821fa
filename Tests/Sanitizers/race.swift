// Shows that the sanitizer still finds a race with mutex.c preloaded, and none where there is none: four threads count
// under a contended Mutex; with an argument also without it.
import Glibc
import Synchronization

final class Counters: @unchecked Sendable {
    // `guarded` is touched under `mutex` only; `bare` is the race on purpose.
    let mutex = Mutex(0)
    var guarded = 0
    var bare = 0
}

let counters = Counters()
let isRacing = CommandLine.arguments.count > 1
let rounds = 20_000

func count() {
    for _ in 0..<rounds {
        counters.mutex.withLock { own in
            own += 1
            counters.guarded += 1
        }
        if isRacing { counters.bare += 1 }
    }
}

let threads = (0..<4).map { _ in
    var thread = pthread_t()
    pthread_create(
        &thread, nil,
        { _ in
            count(); return nil
        }, nil)
    return thread
}
for thread in threads { pthread_join(thread, nil) }
exit(counters.mutex.withLock { $0 } == counters.guarded ? 0 : 1)
