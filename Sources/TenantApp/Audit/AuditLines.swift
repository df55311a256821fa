import CallKit
package import HTTPCore
import TenantRegistry

/// A record of the audit log as JSON and as CSV: who, what, when, with which outcome; ids are public.
package enum AuditLines {
    package static let columns = [
        "seq", "at", "mode", "key", "reseller", "account", "action", "status", "latency_us", "request_id", "bytes_in",
        "bytes_out", "count", "detail",
    ]

    package static func write(_ entry: AuditEntry, _ names: AuditNames, _ json: inout JSONWriter) {
        let record = entry.record
        json.field("seq", entry.place.sequence)
        json.field("at", record.at.text)
        json.field("mode", record.book.name)
        json.field("key", name(names.keys, record.keyID))
        json.field("reseller", name(names.resellers, record.resellerID))
        json.field("account", name(names.accounts, record.accountID))
        json.field("action", record.action)
        json.field("status", record.status)
        json.field("latency_us", record.latencyMicroseconds)
        json.field("request_id", record.requestID.text)
        json.field("bytes_in", record.bytesIn)
        json.field("bytes_out", record.bytesOut)
        json.field("count", record.count)
        // The text is an object of ours already; the chain vouches for it byte by byte.
        json.field("detail", raw: record.detail.isEmpty ? nil : record.detail)
    }

    package static func cells(_ entry: AuditEntry, _ names: AuditNames) -> [CSVCell] {
        let record = entry.record
        return [
            .value(String(entry.place.sequence)), .value(record.at.text), .value(record.book.name),
            .text(name(names.keys, record.keyID) ?? ""), .text(name(names.resellers, record.resellerID) ?? ""),
            .text(name(names.accounts, record.accountID) ?? ""), .text(record.action), .value(String(record.status)),
            .value(String(record.latencyMicroseconds)), .value(record.requestID.text),
            .value(String(record.bytesIn)), .value(String(record.bytesOut)), .value(String(record.count)),
            .text(record.detail),
        ]
    }

    private static func name(_ names: [Int64: String], _ id: Int64) -> String? {
        guard let name = names[id], !name.isEmpty else { return nil }
        return name
    }
}
