import CallKit
import TenantRegistry

/// Due rows of one table that could not be read: nobody looks at them for a day, so that they keep no other row from
/// its hour. In memory alone: what is damaged is not written to. Once it is full none is added.
struct PutOff {
    private var until: [Int64: Timestamp] = [:]
    /// Kinds of which nothing that is due can be read, and more than is remembered: looked at again then.
    private var rests: [DueKind: Timestamp] = [:]

    private static let restSeconds: Int64 = 600

    var count: Int { until.count }

    mutating func add(_ id: Int64, now: Timestamp) {
        if until.count < TenantMemory.entriesMax { until[id] = now.adding(days: 1) }
    }

    /// Those that nobody looks at now, as a JSON array for `id NOT IN (SELECT value FROM json_each(?))`.
    mutating func ids(now: Timestamp) -> String {
        if until.isEmpty { return "[]" }
        until = until.filter { $0.value > now }
        return "[\(until.keys.map(String.init).joined(separator: ","))]"
    }

    /// A run of the kind found nothing that it could read. Rows that are not remembered would come again at once.
    mutating func rest(_ kind: DueKind, now: Timestamp) {
        if until.count >= TenantMemory.entriesMax { rests[kind] = now.adding(seconds: Self.restSeconds) }
    }

    /// When to look again: at what is due first of the rows that are not in the array, or at one of these once its day
    /// is over.
    mutating func next(
        _ kind: DueKind, now: Timestamp, first: (_ ids: String) throws -> Timestamp?
    ) rethrows -> Timestamp? {
        let ids = ids(now: now)
        guard let again = until.values.min() else { return try first(ids) }
        if let rest = rests[kind], rest > now { return min(again, rest) }
        return try min(again, first(ids) ?? again)
    }
}
