/// What a tenant used in one month (P9). Sums: in which order they were made does not matter, but that one past what
/// a number holds stays at its end.
package struct MeterTally: Sendable, Equatable {
    /// Calls with the tenant's keys and sessions, as its audit log tells of them.
    package var requests: Int64 = 0
    /// Those of them that were answered 400 or above.
    package var refusals: Int64 = 0
    /// Of the live book, as turnover is.
    package var orders: Int64 = 0
    /// What came to the account `sales` less what left it, in micros.
    package var turnover: Int64 = 0

    package init() {}

    package static func += (left: inout MeterTally, right: MeterTally) {
        left.requests = left.requests.addingClamped(right.requests)
        left.refusals = left.refusals.addingClamped(right.refusals)
        left.orders = left.orders.addingClamped(right.orders)
        left.turnover = left.turnover.addingClamped(right.turnover)
    }
}

/// Orders and turnover of the live book that one write made.
package struct MeteredSale: Sendable, Equatable {
    package var orders: Int64
    package var turnover: Int64

    package init(orders: Int64 = 0, turnover: Int64 = 0) {
        self.orders = orders
        self.turnover = turnover
    }
}

/// Tallies by month. Nearly always there is one month, which needs no room of its own: a job's are copied.
package struct MeterTallies: Sendable, Equatable {
    package struct Month: Sendable, Equatable {
        package let number: Int64
        package var tally = MeterTally()
        fileprivate let milliseconds: Range<Int64>

        /// No month.
        fileprivate init() {
            number = 0
            milliseconds = 0..<0
        }

        fileprivate init(of instant: Timestamp) {
            number = instant.monthNumber
            milliseconds = Timestamp(month: number).milliseconds..<Timestamp(month: number + 1).milliseconds
        }
    }

    private var current = Month()
    private var others: [Month] = []

    package init() {}

    package var isEmpty: Bool { current.milliseconds.isEmpty }
    package var months: [Month] { isEmpty ? [] : [current] + others }

    /// A call, where it was made with one of the tenant's keys or sessions.
    @inline(__always)
    mutating func count(_ record: AuditRecord) {
        guard record.keyID != 0, record.count > 0 else { return }
        change(at: record.at) { tally in
            tally.requests = tally.requests.addingClamped(Int64(record.count))
            if record.status >= 400 { tally.refusals = tally.refusals.addingClamped(Int64(record.count)) }
        }
    }

    mutating func add(_ sale: MeteredSale, at instant: Timestamp) {
        change(at: instant) { tally in
            tally.orders = tally.orders.addingClamped(sale.orders)
            tally.turnover = tally.turnover.addingClamped(sale.turnover)
        }
    }

    mutating func add(_ more: MeterTallies) {
        if isEmpty { return self = more }
        for month in more.months {
            change(at: Timestamp(milliseconds: month.milliseconds.lowerBound)) { $0 += month.tally }
        }
    }

    @inline(__always)
    private mutating func change(at instant: Timestamp, _ change: (inout MeterTally) -> Void) {
        if current.milliseconds.contains(instant.milliseconds) {
            change(&current.tally)
        } else {
            changeOther(at: instant, change)
        }
    }

    @inline(never)
    private mutating func changeOther(at instant: Timestamp, _ change: (inout MeterTally) -> Void) {
        if isEmpty { current = Month(of: instant) }
        if current.milliseconds.contains(instant.milliseconds) { return change(&current.tally) }
        let place = others.firstIndex { $0.milliseconds.contains(instant.milliseconds) }
        if place == nil { others.append(Month(of: instant)) }
        change(&others[place ?? others.count - 1].tally)
    }
}

extension Timestamp {
    /// The first instant of a month in UTC, by its number.
    package init(month number: Int64) {
        let (year, month) = (number.dividedDown(by: 12), number - number.dividedDown(by: 12) * 12)
        let first = CivilDate(year: Int(year), month: Int(month) + 1, day: 1)
        self.init(first ?? CivilDate(daysSinceEpoch: 0))
    }
}

extension Int64 {
    /// Past what a number holds, its end.
    @inline(__always)
    package func addingClamped(_ other: Int64) -> Int64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? (other < 0 ? .min : .max) : sum
    }

    package func subtractingClamped(_ other: Int64) -> Int64 {
        let (difference, overflow) = subtractingReportingOverflow(other)
        return overflow ? (other < 0 ? .max : .min) : difference
    }
}
