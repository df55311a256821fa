import CallKit
import TenantRegistry
import Testing

@testable import TenantApp

/// The life of a unit at its provisioner, walked state by state (W13).
@Suite struct ProvisioningTests {
    private static let start = Timestamp(seconds: 1_790_000_000)

    private static func unit(
        _ wanted: WantedState, _ actual: ProvisionedState, _ verb: ProvisioningVerb?, _ phase: ProvisioningPhase
    ) -> ProvisioningState {
        let isOpen = phase == .asking || phase == .pending
        return ProvisioningState(
            wanted: wanted, actual: actual, verb: verb, n: 7, phase: phase, tries: 3, since: start,
            nextAt: isOpen ? start : nil)
    }

    /// Every state that a unit can be in.
    private static let all: [ProvisioningState] = WantedState.allCases.flatMap { wanted in
        ProvisionedState.allCases.flatMap { actual in
            [unit(wanted, actual, nil, .idle)]
                + ProvisioningVerb.allCases.flatMap { verb in
                    [ProvisioningPhase.asking, .pending, .stuck].map { unit(wanted, actual, verb, $0) }
                }
        }
    }

    private static let answers: [ProvisioningAnswer] = [
        .ready(nil), .ready(ServiceDetails([])), .pending, .failed(nil), .failed("no"), .absent, .unclear,
    ]

    private static func isSound(_ unit: ProvisioningState) -> Bool {
        (unit.verb == nil) == (unit.phase == .idle)
            && (unit.nextAt == nil) == (unit.phase == .idle || unit.phase == .stuck)
    }

    @Test("W13 a unit that was just ordered is to be created, first of all and now")
    func ordered() {
        let unit = ProvisioningState(orderedAt: Self.start)
        #expect(unit.verb == .create && unit.n == ProvisioningState.createNumber && unit.nextAt == Self.start)
        #expect(unit.shown == .creating)
    }

    @Test("W13 after every answer and every wish a unit has one verb or rests, and its number never falls")
    func sound() {
        for before in Self.all {
            for answer in Self.answers {
                var unit = before
                _ = unit.take(answer, at: Self.start)
                #expect(Self.isSound(unit) && unit.n >= before.n, "\(before) took \(answer): \(unit)")
                var late = before
                _ = late.takeLate(answer, of: .create, at: Self.start)
                #expect(Self.isSound(late) && late.n >= before.n)
            }
            for wish in WantedState.allCases {
                var unit = before
                unit.want(wish, at: Self.start)
                #expect(Self.isSound(unit) && unit.n >= before.n, "\(before) wants \(wish): \(unit)")
            }
            var unit = before
            unit.retry(at: Self.start)
            #expect(Self.isSound(unit) && unit.n == before.n)
            unit.settle(at: Self.start)
            #expect(Self.isSound(unit))
        }
    }

