import HTTPServer
import Synchronization
import TenantRegistry

/// A page in Prometheus' text format 0.0.4, a metric after the other: each has its HELP and TYPE once, before its
/// values. A value: one thread.
struct MetricsPage {
    private(set) var text = ""

    mutating func head(_ name: String, _ type: String, _ help: String) {
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n"
    }

    mutating func line(_ name: String, _ value: some BinaryInteger) { text += "\(name) \(value)\n" }

    /// Seconds, the unit of all times here, as decimals; kept in microseconds so that sums are exact.
    private static func seconds(_ microseconds: UInt64) -> String {
        let (whole, part) = microseconds.quotientAndRemainder(dividingBy: 1_000_000)
        if part == 0 { return "\(whole)" }
        var digits = String(part + 1_000_000).dropFirst()
        while digits.last == "0" { digits.removeLast() }
        return "\(whole).\(digits)"
    }

    mutating func counter(_ name: String, _ help: String, microseconds: UInt64) {
        head(name, "counter", help)
        text += "\(name) \(Self.seconds(microseconds))\n"
    }

    mutating func counter(_ name: String, _ help: String, _ value: some BinaryInteger) {
        head(name, "counter", help)
        line(name, value)
    }

    mutating func counter(_ name: String, _ help: String, _ value: borrowing Atomic<UInt64>) {
        counter(name, help, value.load(ordering: .relaxed))
    }

    /// One value for each of a bounded set: statuses, reasons, never tenants or paths.
    mutating func counter(_ name: String, _ help: String, by label: String, _ values: [(String, some BinaryInteger)]) {
        head(name, "counter", help)
        for (value, count) in values { line("\(name){\(label)=\"\(value)\"}", count) }
    }

    mutating func gauge(_ name: String, _ help: String, _ value: some BinaryInteger) {
        head(name, "gauge", help)
        line(name, value)
    }

    mutating func gauge(_ name: String, _ help: String, microseconds: UInt64) {
        head(name, "gauge", help)
        text += "\(name) \(Self.seconds(microseconds))\n"
    }

    mutating func gauge(_ name: String, _ help: String, by label: String, _ values: [(String, some BinaryInteger)]) {
        head(name, "gauge", help)
        for (value, count) in values { line("\(name){\(label)=\"\(value)\"}", count) }
    }

    mutating func histogram(_ name: String, _ help: String, _ histogram: Histogram) {
        self.histogram(name, help, histogram) { "\($0)" }
    }

    /// Of values that are kept in microseconds.
    mutating func histogram(_ name: String, _ help: String, microseconds histogram: Histogram) {
        self.histogram(name, help, histogram, Self.seconds)
    }

    private mutating func histogram(
        _ name: String, _ help: String, _ histogram: Histogram, _ number: (UInt64) -> String
    ) {
        head(name, "histogram", help)
        let snapshot = histogram.snapshot
        for (bound, count) in zip(histogram.upperBounds, snapshot.cumulative) {
            line("\(name)_bucket{le=\"\(number(bound))\"}", count)
        }
        line("\(name)_bucket{le=\"+Inf\"}", snapshot.cumulative.last ?? 0)
        text += "\(name)_sum \(number(snapshot.sum))\n"
        line("\(name)_count", snapshot.cumulative.last ?? 0)
    }

    mutating func append(_ server: ServerMetrics) {
        func value(_ count: borrowing Atomic<Int>) -> Int { count.load(ordering: .relaxed) }
        gauge("tollgate_connections_open", "Connections open.", value(server.connectionsOpen))
        gauge(
            "tollgate_connections", "Connections open by what they are doing, counted at most half a second ago.",
            by: "state", ConnectionState.allCases.map { ($0.name, server.connections(in: $0)) })
        counter("tollgate_connections_accepted_total", "Connections accepted.", value(server.connectionsAccepted))
        counter(
            "tollgate_connections_refused_total", "Connections and requests that the engine refused.", by: "reason",
            [
                ("total_bound", value(server.refusedTotalBound)), ("address_bound", value(server.refusedAddressBound)),
                ("descriptors", value(server.refusedDescriptors)), ("handshake", value(server.refusedHandshake)),
                ("framing", value(server.refusedFraming)), ("body_too_large", value(server.refusedBodyTooLarge)),
                ("body_room", value(server.refusedBodyRoom)), ("made_room", value(server.evicted)),
                ("head_deadline", value(server.refusedHeadDeadline)),
                ("body_deadline", value(server.refusedBodyDeadline)),
                ("answer_deadline", value(server.refusedAnswerDeadline)),
            ])
        counter(
            "tollgate_bytes_total", "Bytes over sockets.", by: "direction",
            [("in", value(server.bytesIn)), ("out", value(server.bytesOut))])
    }
}
