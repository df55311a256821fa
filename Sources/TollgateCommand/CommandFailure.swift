/// Why a command ends without success: one line for standard error, and the exit code.
enum CommandFailure: Error, CustomStringConvertible {
    /// The command line cannot be understood: exit code 2.
    case usage(String)
    /// The gateway refused, or the work failed: exit code 1.
    case failed(String)
    /// The gateway refused with this answer, which `--json` prints.
    case refused(String, answer: [UInt8])

    var exitCode: Int32 {
        if case .usage = self { ExitCode.usage } else { ExitCode.failed }
    }

    var description: String {
        switch self {
        case .usage(let text), .failed(let text), .refused(let text, _): text
        }
    }
}

enum ExitCode {
    static let ok: Int32 = 0
    static let failed: Int32 = 1
    static let usage: Int32 = 2
}
