import Dispatch
import Glibc
import Synchronization
import TenantRegistry

/// Signals of `serve`, taken one by one by a thread that waits for them, so that no handler ever interrupts anything.
///
/// SIGTERM and SIGINT end the gateway: before it runs at once, then by a drain, a second one at once. SIGHUP reloads.
/// SIGUSR2 asks for the gateway's place for the program that an upgrade has put where this one was.
final class SignalThread: Sendable {
    private enum Stage {
        case starting
        case running(reload: @Sendable () -> Void)
        /// Until `goOn`, or for ever: another program is looked at, and then takes over.
        case givingPlace(reload: @Sendable () -> Void)
        case ending
    }

    enum Wish {
        case end
        case givePlace
    }

    private let stage = Mutex(Stage.starting)
    private let end = DispatchSemaphore(value: 0)

    /// Call before any other thread is made: threads inherit the mask.
    init() {
        let waited = [SIGTERM, SIGINT, SIGHUP, SIGUSR2]
        var set = sigset_t()
        sigemptyset(&set)
        for number in waited {
            // An inherited "ignore", as shells give to background jobs, would keep the signal from ever being waited
            // for.
            signal(number, SIG_DFL)
            sigaddset(&set, number)
        }
        // Set, not added to: what a parent had blocked must not stay blocked.
        pthread_sigmask(SIG_SETMASK, &set, nil)
        let mask = set
        startThread("signals") { [self] in
            var mask = mask
            while true {
                var number: Int32 = 0
                if sigwait(&mask, &number) == 0 { take(number) }
            }
        }
    }

    /// From now on a signal drains, and SIGHUP calls `reload` (on the signals' thread).
    func serve(reload: @escaping @Sendable () -> Void) {
        stage.withLock { $0 = .running(reload: reload) }
    }

    /// Blocks until the gateway is to end, or to give its place to another program.
    func waitForWish() -> Wish {
        end.wait()
        return mayGivePlace ? .givePlace : .end
    }

    /// No longer where it was told to end in the meantime.
    var mayGivePlace: Bool { stage.withLock { if case .givingPlace = $0 { true } else { false } } }

    /// The gateway keeps its place.
    func goOn() {
        stage.withLock { stage in
            if case .givingPlace(let reload) = stage { stage = .running(reload: reload) } else { end.signal() }
        }
    }

    private func take(_ number: Int32) {
        var reload: (@Sendable () -> Void)?
        stage.withLock { stage in
            switch (stage, number) {
            case (.running(let action), SIGHUP), (.givingPlace(let action), SIGHUP): reload = action
            case (.running(let action), SIGUSR2):
                stage = .givingPlace(reload: action)
                end.signal()
            case (_, SIGHUP), (_, SIGUSR2): break
            case (.running, _):
                stage = .ending
                end.signal()
            case (.givingPlace, _): stage = .ending
            // Nothing was acknowledged yet; what lies half-made on the disk is cleared at the next start.
            case (.starting, _): _exit(ServeCommand.endCode)
            case (.ending, _): _exit(128 + number)
            }
        }
        reload?()
    }
}