    @Test("W13 only a clear no to create gives its money back; only a yes to create sells it")
    func money() {
        for before in Self.all {
            for answer in Self.answers {
                var unit = before
                let outcome = unit.take(answer, at: Self.start)
                switch answer {
                case .ready(let details) where before.verb == .create: #expect(outcome == .created(details))
                case .failed(let reason) where before.verb == .create: #expect(outcome == .refused(reason))
                case .absent where before.verb == .create: #expect(outcome == .refused(nil))
                case .ready(let details?) where before.verb != nil: #expect(outcome == .details(details))
                default: #expect(outcome == .nothing, "\(before) took \(answer)")
                }
                if case .refused = outcome { #expect(unit.wanted == .terminated && unit.verb == .terminate) }
            }
        }
    }

    @Test("W13 a unit that is to go never comes back, whatever is wished for later")
    func terminated() {
        for before in Self.all where before.wanted == .terminated {
            for wish in WantedState.allCases {
                var unit = before
                unit.want(wish, at: Self.start)
                #expect(unit == before)
            }
        }
        for before in Self.all where before.wanted != .terminated {
            var unit = before
            unit.want(.terminated, at: Self.start)
            let isGone = before.verb == nil && before.actual == .terminated
            #expect(unit.verb == (isGone ? nil : .terminate), "\(before)")
        }
    }

    @Test(
        "W13 the next verb follows from what is there and what is wanted",
        arguments: [
            (ProvisionedState.active, WantedState.suspended, ProvisioningVerb?.some(.suspend)),
            (.suspended, .active, .unsuspend), (.active, .terminated, .terminate),
            (.suspended, .terminated, .terminate), (.unknown, .terminated, .terminate), (.active, .active, nil),
            (.suspended, .suspended, nil), (.terminated, .terminated, nil),
        ])
    func next(actual: ProvisionedState, wanted: WantedState, verb: ProvisioningVerb?) {
        var unit = Self.unit(actual == .suspended ? .suspended : .active, actual, nil, .idle)
        unit.want(wanted, at: Self.start)
        #expect(unit.verb == verb && unit.n == (verb == nil ? 7 : 8))
    }

    @Test("W13 wishes behind a verb that runs collapse: only the last counts, and nothing is asked in between")
    func collapse() {
        var unit = ProvisioningState(orderedAt: Self.start)
        for wish in [WantedState.suspended, .active, .suspended, .active] {
            unit.want(wish, at: Self.start)
            #expect(unit.verb == .create && unit.n == 1)
        }
        _ = unit.take(.ready(nil), at: Self.start)
        #expect(unit.verb == nil && unit.actual == .active && unit.n == 1)
        unit.want(.suspended, at: Self.start)
        unit.want(.active, at: Self.start)
        #expect(unit.verb == .suspend && unit.n == 2)
        _ = unit.take(.ready(nil), at: Self.start)
        #expect(unit.verb == .unsuspend && unit.n == 3)
    }

    @Test("W13 an unclear answer is asked again under the same number after 5 s to 10 min, for 24 hours")
    func unclear() {
        var unit = ProvisioningState(orderedAt: Self.start)
        var now = Self.start
        var pauses: [Int64] = []
        while unit.phase == .asking {
            let outcome = unit.take(.unclear, at: now)
            #expect(outcome == .nothing && unit.n == 1)
            guard let next = unit.nextAt else { break }
            pauses.append(next.seconds - now.seconds)
            now = next
        }
        #expect(unit.phase == .stuck && unit.shown == .stuck)
        #expect(Array(pauses.prefix(8)) == [5, 10, 20, 40, 80, 160, 320, 600] && pauses.last == 600)
        #expect(now.seconds - Self.start.seconds >= 24 * 3600 && now.seconds - Self.start.seconds < 24 * 3600 + 600)
        unit.retry(at: now)
        #expect(unit.phase == .asking && unit.n == 1 && unit.nextAt == now)
        let outcome = unit.take(.ready(nil), at: now)
        #expect(outcome == .created(nil))
    }

    @Test("W13 terminate is asked 30 times at the most within 7 days, and then shown for a person")
    func orphan() {
        var unit = Self.unit(.active, .active, nil, .idle)
        unit.want(.terminated, at: Self.start)
        var now = Self.start
        var tries = 0
        while unit.phase == .asking {
            _ = unit.take(tries % 2 == 0 ? .failed("busy") : .unclear, at: now)
            tries += 1
            now = unit.nextAt ?? now
        }
        #expect(unit.shown == .orphan && tries == 30)
        #expect(now.seconds - Self.start.seconds <= 7 * 86_400 && now.seconds - Self.start.seconds > 5 * 86_400)
        unit.settle(at: now)
        #expect(unit.shown == .terminated && unit.verb == nil)
    }

    @Test("W13 a unit made after it was given up is asked away again, under a new number")
    func late() {
        var unit = ProvisioningState(orderedAt: Self.start)
        let refused = unit.take(.failed("no"), at: Self.start)
        #expect(refused == .refused("no"))
        _ = unit.take(.absent, at: Self.start)
        #expect(unit.shown == .terminated && unit.n == 2)
        for (answer, verb) in [(ProvisioningAnswer.failed(nil), ProvisioningVerb.create), (.ready(nil), .terminate)] {
            let isNews = unit.takeLate(answer, of: verb, at: Self.start)
            #expect(!isNews && unit.verb == nil)
        }
        let isNews = unit.takeLate(.ready(nil), of: .create, at: Self.start)
        #expect(isNews && unit.verb == .terminate && unit.n == 3 && unit.shown == .terminating)
        var sold = ProvisioningState(orderedAt: Self.start)
        _ = sold.take(.ready(nil), at: Self.start)
        let isUndone = sold.takeLate(.ready(nil), of: .create, at: Self.start)
        #expect(!isUndone && sold.verb == nil)
    }

    @Test(
        "W13 what an answer says hangs on its status and body",
        arguments: [
            (200, #"{"state":"ready"}"#, ProvisioningAnswer.ready(nil)), (202, #"{"state":"pending"}"#, .pending),
            (200, #"{"state":"pending"}"#, .pending), (200, #"{"state":"failed","reason":"no"}"#, .failed("no")),
            (200, "", .unclear), (200, "<html>", .unclear), (200, #"{"state":"ready","details":5}"#, .unclear),
            (
                200, #"{"state":"ready","details":{"a":{"value":"b"}}}"#,
                .ready(ServiceDetails([ServiceDetails.Item(name: "a", value: "b", isSecret: false)]))
            ),
            (400, #"{"reason":"a\u0000\u202eb"}"#, .failed("a b")), (403, "", .failed(nil)), (422, "[", .failed(nil)),
            (404, "", .absent), (410, "", .absent), (408, "", .unclear), (409, #"{"state":"failed"}"#, .unclear),
            (425, "", .unclear), (429, "", .unclear), (301, #"{"state":"ready"}"#, .unclear),
            (500, #"{"state":"ready"}"#, .unclear), (503, #"{"state":"failed"}"#, .unclear), (0, "", .unclear),
        ])
    func reading(status: Int, body: String, answer: ProvisioningAnswer) {
        let read = ProvisioningReading.read(status: status, body: Array(body.utf8), of: .create, at: Self.start)
        #expect(read.answer == answer)
        if status < 300 { #expect(read.news.excerpt?.contains("\"value\"") != true) }
        let gone = ProvisioningReading.read(status: status, body: Array(body.utf8), of: .terminate, at: Self.start)
        if (200..<300).contains(status), status != 202, answer == .unclear { #expect(gone.answer == .ready(nil)) }
    }

    @Test("W13 shares of an order's units are whole minor units and come to its total")
    func shares() {
        for (total, quantity, digits) in [
            (Int64(10_000_000), Int64(3), 2), (9_990_000, 7, 2), (0, 5, 2), (1_000_000, 1_000, 0), (10_000, 3, 2),
            (1_000_000_000_000_000, 999, 6),
        ] {
            let shares = (0..<quantity).map {
                Order.share(of: total, unit: $0, quantity: quantity, minorUnitDigits: digits)
            }
            #expect(shares.reduce(0, +) == total)
            #expect(shares.allSatisfy { $0 >= 0 && Money(micros: $0).isWhole(inMinorUnitDigits: digits) })
        }
    }
}
