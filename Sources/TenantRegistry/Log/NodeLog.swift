package import Cryptography
import Glibc
import Synchronization

/// The log of a node: the commits of all its tenants, one behind the other, in segments of a folder (B1).
///
/// Invariant: what is told to be durable is on the disk with all that was appended before it, and stays part of the log
/// until every file it concerns has it (`setMark`). An LSN, the offset of a record's end in the stream of all frames,
/// is never given out twice: after a failure the log goes on behind the LSNs that became void.
///
/// Any thread. Sync threads (`log-sync-N`) write and publish, one thread (`log-keeper`) makes and removes segments and
/// opens the log again after a failure.
///
/// `@unchecked Sendable`: `state` and `idle` are touched under `mutex` only; the rest does not change, or is atomic.
package final class NodeLog: @unchecked Sendable {
    package let folder: String
    package let settings: LogSettings
    let disk: any LogDisk
    let clock: any WallClock
    /// Runs the calls of one publication; the gateway has its loops woken once for all of them.
    let aroundCalls: @Sendable (() -> Void) -> Void

    let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    var state: LogState
    /// Sync threads that wait for frames; the last one is woken first.
    var idle: [LogSyncThread] = []
    var isLed = false
    /// For the keeper, for appends that wait for room, and for whoever closes the log.
    let keeperWoken: LogCondition
    let roomMade: LogCondition
    let settled: LogCondition

    var threadsEnded = 0
    /// Under `mutex` as well.
    var hooks = LogHooks()

    let durableNow: Atomic<UInt64>
    let endNow: Atomic<UInt64>
    let roomNow = Atomic<UInt8>(LogRoom.open.rawValue)
    let failuresNow = Atomic<Int>(0)

    package init(
        folder: String, settings: LogSettings = LogSettings(), disk: any LogDisk = RealLogDisk(),
        clock: any WallClock = SystemClock(), random: any RandomSource = SystemRandom(),
        aroundCalls: @escaping @Sendable (() -> Void) -> Void = { $0() },
        holds: [String: @Sendable (UInt64) -> Bool] = [:]
    ) throws {
        self.folder = folder
        self.settings = settings
        self.disk = disk
        self.clock = clock
        self.aroundCalls = aroundCalls
        pthread_mutex_init(mutex, nil)
        (keeperWoken, roomMade, settled) = (LogCondition(), LogCondition(), LogCondition())
        state = try LogStart(folder: folder, settings: settings, disk: disk, clock: clock).run(random)
        durableNow = Atomic(state.durable)
        endNow = Atomic(state.end)
        hooks.holds = holds
        for number in 0..<settings.syncsInFlight {
            let thread = LogSyncThread(disk, folder)
            startThread("log-sync-\(number)") { [self] in run(thread) }
        }
        startThread("log-keeper") { [self] in keep() }
    }

    /// Ends the log. `clean`: what was appended becomes durable first, and the log says that it was closed; else what
    /// no sync has taken yet is dropped, as a kill would. A second call does nothing.
    package func close(clean: Bool) {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        guard !state.isClosing else { return }
        state.isClosing = true
        if clean { flush() }
        if clean && state.phase == .open { sayClosed() }
        state.phase = .closed
        judgeRoom()
        if !clean { state.chunks = [] }
        for thread in idle { thread.wake() }
        keeperWoken.wake()
        roomMade.wakeAll()
        while threadsEnded < settings.syncsInFlight + 1 { settled.wait(mutex) }
        state.isOver = true
        callListeners()
    }

    /// Waits until what was appended is durable, or the log has failed.
    private func flush() {
        while state.phase == .open && state.durable < state.end { settled.wait(mutex) }
    }

    private func sayClosed() {
        state.put(UnsafeRawBufferPointer(start: nil, count: 0), SHA256.hash([]), kind: .closed)
        endNow.store(state.end, ordering: .releasing)
    }

    deinit {
        pthread_mutex_destroy(mutex)
        mutex.deallocate()
    }
}
