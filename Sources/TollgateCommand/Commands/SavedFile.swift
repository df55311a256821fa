import Foundation
import HTTPClient
import HTTPCore

/// A file that a command writes, by the name that `--output` gives. `-` is standard output, which then has the bytes
/// alone: what is said of them goes to standard error.
enum SavedFile {
    static func options(_ summary: String = "Where to", isRequired: Bool = true) -> [Option] {
        [
            Option("--output", "FILE", "\(summary) (- is standard output)", isRequired: isRequired),
            Option("--force", "Replace the file that is there"),
        ]
    }

    /// Whether standard output is for the bytes alone.
    static func isStandardOutput(_ invocation: Invocation) -> Bool { invocation.text("--output") == GivenFile.dash }

    /// Gets a document and says how long it is. `slug`: the tenant that the report is about.
    static func save(
        _ path: String, _ query: [(String, String)] = [], headers: [(String, String)] = [],
        from client: GatewayClient, _ invocation: Invocation, slug: String? = nil
    ) throws -> Int32 {
        try Pages.refuseForFile(invocation)
        let file = try invocation.required("--output")
        let text = query.map { "\($0.0)=\($0.1.percentEncoded)" }.joined(separator: "&")
        let target = path + (text.isEmpty ? "" : "?\(text)")
        let isPrinted = isStandardOutput(invocation)
        let bytes: Int64
        if isPrinted {
            bytes = try pass(target, headers, client)
        } else {
            try refuseOverwriting(file, invocation)
            _ = try client.send("GET", target, headers: headers, sink: .file(path: file), isLong: true)
            bytes = size(of: file)
        }
        func report(_ json: inout JSONWriter) {
            if let slug { json.field("slug", slug) }
            json.field("path", file)
            json.field("bytes", bytes)
        }
        guard isPrinted else {
            try Answers.report(invocation, "\(file): \(bytes) bytes", report)
            return ExitCode.ok
        }
        let said = invocation.has("--json") ? JSONWriter.object(report) : Array("\(bytes) bytes".utf8)
        Output.errorBytes(said + [0x0A])
        return ExitCode.ok
    }

    /// Returns how many bytes went to standard output.
    private static func pass(
        _ target: String, _ headers: [(String, String)], _ client: GatewayClient
    ) throws(CommandFailure) -> Int64 {
        var count: Int64 = 0
        // What standard output said, which the client knows only as “given up”.
        var lost: CommandFailure?
        let sink = ResponseSink.stream { bytes in
            do throws(CommandFailure) {
                try Output.bytes([UInt8](bytes))
            } catch {
                lost = error
                throw error
            }
            count += Int64(bytes.count)
        }
        do {
            _ = try client.send("GET", target, headers: headers, sink: sink, isLong: true)
        } catch {
            throw lost ?? error
        }
        return count
    }

    private static func refuseOverwriting(_ path: String, _ invocation: Invocation) throws(CommandFailure) {
        if !invocation.has("--force"), FileManager.default.fileExists(atPath: path) {
            throw .failed("\(path) is there already; --force replaces it")
        }
    }

    private static func size(of path: String) -> Int64 {
        var status = stat()
        return stat(path, &status) == 0 ? Int64(status.st_size) : 0
    }
}
