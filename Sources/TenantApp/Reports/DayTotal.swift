import CallKit
package import TenantRegistry

/// What the postings of one day come to, of the whole tenant or of one part of it (O14).
///
/// Invariant: `balance` and `held` count every day up to this one. A value: any thread.
package struct DayTotal: Sendable, Equatable {
    /// How many postings were sales, and what they came to, by what was sold.
    package var sales: Int64 = 0
    package var ordered: Int64 = 0
    package var renewed: Int64 = 0
    package var hourly: Int64 = 0
    package var ports: Int64 = 0
    package var codes: Int64 = 0
    package var refunds: Int64 = 0
    package var refunded: Int64 = 0
    package var holds: Int64 = 0
    package var placed: Int64 = 0
    /// Holds that were carried out: sold as well.
    package var captured: Int64 = 0
    package var voided: Int64 = 0
    package var toppedUp: Int64 = 0
    package var corrected: Int64 = 0
    package var transferred: Int64 = 0
    package var balance: Int64 = 0
    package var held: Int64 = 0

    package init() {}

    /// What was sold.
    package var taken: Int64 { Self.sum(ordered, captured, renewed, hourly, ports, codes) }
    package var turnover: Int64 { Self.sum(taken, -refunded) }
    /// What left balances for goods: sold at once, or held less what was given back.
    package var spent: Int64 { Self.sum(ordered, renewed, hourly, ports, codes, placed, -voided) }

    /// A sum past what a number holds stays at its end: no balance comes there, since the ledger refuses it.
    static func sum(_ numbers: Int64...) -> Int64 {
        numbers.reduce(0) { $0.addingClamped($1) }
    }

    /// One posting of the live book, by what it does to balances.
    package mutating func add(_ kind: PostingKind, _ amount: Int64) {
        switch kind {
        case .order: take(amount, \.ordered)
        case .renewal: take(amount, \.renewed)
        case .hourly: take(amount, \.hourly)
        case .port: take(amount, \.ports)
        case .codes: take(amount, \.codes)
        case .hold:
            holds += 1
            move(amount, \.placed, balance: -amount, held: amount)
        case .capture:
            sales += 1
            move(amount, \.captured, balance: 0, held: -amount)
        case .void: move(amount, \.voided, balance: amount, held: -amount)
        case .refund:
            refunds += 1
            move(amount, \.refunded, balance: amount, held: 0)
        case .topUp: move(amount, \.toppedUp, balance: amount, held: 0)
        case .correction: move(amount, \.corrected, balance: -amount, held: 0)
        case .transfer: move(amount, \.transferred, balance: -amount, held: 0)
        }
    }

    private mutating func take(_ amount: Int64, _ part: WritableKeyPath<Self, Int64>) {
        sales += 1
        move(amount, part, balance: -amount, held: 0)
    }

    private mutating func move(
        _ amount: Int64, _ part: WritableKeyPath<Self, Int64>, balance change: Int64, held other: Int64
    ) {
        self[keyPath: part] = Self.sum(self[keyPath: part], amount)
        balance = Self.sum(balance, change)
        held = Self.sum(held, other)
    }

    /// More of the same day.
    package mutating func add(_ other: DayTotal) {
        for part in Self.parts { self[keyPath: part] = Self.sum(self[keyPath: part], other[keyPath: part]) }
    }

    /// Every number, in the order of the table's columns.
    static var parts: [WritableKeyPath<DayTotal, Int64>] {
        [
            \.sales, \.ordered, \.renewed, \.hourly, \.ports, \.codes, \.refunds, \.refunded, \.holds, \.placed,
            \.captured, \.voided, \.toppedUp, \.corrected, \.transferred, \.balance, \.held,
        ]
    }
}

/// Whose day it is.
package struct DayTotalKey: Sendable, Hashable, Comparable {
    package enum Grouping: Int64, Sendable, CaseIterable {
        case tenant = 0
        case product = 1
        case reseller = 2
    }

    package let grouping: Grouping
    package let groupID: Int64
    /// Days since 1970 in UTC.
    package let day: Int64

    package init(_ grouping: Grouping, _ groupID: Int64, day: Int64) {
        self.grouping = grouping
        self.groupID = groupID
        self.day = day
    }

    package var month: Int64 { ReportPeriod.month(ofDay: day) }

    package static func < (left: Self, right: Self) -> Bool {
        (left.grouping.rawValue, left.groupID, left.day) < (right.grouping.rawValue, right.groupID, right.day)
    }
}

/// Days and months of a report, in UTC.
package enum ReportPeriod: String, Sendable, CaseIterable {
    case day
    case month

    package static func day(of time: Timestamp) -> Int64 {
        Int64(time.date.daysSinceEpoch)
    }

    /// Months since the year 0.
    package static func month(ofDay day: Int64) -> Int64 {
        let date = CivilDate(daysSinceEpoch: Int(day))
        return Int64(date.year) * 12 + Int64(date.month) - 1
    }

    package static func firstDay(ofMonth month: Int64) -> Int64 {
        Int64(CivilDate(year: Int(month / 12), month: Int(month % 12) + 1, day: 1)?.daysSinceEpoch ?? 0)
    }

    package func number(ofDay day: Int64) -> Int64 { self == .day ? day : Self.month(ofDay: day) }
    package func firstDay(of number: Int64) -> Int64 { self == .day ? number : Self.firstDay(ofMonth: number) }

    /// `2026-11-28`, or `2026-11`.
    package func text(of number: Int64) -> String {
        let start = Timestamp(day: firstDay(of: number))
        return String(start.text.prefix(self == .day ? 10 : 7))
    }
}
