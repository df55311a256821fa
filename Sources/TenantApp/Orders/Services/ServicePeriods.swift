package import CallKit
package import TenantRegistry

/// Where a service stands in time (W9, W3). Pure: any thread.
extension Service {
    /// A renewal is announced so many days ahead (W10).
    package static let noticeDays: Int64 = 3
    /// What cannot be paid is tried for so many days from the first try on, then suspended.
    package static let graceDays: Int64 = 7
    /// A daily try that comes so shortly before the last one is left to that.
    private static let triesApartMilliseconds: Int64 = 3_600_000

    /// Its hours count now, or its term runs.
    package var isRunning: Bool { state == .active || state == .pastDue }

    package var dueKind: DueKind { term == .hourly ? .hourly : isAnnounced ? .renewal : .notice }

    /// What was agreed last for the periods to come: of an hourly term, for an hour.
    package var nextPrice: Money { nextTermPrice ?? termPrice }

    /// What its hours come to is rounded half up as long as it may go on, and up at its end: none are free (0060).
    var hoursRounding: UnitPrice.Rounding { state == .cancelled ? .up : .halfUp }

    /// The charge whose price is `termPrice`: of a term the one that was paid last, of hours the one to come.
    var runningCharge: Int64 { period + (term == .hourly ? 1 : 0) }

    /// When its next charge is due; of what ended and owes, when that was first tried.
    package var dueAt: Timestamp? { renewsAt ?? pastDueSince }

    /// When period `number` begins; nil while it is pending.
    package func start(ofPeriod number: Int64) -> Timestamp? {
        anchorAt.map { term.start(ofPeriod: number, anchor: $0) }
    }

    /// Says when it is next looked at, from where it stands.
    package mutating func schedule() {
        guard state == .active, endsAt == nil, let renewsAt else {
            nextAt = nil
            return
        }
        if term == .hourly { isAnnounced = true }
        nextAt = isAnnounced ? renewsAt : renewsAt.adding(days: -Self.noticeDays)
    }

    /// The next daily try after `now`, at the due time of day, and the last one seven days after the first.
    package func nextTry(after now: Timestamp) -> Timestamp {
        let last = (pastDueSince ?? now).adding(days: Self.graceDays)
        let due = dueAt ?? now
        let days = (now.milliseconds - due.milliseconds) / Timestamp.millisecondsPerDay
        let daily = due.adding(days: max(days, 0) + 1)
        return last.milliseconds - daily.milliseconds < Self.triesApartMilliseconds ? last : daily
    }

    /// Whether what it owes may be tried next at `instant`: `nextTry` says no other times.
    func isTry(at instant: Timestamp) -> Bool {
        pastDueSince != nil && nextTry(after: instant.adding(milliseconds: -1)) == instant
    }

    /// Whether no more than the last try is left of its seven days.
    package func isGraceOver(at now: Timestamp) -> Bool {
        pastDueSince.map { now >= $0.adding(days: Self.graceDays) } ?? false
    }

    /// Counts every hour that has begun before `instant`.
    package mutating func accrue(until instant: Timestamp) {
        guard let from = accruesFrom, instant > from else { return }
        let hours = (instant.milliseconds - from.milliseconds + Self.hour - 1) / Self.hour
        accruedHours += hours
        accruesFrom = from.adding(milliseconds: hours * Self.hour)
    }

    /// Its hours count again: from now on, but none twice. One that ends is charged at its end.
    package mutating func countAgain(from now: Timestamp) {
        guard term == .hourly, let from = accruesFrom else { return }
        accruesFrom = max(from, now)
        renewsAt = endsAt == nil ? dailyCharge(after: now) : nil
    }

    /// The first charge for which a price holds that is agreed now and is no lower. Periods that have begun are of the
    /// old one, paid or not, and so are the hours of the day that runs. `charged`: hours that were charged.
    package func repricedFrom(at now: Timestamp, charged: Int64) -> Int64 {
        var number = period + 1
        guard term == .hourly else {
            while let begins = start(ofPeriod: number), begins <= now { number += 1 }
            return number
        }
        var counted = self
        var hours = charged
        while counted.isRunning, let due = counted.renewsAt, due <= now {
            counted.accrue(until: due)
            counted.renewsAt = counted.dailyCharge(after: due)
            // A day without an hour is not charged.
            if counted.accruedHours > hours { number += 1 }
            hours = counted.accruedHours
        }
        return number + 1
    }

    /// The end of the hour that has begun.
    package func hourEnd(at now: Timestamp) -> Timestamp {
        var counted = self
        counted.accrue(until: now)
        return max(counted.accruesFrom ?? now, now)
    }

    /// The first daily charge after `instant`: days from the anchor on.
    package func dailyCharge(after instant: Timestamp) -> Timestamp? {
        guard let anchorAt else { return nil }
        let days = (instant.milliseconds - anchorAt.milliseconds) / Timestamp.millisecondsPerDay
        return start(ofPeriod: max(days, 0) + 1)
    }

    private static let hour: Int64 = 3_600_000

    /// Whether so many hours may have been counted between two instants: pauses only lengthen.
    static func hours(_ count: Int64, fitBetween start: Timestamp, and end: Timestamp) -> Bool {
        let (length, overflow) = count.multipliedReportingOverflow(by: hour)
        return !overflow && count >= 0 && length <= end.milliseconds - start.milliseconds
    }

    /// Whether so many hours that were counted one after the other reach from one instant to the other, or beyond.
    static func hours(_ count: Int64, reachFrom start: Timestamp, to end: Timestamp) -> Bool {
        let (length, overflow) = count.multipliedReportingOverflow(by: hour)
        return overflow || end.milliseconds - start.milliseconds <= length
    }
}

/// The period that an order paid, as a service begins it.
package struct FirstPeriod: Sendable {
    package let anchor: Timestamp
    package let renewsAt: Timestamp
    package let nextAt: Timestamp
    package let isAnnounced: Bool
    package let accruesFrom: Timestamp?
    package let kind: DueKind

    package init(of term: Term, from now: Timestamp) {
        anchor = now
        renewsAt = term.start(ofPeriod: 1, anchor: now)
        isAnnounced = term == .hourly
        nextAt = isAnnounced ? renewsAt : renewsAt.adding(days: -Service.noticeDays)
        accruesFrom = isAnnounced ? now : nil
        kind = isAnnounced ? .hourly : .notice
    }
}
