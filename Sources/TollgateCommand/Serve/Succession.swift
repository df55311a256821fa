import Glibc
import TenantRegistry

/// The program that takes this one's place: what stands at its path now, which an upgrade has replaced.
enum Succession {
    private static let checkSeconds = 30
    private static let outputBytesMax = 1 << 16
    /// What the kernel says of a program whose file is no longer at its path.
    private static let deletedMark = " (deleted)"

    /// The path; nil where it cannot be known.
    static var program: String? {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
        let count = readlink("/proc/self/exe", &buffer, Int(PATH_MAX))
        guard count > 0 else { return nil }
        let path = String(decoding: buffer.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return path.hasSuffix(deletedMark) ? String(path.dropLast(deletedMark.count)) : path
    }

    /// What its `version` prints. Throws where it does not start, says nothing that a Tollgate says, knows an option of
    /// this command line no more, or would refuse to start with what that names: nobody gives its place up to such a
    /// program. Why it would refuse, it has said on standard error by itself.
    static func version(of program: String) throws -> String {
        let output = try said(by: program, ["version"])
        let words = String(decoding: output, as: UTF8.self).split(separator: "\n").first.map { String($0) } ?? ""
        guard words.hasPrefix("tollgate ") else { throw CommandFailure.failed("it is no Tollgate") }
        let arguments = CommandLine.arguments.dropFirst()
        let help: [UInt8]
        do {
            // Help is given once all options before it are understood.
            help = try said(by: program, arguments + ["--help"])
        } catch {
            throw CommandFailure.failed("it does not understand the options of this gateway (\(error))")
        }
        // An older one may not know it.
        guard String(decoding: help, as: UTF8.self).contains(ServeOptions.check.name) else { return words }
        do {
            _ = try said(by: program, arguments + [ServeOptions.check.name])
        } catch {
            throw CommandFailure.failed("it would not start with what this gateway was started with (\(error))")
        }
        return words
    }

    private static func said(by program: String, _ arguments: [String]) throws -> [UInt8] {
        try ChildProcess.run(
            program, arguments, input: [], seconds: checkSeconds, outputBytesMax: outputBytesMax, seesAll: true)
    }
}
