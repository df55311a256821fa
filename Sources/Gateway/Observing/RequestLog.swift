import CallKit
import Cryptography
import Foundation
import Glibc
import HTTPCore
import RateLimiter
import TenantRegistry

/// One JSON line a request on standard output, on demand (G7). Lines are handed to a thread of their own, so that
/// a slow reader of the log never stops a loop; past `linesMax` waiting, lines are counted instead.
///
/// Paths are logged without their query, where `api_token` stands, and without the parts that are capabilities.
final class RequestLog: Sendable {
    let isOn: Bool
    private let pool: BackgroundPool?
    private static let linesMax = 10_000
    /// Whatever follows one of these in a path is a secret.
    private let secretPrefixes: [String]

    init(isOn: Bool, dialects: [any Dialect]) {
        self.isOn = isOn
        secretPrefixes = Self.secretPrefixes(of: dialects)
        pool = isOn ? BackgroundPool(name: "log", threads: 1, places: Shares(whole: Self.linesMax)) : nil
    }

    func write(
        _ trace: RequestTrace, _ response: Response, tenant: TenantRecord?, address: IPAddress, now: Timestamp,
        nanoseconds: UInt64
    ) {
        let microseconds = Int((nanoseconds - trace.started) / 1_000)
        _ = pool?.submit { [self] in
            var line = JSONWriter.object { json in
                json.field("time", now.text)
                json.field("request_id", trace.requestID.text)
                json.field("method", trace.head?.method.rawValue)
                json.field("path", trace.head.map { safe($0.path) })
                json.field("status", response.status)
                json.field("microseconds", microseconds)
                json.field("tenant", tenant?.slug)
                json.field("address", address.description)
                json.field("traceparent", trace.head?.traceparent)
            }
            line.append(0x0A)
            Self.put(line)
        }
    }

    /// Invitations, activation codes and payments are named by what opens them; a key may stand in a path by mistake.
    func safe(_ path: String) -> String {
        for secret in secretPrefixes {
            if let place = path.range(of: secret) { return String(path[..<place.upperBound]) + "…" }
        }
        guard path.utf8.count > APIKeyFormat.randomDigitsMin else { return path }
        return path.split(separator: "/", omittingEmptySubsequences: false).map { part in
            let bytes = Array(part.utf8)
            return APIKeyFormat.isWellFormed(bytes) || APIKeyFormat.isHex64(bytes) ? "…" : part
        }.joined(separator: "/")
    }

    /// A route's path up to its first parameter, without the dialect's base where more than that is left: a wrong base
    /// gives nothing away.
    private static func secretPrefixes(of dialects: [any Dialect]) -> [String] {
        var prefixes: Set<String> = []
        for dialect in dialects {
            for route in dialect.routes where route.isNamedBySecret {
                let own = route.pattern.prefix { $0 != "{" }
                prefixes.insert(own == "/" ? "\(dialect.basePath)/" : String(own))
            }
        }
        return prefixes.sorted()
    }

    /// A line of the gateway's own, on standard error: which file, which error, never a value.
    static func report(_ text: String) {
        var line = JSONWriter.object { json in
            json.field("time", SystemClock().now().text)
            json.field("message", text)
        }
        line.append(0x0A)
        put(line, to: STDERR_FILENO)
    }

    private static func put(_ line: [UInt8], to descriptor: Int32 = STDOUT_FILENO) {
        var rest = line[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }
}
