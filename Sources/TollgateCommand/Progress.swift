import Foundation
import Glibc
import Synchronization

/// What a person sees while work takes long: one line on standard error, written over and over, and gone at the end.
/// Only on a terminal, and only once the work has lasted a moment. Any thread may tell.
final class Progress: Sendable {
    private static let firstSeconds = 1.0
    private static let everySeconds = 0.25

    private struct State {
        var text: String
        var isOver = false
        var isShown = false
    }

    private let state: Mutex<State>
    private let began = Date()

    private init(_ text: String) { state = Mutex(State(text: text)) }

    /// Runs the work. `text` says what is done, until the work tells more.
    static func during<Result>(
        _ text: String, _ work: (Progress) throws(CommandFailure) -> Result
    ) throws(CommandFailure) -> Result {
        let progress = Progress(text)
        let isSeen = Terminal.isThere(STDERR_FILENO)
        if isSeen { Thread.detachNewThread { progress.show() } }
        defer { progress.end() }
        return try work(progress)
    }

    func tell(_ text: String) { state.withLock { $0.text = text } }

    /// Of bytes, or of whatever is counted.
    func tell(_ text: String, _ done: Int64, of total: Int64?, unit: String) {
        guard let total, total > 0 else { return tell("\(text): \(done) \(unit)") }
        tell("\(text): \(done) of \(total) \(unit), \(done * 100 / total) %")
    }

    private func show() {
        usleep(UInt32(Self.firstSeconds * 1e6))
        while state.withLock({ write(&$0) }) { usleep(UInt32(Self.everySeconds * 1e6)) }
    }

    private func write(_ state: inout State) -> Bool {
        guard !state.isOver else { return false }
        let text = "\(state.text) (\(Int(-began.timeIntervalSinceNow)) s)"
        // A line that goes on in the next one could not be written over.
        let shown = Terminal.columns(of: STDERR_FILENO).map { Terminal.ending(text, $0 - 1) } ?? text
        Output.errorBytes(Array("\r\u{1B}[K\(shown)".utf8))
        state.isShown = true
        return true
    }

    /// The line is gone before anything else is said.
    private func end() {
        state.withLock { state in
            state.isOver = true
            if state.isShown { Output.errorBytes(Array("\r\u{1B}[K".utf8)) }
        }
    }
}
