import CallKit
package import TenantRegistry

/// How long a service runs before it renews (W4). Hourly terms are charged daily (W3), so they renew each day.
package enum Term: String, Sendable, CaseIterable, AnswerValue {
    case monthly
    case quarterly
    case semiAnnual = "semi_annual"
    case annual
    case hourly

    /// Calendar months; nil for hourly.
    package var months: Int? {
        switch self {
        case .monthly: 1
        case .quarterly: 3
        case .semiAnnual: 6
        case .annual: 12
        case .hourly: nil
        }
    }

    /// The end of the term that starts at `start`, at the same time of day in UTC. `anchorDay` (1…31) is the day of the
    /// month on which the service began: a month too short for it ends on its last day, the next long one on the anchor
    /// again (31 Jan → 28 Feb → 31 Mar).
    package func advance(from start: Timestamp, anchorDay: Int) -> Timestamp {
        guard let months else { return start.adding(days: 1) }
        let date = start.date
        let monthIndex = date.year * 12 + date.month - 1 + months
        let (year, month) = (monthIndex / 12, monthIndex % 12 + 1)
        let day = min(max(anchorDay, 1), CivilDate.lastDay(year: year, month: month))
        guard let next = CivilDate(year: year, month: month, day: day) else { return .latest }
        return Timestamp(next, millisecondOfDay: start.millisecondOfDay)
    }
}
