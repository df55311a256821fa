package import CallKit
package import RateLimiter
package import TenantRegistry

/// What a limit would have refused of the calls that the audit log has of a key, or of all keys of a reseller (O2).
///
/// The log is read a stretch a lane job and judged off the lane, so that no rehearsal holds a lane, however long the
/// log. The limit is judged by itself: what other levels refused then is asked of it all the same (decision 0036).
package struct RehearseLimit: Sendable {
    /// The limit to try, and on how much.
    package struct Trial: Sendable {
        package let limit: Policy
        package let days: Int64

        /// A burst that is not the requests stays as it is where the smallest limit is looked for.
        var keepsBurst: Bool { limit.burst != limit.requests }

        package init(limit: Policy, days: Int64) {
            self.limit = limit
            self.days = days
        }
    }

    package struct Counts: Sendable {
        package var asked = 0
        package var refusedThen = 0
        package var wouldBeRefused = 0
        /// Of those asked, the ones whose instants are not known one by one.
        package var countedOnly = 0
    }

    package struct Hour: Sendable {
        package let key: String
        package let begins: Timestamp
        package let counts: Counts
    }

    package struct Report: Sendable {
        package let limit: Policy
        package let from: Timestamp
        package let until: Timestamp
        package let reachesBackTo: Timestamp
        package let totals: Counts
        package let smallest: Policy?
        package let hours: [Hour]
    }

    package static let daysMax: Int64 = 31

    package let trial: Trial
    package let now: Timestamp
    /// Whose calls are looked at, by the names that are shown.
    package let callers: @Sendable (TenantReader) throws -> [Int64: String]

    package init(
        _ trial: Trial, now: Timestamp, callers: @escaping @Sendable (TenantReader) throws -> [Int64: String]
    ) {
        self.trial = trial
        self.now = now
        self.callers = callers
    }

    package func run(_ steps: Steps) async throws -> Report {
        try await steps.flushReads()
        let callers = callers
        let (names, begins) = try await steps.read { (try callers($0), try $0.firstCall()) }
        let keys = names.keys.sorted()
        let from = now.adding(days: -trial.days)
        let (calls, end) = try await gather(from, keys, steps)
        let reach = [from, begins, end?.adding(milliseconds: 1)].compactMap { $0 }.max() ?? from
        return try await steps.background {
            report(calls, keys.map { names[$0] ?? "" }, from: from, reachesBackTo: reach)
        }
    }

    /// The calls of the period, and the instant up to which some are missing where there are too many.
    private func gather(
        _ from: Timestamp, _ keys: [Int64], _ steps: Steps
    ) async throws -> ([CalledInstants.Instant], Timestamp?) {
        let instants = CalledInstants(from: from, until: now, keys: keys)
        var calls: [CalledInstants.Instant] = []
        var row: Int64? = .max
        while let sequence = row {
            let room = CalledInstants.callsMax - calls.count
            guard room > 0 else { return (calls, try await steps.read { try $0.latestCall(upTo: sequence) }) }
            let stretch = try await steps.read { try $0.calledStretch(from: sequence, since: from) }
            calls += try await steps.background { instants.calls(in: stretch.rows, most: room) }
            row = stretch.next
        }
        return (calls, nil)
    }

    private func report(
        _ gathered: [CalledInstants.Instant], _ names: [String], from: Timestamp, reachesBackTo reach: Timestamp
    ) -> Report {
        let beginning = reach.milliseconds - from.milliseconds
        let calls = gathered.filter { Int64($0.milliseconds) >= beginning }.sorted()
        let rehearsal = Rehearsal(risingMilliseconds: calls.map(\.milliseconds))
        var isRefused = [Bool](repeating: false, count: calls.count)
        rehearsal.refusals(under: trial.limit) { isRefused[$0] = true }
        var totals = Counts()
        var hours: [Place: Counts] = [:]
        for (call, isRefused) in zip(calls, isRefused) {
            let hour = (from.milliseconds + Int64(call.milliseconds)) / Timestamp.millisecondsPerHour
            totals.add(call, isRefused)
            hours[Place(hour: hour, key: call.place), default: Counts()].add(call, isRefused)
        }
        return Report(
            limit: trial.limit, from: from, until: now, reachesBackTo: reach, totals: totals,
            smallest: rehearsal.smallest(
                windowSeconds: trial.limit.windowSeconds, burst: trial.keepsBurst ? trial.limit.burst : nil),
            hours: hours.sorted { $0.key < $1.key }.map { place, counts in
                Hour(
                    key: names[place.key], begins: Timestamp(hour: place.hour),
                    counts: counts)
            })
    }

    private struct Place: Hashable, Comparable {
        let hour: Int64
        let key: Int

        static func < (left: Self, right: Self) -> Bool { (left.hour, left.key) < (right.hour, right.key) }
    }
}

extension RehearseLimit.Counts {
    fileprivate mutating func add(_ call: CalledInstants.Instant, _ isRefused: Bool) {
        asked += 1
        if call.isRefused { refusedThen += 1 }
        if isRefused { wouldBeRefused += 1 }
        if call.isCounted { countedOnly += 1 }
    }
}
