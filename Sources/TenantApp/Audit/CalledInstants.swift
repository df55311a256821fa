import TenantRegistry

/// When the calls of some keys came and which were refused for coming too often, as the audit log has it.
///
/// A value: any thread.
struct CalledInstants: Sendable {
    /// So many are looked at, eight bytes each: a period with more reaches back less far.
    static let callsMax = 2_000_000

    /// When, in milliseconds since the period began (32 bits); whose, by the place in `keys` (30 bits); whether only
    /// the number was kept; whether it was refused.
    struct Instant: Sendable, Comparable {
        let word: UInt64

        init(milliseconds: UInt32, place: Int, isCounted: Bool, isRefused: Bool) {
            word =
                UInt64(milliseconds) << 32 | UInt64(UInt32(place)) << 2 | (isCounted ? 2 : 0) | (isRefused ? 1 : 0)
        }

        var milliseconds: UInt32 { UInt32(truncatingIfNeeded: word >> 32) }
        var place: Int { Int(word & 0xFFFF_FFFF) >> 2 }
        var isCounted: Bool { word & 2 != 0 }
        var isRefused: Bool { word & 1 != 0 }

        static func < (left: Self, right: Self) -> Bool { left.word < right.word }
    }

    private let from: Timestamp
    private let until: Timestamp
    private let places: [Int64: Int]

    /// Calls of these keys from `from` to `until`.
    init(from: Timestamp, until: Timestamp, keys: [Int64]) {
        self.from = from
        self.until = until
        places = Dictionary(keys.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// Those in these rows, in no order; at most `most`.
    func calls(in rows: [CalledRow], most: Int) -> [Instant] {
        var calls: [Instant] = []
        for row in rows where calls.count < most {
            switch row {
            case .call(let at, let keyID, let status, let count):
                add(count, keyID, status, after: nil, at, to: &calls)
            // A block that cannot be opened is `verify`'s to report.
            case .block(let payload): add(AuditPacking.records(of: payload) ?? [], to: &calls)
            }
        }
        return calls.count > most ? Array(calls.prefix(most)) : calls
    }

    private func add(_ block: [AuditRecord], to calls: inout [Instant]) {
        var alike: [Alike: Timestamp] = [:]
        let hasCounted = block.contains { $0.count > 1 }
        for record in block {
            let kind = Alike(keyID: record.keyID, status: record.status, action: record.action)
            add(
                record.count, record.keyID, record.status, after: hasCounted ? alike[kind] : nil, record.at, to: &calls)
            if hasCounted { alike[kind] = record.at }
        }
    }

    private struct Alike: Hashable {
        let keyID: Int64
        let status: Int
        let action: String
    }

    /// Of calls of which only the number was kept the last one's instant is known, and that of the last one before
    /// them that has a line of its own: they are taken as evenly spread between the two.
    private func add(
        _ count: Int, _ keyID: Int64, _ status: Int, after first: Timestamp?, _ last: Timestamp,
        to calls: inout [Instant]
    ) {
        guard count > 0, let place = places[keyID] else { return }
        let begin = min(first ?? last, last).milliseconds
        let span = last.milliseconds - begin
        for index in 1...Int64(min(count, Self.callsMax)) {
            let at = Timestamp(milliseconds: begin + span * index / Int64(count))
            guard at >= from, at <= until else { continue }
            calls.append(
                Instant(
                    milliseconds: UInt32(clamping: at.milliseconds - from.milliseconds), place: place,
                    isCounted: count > 1, isRefused: status == 429))
        }
    }
}
