import CallKit
import Foundation
import Glibc
import HTTPCore
import RateLimiter
import TenantRegistry

/// One JSON line a request on standard output, on demand (G7). Lines are handed to a thread of their own, so that
/// a slow reader of the log never stops a loop; past `linesMax` waiting, lines are counted instead.
///
/// A line has the route's path with the names of its parameters, never a text of the request's own: a path, a query or
/// a header may be a secret in any spelling. What matched no route is `-`.
final class RequestLog: Sendable {
    let isOn: Bool
    private let pool: BackgroundPool?
    private static let linesMax = 10_000
    private static let noRoute = "-"

    init(isOn: Bool) {
        self.isOn = isOn
        pool = isOn ? BackgroundPool(name: "log", threads: 1, places: Shares(whole: Self.linesMax)) : nil
    }

    func write(
        _ trace: RequestTrace, _ response: Response, tenant: TenantRecord?, address: IPAddress, now: Timestamp,
        nanoseconds: UInt64, forwardedTo node: NodeName? = nil
    ) {
        let microseconds = Int((nanoseconds - trace.started) / 1_000)
        _ = pool?.submit {
            var line = JSONWriter.object { json in
                json.field("time", now.text)
                json.field("request_id", trace.requestID.text)
                json.field("method", trace.head?.method.rawValue)
                json.field("route", trace.path ?? Self.noRoute)
                json.field("status", response.status)
                json.field("microseconds", microseconds)
                json.field("tenant", tenant?.slug)
                json.field("address", address.description)
                json.field("traceparent", trace.head?.traceparent)
                if let node { json.field("forwarded_to", node.text) }
            }
            line.append(0x0A)
            Self.put(line)
        }
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
