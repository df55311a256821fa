import Synchronization

/// Requests of a tenant in this calendar month, and the last one: for the quota and the provider's list. Any thread.
package final class TenantCounters: Sendable {
    private let month = Atomic<Int64>(0)
    private let count = Atomic<Int64>(0)
    private let last = Atomic<Int64>(0)
    /// The count that was last given to be saved.
    private let saved = Atomic<Int64>(-1)

    /// What a month can come to; what lies outside was never counted.
    package static let counts: ClosedRange<Int64> = 0...1 << 53

    func start(month: Int64, count: Int64, last: Timestamp?) {
        let count = min(max(count, Self.counts.lowerBound), Self.counts.upperBound)
        self.month.store(month, ordering: .relaxed)
        self.count.store(count, ordering: .relaxed)
        self.last.store(last?.milliseconds ?? 0, ordering: .relaxed)
        saved.store(count, ordering: .relaxed)
    }

    /// What has changed since it was last asked; nil where nothing has.
    var unsaved: (month: Int64, count: Int64, lastRequestAt: Timestamp?)? {
        let now = snapshot
        return saved.exchange(now.count, ordering: .relaxed) == now.count ? nil : now
    }

    /// What was given to be saved is to be given again.
    func wasNotSaved() { saved.store(-1, ordering: .relaxed) }

    /// Counts one request; false when the month's quota is used up.
    package func admit(at now: Timestamp, monthlyMax: Int64) -> Bool {
        let (counted, current) = (month.load(ordering: .relaxed), now.monthNumber)
        if !Self.lasts(counted, at: current),
            month.compareExchange(expected: counted, desired: current, ordering: .relaxed).exchanged
        {
            count.store(0, ordering: .relaxed)
        }
        last.store(now.milliseconds, ordering: .relaxed)
        return count.add(1, ordering: .relaxed).newValue <= monthlyMax
    }

    /// Takes back one that was counted then, if its month is the one that is counted still.
    func giveBack(of then: Timestamp) {
        if month.load(ordering: .relaxed) == then.monthNumber { count.subtract(1, ordering: .relaxed) }
    }

    /// Requests that count in this month's quota: what the next one is judged by.
    package func used(at now: Timestamp) -> Int64 {
        Self.lasts(month.load(ordering: .relaxed), at: now.monthNumber) ? count.load(ordering: .relaxed) : 0
    }

    /// Whether the month that is counted goes on. It does so where the clock has stepped back over the month's first
    /// midnight, so that no step renews a quota. A month further ahead is ended: a clock that was far wrong would
    /// otherwise make one quota of all the time up to it.
    static func lasts(_ counted: Int64, at current: Int64) -> Bool {
        counted == current || counted == current + 1
    }

    package var snapshot: (month: Int64, count: Int64, lastRequestAt: Timestamp?) {
        let last = last.load(ordering: .relaxed)
        return (
            month.load(ordering: .relaxed), count.load(ordering: .relaxed),
            last == 0 ? nil : Timestamp(milliseconds: last)
        )
    }
}

extension Timestamp {
    /// Months since year 0: changes at midnight UTC on the first.
    package var monthNumber: Int64 {
        let date = self.date
        return Int64(date.year) * 12 + Int64(date.month) - 1
    }
}
