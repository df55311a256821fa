import Foundation

/// Says again and again that something is waited for, until it is there. A thread of its own runs it.
final class WaitNotice: Sendable {
    private static let firstSeconds = 1
    private static let againSeconds = 10

    private let ended = DispatchSemaphore(value: 0)

    /// `say`: called with how many seconds have passed.
    init(_ say: @escaping @Sendable (_ seconds: Int) -> Void) {
        startThread("waiting") { [ended] in
            var seconds = Self.firstSeconds
            var rest = Self.firstSeconds
            while ended.wait(timeout: .now() + .seconds(rest)) == .timedOut {
                say(seconds)
                rest = Self.againSeconds
                seconds += rest
            }
        }
    }

    func end() { ended.signal() }
}
