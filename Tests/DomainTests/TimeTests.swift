import CallKit
import TenantApp
import TenantRegistry
import TestSeeds
import Testing

private func time(_ text: String) throws -> Timestamp { try #require(Timestamp(parsing: text), "\(text)") }

@Suite struct Timestamps {
    @Test(
        "an instant is written as RFC 3339 in UTC",
        arguments: [
            (0, "1970-01-01T00:00:00.000Z"), (-1, "1969-12-31T23:59:59.999Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_774_175_400_000, "2026-03-22T10:30:00.000Z"), (1_614_265_330_123, "2021-02-25T15:02:10.123Z"),
            (-62_167_219_200_000, "0000-01-01T00:00:00.000Z"), (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
            (Int64.max, "9999-12-31T23:59:59.999Z"), (Int64.min, "0000-01-01T00:00:00.000Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
        ])
    func writing(milliseconds: Int64, text: String) throws {
        #expect(Timestamp(milliseconds: milliseconds).text == text)
        #expect(try time(text) == Timestamp(milliseconds: milliseconds))
    }

    @Test(
        "offsets and fractions are read to the millisecond",
        arguments: [
            ("2026-03-22T10:30:00Z", "2026-03-22T10:30:00.000Z"),
            ("2026-03-22T10:30:00.5Z", "2026-03-22T10:30:00.500Z"),
            ("2026-03-22T10:30:00.123456789Z", "2026-03-22T10:30:00.123Z"),
            ("2026-03-22T10:30:00+02:00", "2026-03-22T08:30:00.000Z"),
            ("2026-01-01T00:30:00+01:00", "2025-12-31T23:30:00.000Z"),
            ("2025-12-31T23:30:00-05:30", "2026-01-01T05:00:00.000Z"),
            ("2024-02-29T12:00:00.000+00:00", "2024-02-29T12:00:00.000Z"),
        ])
    func reading(text: String, utc: String) throws { #expect(try time(text).text == utc) }

    @Test(
        "anything else is refused",
        arguments: [
            "", "2026-03-22", "2026-03-22T10:30:00", "2026-03-22T10:30Z", "2026-03-22 10:30:00Z",
            "2026-03-22t10:30:00z", "2026-3-22T10:30:00Z",
            "2026-02-29T00:00:00Z", "1900-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z",
            "2026-04-31T00:00:00Z", "2026-01-00T00:00:00Z",
            "2026-01-01T24:00:00Z", "2026-01-01T00:60:00Z", "2026-12-31T23:59:60Z", "2026-01-01T00:00:00.Z",
            "2026-01-01T00:00:00.1234567890Z",
            "2026-01-01T00:00:00-00:00", "2026-01-01T00:00:00+24:00", "2026-01-01T00:00:00+0200",
            "2026-01-01T00:00:00ZZ", "+2026-01-01T00:00:00Z",
            "0000-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01", "２026-01-01T00:00:00Z",
        ])
    func refused(text: String) { #expect(Timestamp(parsing: text) == nil) }

    @Test("the calendar holds over four centuries, day by day")
    func calendar() {
        var (year, month, day) = (1799, 12, 31)
        let start = CivilDate(year: 1799, month: 12, day: 31)?.daysSinceEpoch ?? 0
        for days in start...start + 4 * 146_097 / 4 + 400 {
            let date = CivilDate(daysSinceEpoch: days)
            #expect(date.year == year && date.month == month && date.day == day && date.daysSinceEpoch == days)
            day += 1
            let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
            let last = [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1]
            if day > last { (day, month) = (1, month + 1) }
            if month > 12 { (month, year) = (1, year + 1) }
        }
    }

    @Test("any instant reads back from its text, and texts sort as instants do")
    func roundTrip() throws {
        var random = Seeded(state: 11)
        for _ in 0..<5000 {
            let one = Timestamp(
                milliseconds: Int64.random(in: -62_167_219_200_000...253_402_300_799_999, using: &random))
            let two = Timestamp(
                milliseconds: Int64.random(in: -62_167_219_200_000...253_402_300_799_999, using: &random))
            #expect(try time(one.text) == one)
            #expect((one < two) == (one.text < two.text))
        }
    }

    @Test("arithmetic stops at the ends instead of failing")
    func arithmetic() {
        let start = Timestamp(milliseconds: 1500)
        #expect(start.adding(seconds: 2).milliseconds == 3500)
        #expect(start.adding(days: -1).milliseconds == 1500 - 86_400_000)
        #expect(start.seconds == 1 && Timestamp(milliseconds: -1).seconds == -1)
        #expect(start.adding(seconds: .max) == .latest && start.adding(days: .min) == .earliest)
        #expect(Timestamp(seconds: .max) == .latest && Timestamp(seconds: 5).milliseconds == 5000)
    }

    @Test("a manual clock moves only when told; the system's clocks run on")
    func clocks() {
        let wall = ManualClock(Timestamp(milliseconds: 10))
        wall.advance(seconds: 2)
        #expect(wall.now().milliseconds == 2010)
        wall.set(Timestamp(milliseconds: 5))
        #expect(wall.now().milliseconds == 5)
        let steady = ManualMonotonicClock(nanoseconds: 7)
        steady.advance(nanoseconds: 3)
        #expect(steady.nanoseconds() == 10)
        let first = SystemMonotonicClock().nanoseconds()
        #expect(SystemMonotonicClock().nanoseconds() >= first)
        #expect(SystemClock().now() > Timestamp(milliseconds: 1_700_000_000_000))
    }
}

@Suite struct Terms {
    @Test(
        "W9 a term ends on its anchor day, or on the last day of a month too short for it",
        arguments: [
            (Term.monthly, ["2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30", "2026-05-31"]),
            (.monthly, ["2024-01-31", "2024-02-29", "2024-03-31"]),
            (.monthly, ["2026-01-30", "2026-02-28", "2026-03-30"]),
            (.monthly, ["2100-01-29", "2100-02-28", "2100-03-29"]),
            (.monthly, ["2000-01-29", "2000-02-29", "2000-03-29"]),
            (.monthly, ["2025-12-31", "2026-01-31"]), (.monthly, ["2026-12-01", "2027-01-01"]),
            (.quarterly, ["2025-11-30", "2026-02-28", "2026-05-30", "2026-08-30", "2026-11-30"]),
            (.semiAnnual, ["2025-08-31", "2026-02-28", "2026-08-31"]),
            (.semiAnnual, ["2026-06-15", "2026-12-15", "2027-06-15"]),
            (.annual, ["2024-02-29", "2025-02-28", "2026-02-28", "2027-02-28", "2028-02-29"]),
            (.annual, ["2026-12-31", "2027-12-31"]),
            (.hourly, ["2026-02-28", "2026-03-01", "2026-03-02"]), (.hourly, ["2026-12-31", "2027-01-01"]),
        ])
    func renewals(term: Term, days: [String]) throws {
        let anchor = try time("\(days[0])T13:45:59.250Z")
        for (number, day) in days.enumerated() {
            #expect(term.start(ofPeriod: Int64(number), anchor: anchor).text == "\(day)T13:45:59.250Z")
        }
    }

    @Test("W9 over ten years periods from any day of four years have no hole, no overlap and no drift")
    func property() {
        let midnight = Timestamp(CivilDate(year: 2023, month: 12, day: 1) ?? CivilDate(daysSinceEpoch: 0))
        for day in 0..<4 * 366 {
            let anchor = midnight.adding(days: Int64(day)).adding(milliseconds: Int64(day) * 58_321)
            for term in Term.allCases {
                let count = term.months.map { Int64(120 / $0) } ?? 400
                var last = term.start(ofPeriod: 0, anchor: anchor)
                #expect(last == anchor)
                for number in 1...count {
                    let start = term.start(ofPeriod: number, anchor: anchor)
                    let (date, anchorDate) = (start.date, anchor.date)
                    let months = (date.year - anchorDate.year) * 12 + date.month - anchorDate.month
                    let isRight =
                        term.months.map {
                            months == $0 * Int(number)
                                && (date.day == anchorDate.day
                                    || date.day < anchorDate.day
                                        && date.day == CivilDate.lastDay(year: date.year, month: date.month))
                        } ?? (start.milliseconds - last.milliseconds == Timestamp.millisecondsPerDay)
                    if !isRight || start <= last || start.millisecondOfDay != anchor.millisecondOfDay {
                        Issue.record("\(term) from \(anchor.text): period \(number) begins at \(start.text)")
                    }
                    last = start
                }
            }
        }
        #expect(Term.annual.start(ofPeriod: 1, anchor: .latest) == .latest)
        #expect(Term.monthly.start(ofPeriod: .max, anchor: midnight) == .latest)
    }

    @Test("W4 terms have the names of the wire")
    func names() {
        #expect(Term.allCases.map(\.rawValue) == ["monthly", "quarterly", "semi_annual", "annual", "hourly"])
    }
}

@Suite struct Lifecycles {
    @Test(
        "O3 the five allowed kinds of move, and no other", arguments: ResellerState.allCases,
        ResellerState.Move.allCases)
    func moves(state: ResellerState, move: ResellerState.Move) {
        let allowed: [ResellerState: [ResellerState.Move: ResellerState]] = [
            .pending: [.approve: .active, .terminate: .terminated],
            .active: [.suspend: .suspended, .terminate: .terminated],
            .suspended: [.resume: .active, .terminate: .terminated], .terminated: [:],
        ]
        #expect(state.after(move) == allowed[state]?[move])
    }
}
