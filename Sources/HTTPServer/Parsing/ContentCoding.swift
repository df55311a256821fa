import Compression
import Glibc
import HTTPCore

/// gzip of answers (RFC 9110 §8.4, §12.5.3): whole bodies of text, JSON and CSV, within bounds that keep the loop
/// quick.
enum ContentCoding {
    /// Fast rather than tight: it runs on the loop.
    private static let level: Int32 = 1

    static func apply(_ response: Response, _ head: RequestHead?, _ limits: ServerLimits) -> Response {
        guard case .bytes(let bytes) = response.body, bytes.count > limits.gzipBytesMin,
            bytes.count <= limits.gzipBytesMax,
            response.status != 204, response.status != 206, response.status != 304
        else { return response }
        let fields = look(at: response.headers.bytes)
        guard fields.tellOfText, !fields.tellOfCoding else { return response }
        var answer = response
        if !fields.vary { answer.headers.add("Vary", "Accept-Encoding") }
        guard let head, accepts(head), let compressed = try? Gzip.compress(bytes, level: level),
            compressed.count < bytes.count
        else { return answer }
        answer.headers.add("Content-Encoding", "gzip")
        answer.body = .bytes(compressed)
        return answer
    }

    /// What an answer's fields say of its body.
    private struct Fields {
        /// A media type worth the work.
        var tellOfText = false
        var tellOfCoding = false
        /// The handler has said already that it depends on what the caller takes.
        var vary = false
    }

    private static func look(at rendered: [UInt8]) -> Fields {
        rendered.withUnsafeBufferPointer { bytes in
            var fields = Fields()
            guard let base = bytes.baseAddress else { return fields }
            var at = 0
            while at < bytes.count {
                let found = memchr(base + at, Int32(ByteScan.lineFeed), bytes.count - at)
                let end = found.map { $0 - UnsafeMutableRawPointer(mutating: base) } ?? bytes.count
                let count = end - at
                if count > 17, ByteScan.hasPrefix(base + at, "content-encoding:") { fields.tellOfCoding = true }
                if count > 21, ByteScan.hasPrefix(base + at, "vary: accept-encoding") { fields.vary = true }
                if count > 14, ByteScan.hasPrefix(base + at, "content-type:") {
                    fields.tellOfText = isTextual(UnsafeBufferPointer(rebasing: bytes[(at + 13)..<end]))
                }
                at = end + 1
            }
            return fields
        }
    }

    private static func isTextual(_ value: UnsafeBufferPointer<UInt8>) -> Bool {
        // What nearly every answer is, told without making a String.
        if let base = value.baseAddress, value.count > 17, ByteScan.hasPrefix(base, " application/json"),
            value[17] == ByteScan.carriageReturn
        {
            return true
        }
        let type = String(decoding: value, as: UTF8.self).lowercased().prefix { $0 != ";" && !$0.isNewline }.drop {
            $0 == " "
        }
        return type.hasPrefix("text/") || type.hasSuffix("json") || type.hasSuffix("xml")
            || type == "application/x-ndjson"
    }

    /// By all of `Accept-Encoding`: gzip by name, or else by `*`, with a weight over zero.
    static func accepts(_ head: RequestHead) -> Bool {
        guard let value = head.joinedValues(of: .acceptEncoding)?.lowercased() else { return false }
        var byStar = false
        for item in value.split(separator: ",") {
            let parts = item.split(separator: ";").map { $0.filter { $0 != " " && $0 != "\t" } }
            guard let name = parts.first else { continue }
            let isWanted = !parts.dropFirst().contains {
                $0.hasPrefix("q=") && $0.dropFirst(2).allSatisfy { $0 == "0" || $0 == "." }
            }
            if name == "gzip" || name == "x-gzip" { return isWanted }
            if name == "*" { byStar = isWanted }
        }
        return byStar
    }
}
