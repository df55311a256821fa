import Testing

@testable import TenantRegistry

@Suite struct CounterTests {
    private func time(_ text: String) throws -> Timestamp { try #require(Timestamp(parsing: text)) }

    @Test("P2 a clock that steps back over the month's first midnight renews no quota, there and back")
    func stepBack() throws {
        let (before, after) = (try time("2026-10-31T23:59:59Z"), try time("2026-11-01T00:00:00Z"))
        let counters = TenantCounters()
        counters.start(month: before.monthNumber, count: 5, last: nil)
        // November begins at once, and goes on whatever the clock says.
        let answers = [after, before, after, before].map { counters.admit(at: $0, monthlyMax: 3) }
        #expect(answers == [true, true, true, false])
        #expect(counters.used(at: before) == 4 && counters.used(at: after) == 4)
        #expect(counters.snapshot.month == after.monthNumber)
    }

    @Test("P2 a clock that was a year ahead does not make one quota of the year")
    func farAhead() throws {
        let (now, ahead) = (try time("2026-10-31T00:00:00Z"), try time("2027-10-31T00:00:00Z"))
        let counters = TenantCounters()
        counters.start(month: now.monthNumber, count: 0, last: nil)
        #expect(counters.admit(at: ahead, monthlyMax: 1))
        #expect(counters.used(at: now) == 0)
        #expect(counters.admit(at: now, monthlyMax: 1))
        #expect(counters.snapshot.month == now.monthNumber)
    }

    @Test("P2 a count from elsewhere that no month comes to ends no process", arguments: [Int64.max, .min, -1])
    func foreignCount(count: Int64) throws {
        let now = try time("2026-10-31T00:00:00Z")
        let counters = TenantCounters()
        counters.start(month: now.monthNumber, count: count, last: nil)
        #expect(counters.admit(at: now, monthlyMax: 1) == (count < 0))
        #expect(TenantCounters.counts.contains(counters.used(at: now) - 1))
    }
}
