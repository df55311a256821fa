import Cryptography
import TenantApp
import TenantRegistry
import Testing

@Suite struct ScheduleTests {
    private static let now = Timestamp(milliseconds: 1_790_000_000_000)
    private static let delays: [Int64] = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400]

    private static func waits(_ failure: Int64, _ asked: RetryAfter?, _ random: SeededRandom) -> Int64? {
        DeliverySchedule.next(afterFailure: failure, at: now, asked: asked, random: random)
            .map { $0.milliseconds - now.milliseconds }
    }

    @Test("H3 each of the nine delays is waited for once to 1.2 times, and after the tenth failure none")
    func delays() throws {
        let random = SeededRandom(seed: 3)
        for (index, seconds) in Self.delays.enumerated() {
            let own = seconds * 1_000
            let waits = try (0..<2_000).map { _ in try #require(Self.waits(Int64(index + 1), nil, random)) }
            let (least, most) = try (#require(waits.min()), #require(waits.max()))
            #expect(least >= own && most <= own + own / 5)
            // All of the room is used.
            #expect(least < own + own / 50 && most > own + own / 5 - own / 50)
        }
        #expect(Self.waits(10, nil, random) == nil)
        #expect(Self.waits(10, .seconds(60), random) == nil)
    }

    @Test("H3 a thousand that failed at one instant come back spread: no second has more than 1.2 % of them")
    func spread() throws {
        let random = SeededRandom(seed: 7)
        var bySecond: [Int64: Int] = [:]
        for _ in 0..<1_000 { bySecond[try #require(Self.waits(3, nil, random)) / 1_000, default: 0] += 1 }
        #expect(try #require(bySecond.values.max()) <= 12)
    }

    @Test("H3 Retry-After lengthens a delay, by two hours at the most, and never shortens one")
    func retryAfter() throws {
        let random = SeededRandom(seed: 5)
        let hour: Int64 = 3_600 * 1_000
        // Shorter than the schedule's own, longer, and much longer.
        for asked in [RetryAfter.seconds(1), .date(Self.now.adding(seconds: -60)), .date(Self.now.adding(seconds: 2))] {
            let wait = try #require(Self.waits(2, asked, random))
            #expect(300_000...360_000 ~= wait)
        }
        for asked in [RetryAfter.seconds(900), .date(Self.now.adding(seconds: 900))] {
            #expect(Self.waits(2, asked, random) == 900_000)
        }
        for asked in [RetryAfter.seconds(999_999_999), .date(Self.now.adding(days: 30))] {
            let wait = try #require(Self.waits(2, asked, random))
            #expect(300_000 + 2 * hour...360_000 + 2 * hour ~= wait)
        }
    }

    @Test("H3 Retry-After is read as seconds and in the three forms of dates; whatever else it says is not heard")
    func retryAfterTexts() {
        let date = RetryAfter.date(Timestamp(seconds: 784_111_777))
        for text in [
            "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994",
            "  Sun, 06 Nov 1994 08:49:37 GMT ",
        ] { #expect(RetryAfter(parsing: text) == date, "\(text)") }
        #expect(RetryAfter(parsing: "120") == .seconds(120))
        #expect(RetryAfter(parsing: " 0 ") == .seconds(0))
        #expect(RetryAfter(parsing: "0000000000120") == .seconds(120))
        #expect(RetryAfter(parsing: String(repeating: "9", count: 40)) == .seconds(999_999_999))
        for text in [
            "", " ", "-5", "+5", "1.5", "soon", "1e3", "120 s", "Sun, 06 Nov 1994 08:49:37",
            "Sun, 31 Feb 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 25:49:37 GMT", "Sun, 06 Nov 1994 08:49:99 GMT", "Xxx, 06 Nov 1994 08:49:37 GMT", "٣",
            "Sun, 06 Nov 94 08:49:37 GMT", "1994-11-06T08:49:37Z",
        ] { #expect(RetryAfter(parsing: text) == nil, "\(text)") }
    }

    @Test("H3 2xx alone is success; redirects, 410 and all others have words of their own")
    func outcomes() {
        for status in 200..<300 { #expect(AttemptResult.outcome(ofStatus: status) == .delivered) }
        for status in [301, 302, 303, 307, 308, 304, 300] {
            #expect(AttemptResult.outcome(ofStatus: status) == .redirect)
        }
        #expect(AttemptResult.outcome(ofStatus: 410) == .gone)
        for status in [400, 404, 408, 409, 429, 500, 503, 599, 100, 0] {
            #expect(AttemptResult.outcome(ofStatus: status) == .status)
        }
    }

    @Test("H4 of an answer a printable kibibyte is kept")
    func excerpts() throws {
        let at = Self.now
        func excerpt(_ bytes: [UInt8]) -> String? {
            AttemptResult(deliveryID: 1, at: at, milliseconds: 1, outcome: .status, status: 500, answer: bytes).excerpt
        }
        #expect(excerpt([]) == nil)
        #expect(excerpt(Array("no such\thook\r\n\u{1B}[2J\u{202E}x\0".utf8)) == "no such.hook...[2J.x.")
        #expect(excerpt([0xFF, 0x41, 0xC3]) == ".A.")
        #expect(excerpt(Array("größer".utf8)) == "größer")
        for bytes in [
            [UInt8](repeating: 0x41, count: 70_000), [UInt8](repeating: 0xFF, count: 70_000),
            Array(String(repeating: "€", count: 30_000).utf8), Array(String(repeating: "😀", count: 30_000).utf8),
        ] {
            let kept = try #require(excerpt(bytes))
            #expect(kept.utf8.count <= 1_024 && kept.utf8.count > 1_000)
        }
    }
}
