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

    /// When period `number` of a service begins: `anchor` and so many terms on, at the anchor's time of day in UTC
    /// (W9). A month too short for the anchor's day has it on its last one. Period 0 begins at the anchor, and each is
    /// computed from there, so that none drifts (31 Jan → 28 Feb → 31 Mar).
    package func start(ofPeriod number: Int64, anchor: Timestamp) -> Timestamp {
        let number = min(max(number, 0), Self.periodsMax)
        guard let months else { return anchor.adding(days: number) }
        let date = anchor.date
        let monthIndex = date.year * 12 + date.month - 1 + months * Int(number)
        let (year, month) = (monthIndex / 12, monthIndex % 12 + 1)
        let day = min(date.day, CivilDate.lastDay(year: year, month: month))
        guard let start = CivilDate(year: year, month: month, day: day) else { return .latest }
        return Timestamp(start, millisecondOfDay: anchor.millisecondOfDay)
    }

    /// Past it every period begins at the end of time.
    private static let periodsMax: Int64 = 4_000_000
}
