import CallKit
package import Cryptography
package import TenantRegistry

/// How an attempt to deliver ended (H3). Words that people see: docs/webhooks.md says what each means.
package enum AttemptOutcome: String, Sendable, CaseIterable, AnswerValue {
    /// 2xx.
    case delivered
    /// Any other status but 410 and redirects.
    case status
    /// 3xx, which is not followed.
    case redirect
    /// 410: the endpoint is no more.
    case gone
    /// Its name leads nowhere.
    case dns
    case refused
    case reset
    case tls
    case timedOut = "timed_out"
    /// The head of its answer is too long.
    case tooLong = "too_long"
    /// Its name leads to an address that is not called (H6).
    case addressRefused = "address_refused"
    /// Its answer is no HTTP.
    case unreadable
    /// By us: it uses up no attempt.
    case interrupted

    /// The receiver's own: only those count.
    var isFailure: Bool { self != .delivered && self != .interrupted }
}

/// When a delivery that failed is tried again (H3). Pure; the jitter comes from the source that is given.
package enum DeliverySchedule {
    /// After the first failure, the second, …: 75 h 35 min in all.
    package static let delaysSeconds: [Int64] = [
        5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400,
    ]
    /// The failure that ends it.
    package static let attemptsMax = Int64(delaysSeconds.count + 1)
    /// What an endpoint asks for lengthens a delay by so much at the most.
    package static let retryAfterMillisecondsMax: Int64 = 2 * 3_600 * 1_000
    /// What was interrupted by us goes on after so long.
    package static let interruptedMilliseconds: Int64 = 5_000

    /// When the next attempt is due, after so many failures; nil after the last one.
    package static func next(
        afterFailure failure: Int64, at now: Timestamp, asked: RetryAfter?, random: any RandomSource
    ) -> Timestamp? {
        guard 1...Int64(delaysSeconds.count) ~= failure else { return nil }
        let own = spread(delaysSeconds[Int(failure - 1)] * 1_000, random)
        let wanted = asked.map { $0.milliseconds(from: now) } ?? 0
        return now.adding(milliseconds: min(max(own, wanted), own + retryAfterMillisecondsMax))
    }

    /// × 1.0 to 1.2, each as likely as any other.
    package static func spread(_ milliseconds: Int64, _ random: any RandomSource) -> Int64 {
        milliseconds + Int64(random.below(UInt64(milliseconds / 5 + 1)))
    }
}
