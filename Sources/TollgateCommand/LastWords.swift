import Glibc
import Synchronization
import TenantRegistry

/// What is said, and what goes, where Ctrl-C, SIGTERM or the end of its terminal ends a command. A thread waits for
/// them, so that no handler interrupts anything; then the signal does what it does by itself.
final class LastWords: Sendable {
    private struct State {
        var words: String?
        /// What nobody else would remove.
        var leaving: (@Sendable () -> Void)?
    }

    private let state: Mutex<State>

    /// Call before any other thread is made: threads inherit the mask. `leaving` runs on the thread that waits, while
    /// the command's own may still be at its work.
    init(leaving: (@Sendable () -> Void)? = nil) {
        state = Mutex(State(leaving: leaving))
        var set = sigset_t()
        sigemptyset(&set)
        // A script that starts a command with `&` has it ignore Ctrl-C: that stays so.
        let numbers = [SIGINT, SIGTERM, SIGHUP, SIGQUIT].filter { !Self.isIgnored($0) }
        if numbers.isEmpty { return }
        for number in numbers { sigaddset(&set, number) }
        pthread_sigmask(SIG_BLOCK, &set, nil)
        let mask = set
        startThread("last words") { [self] in
            var mask = mask
            var number: Int32 = 0
            while sigwait(&mask, &number) != 0 {}
            // Held to the end: whoever would go on to `end` waits, and says nothing of what was taken from it.
            state.withLock { state in
                state.leaving?()
                if let text = state.words { Output.errorLine(text) }
                signal(number, SIG_DFL)
                pthread_sigmask(SIG_UNBLOCK, &mask, nil)
                raise(number)
            }
        }
    }

    private static func isIgnored(_ number: Int32) -> Bool {
        var action = sigaction()
        guard sigaction(number, nil, &action) == 0 else { return false }
        let handler = unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self)
        return handler == unsafeBitCast(SIG_IGN, to: Int.self)
    }

    /// Nil: nothing is said.
    func change(to text: String?) { state.withLock { $0.words = text } }

    /// The command removes by itself what there is.
    func end() { state.withLock { $0 = State() } }
}
