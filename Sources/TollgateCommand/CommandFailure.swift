import HTTPCore

/// Why a command ends without success: one line for standard error, and the exit code.
enum CommandFailure: Error, CustomStringConvertible {
    /// The command line cannot be understood: exit code 2.
    case usage(String)
    /// The gateway refused, or the work failed: exit code 1.
    case failed(String)
    /// The gateway refused with this answer, which `--json` prints.
    case refused(String, status: Int, answer: [UInt8])
    /// Standard output takes nothing more, for this reason.
    case unwritten(String)
    /// Whoever read standard output has seen enough: quiet, and no failure but the work's own.
    case readerGone(exitCode: Int32 = ExitCode.ok)

    var exitCode: Int32 {
        switch self {
        case .usage: ExitCode.usage
        case .failed, .refused, .unwritten: ExitCode.failed
        case .readerGone(let code): code
        }
    }

    var description: String {
        switch self {
        case .usage(let text), .failed(let text), .refused(let text, _, _): text
        case .unwritten(let reason): "standard output cannot be written: \(reason)"
        case .readerGone: "nobody reads standard output any more"
        }
    }

    /// The same, with what to do next.
    func adding(_ next: String) -> CommandFailure {
        switch self {
        case .usage, .unwritten, .readerGone: self
        case .failed(let text): .failed(Self.joined(text, next))
        case .refused(let text, let status, let answer):
            .refused(Self.joined(text, next), status: status, answer: answer)
        }
    }

    private static func joined(_ text: String, _ next: String) -> String {
        "\(text.hasSuffix(".") ? String(text.dropLast()) : text); \(next)"
    }

    /// A gateway's word for an answer 503 to what it has not begun.
    private static let notBegun: Set<String> = ["busy", "closing", "scratch_full", "storage_full"]

    /// What a proxy says that has not heard all of a call: it may have passed it on all the same.
    private static let unheard: Set<Int> = [408, 425]

    /// The call was judged and has done nothing. Any other 5xx, and an answer that was lost, say nothing of what became
    /// of it.
    var isRefusal: Bool {
        guard let status, !Self.unheard.contains(status) else { return false }
        return 400..<500 ~= status || status == 503 && code.map(Self.notBegun.contains) ?? false
    }

    /// The refusal's; nil where nobody answered.
    var status: Int? {
        guard case .refused(_, let status, _) = self else { return nil }
        return status
    }

    /// What a program tells a refusal by.
    var code: String? {
        guard case .refused(_, _, let answer) = self else { return nil }
        return (try? JSON.parse(answer))?["code"]?.text
    }

    /// The same, where the work itself ended with this exit code.
    func insteadOf(_ code: Int32) -> CommandFailure {
        if case .readerGone = self { .readerGone(exitCode: code) } else { self }
    }

    /// What it means that this could not be shown; nil where it is about something else.
    func losing(_ text: String) -> CommandFailure? {
        switch self {
        case .unwritten, .readerGone: .failed("\(description); \(text)")
        case .usage, .failed, .refused: nil
        }
    }
}

enum ExitCode {
    static let ok: Int32 = 0
    static let failed: Int32 = 1
    static let usage: Int32 = 2
    /// EX_TEMPFAIL: a node ended in order, and is to be started again.
    static let again: Int32 = 75
}
