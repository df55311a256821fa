import CallKit
import HTTPCore
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

    @Test("W13 a terminate that was under way and failed is sent again by its number, 30 times in 7 days at the most")
    func sentAgain() {
        var unit = Self.unit(.active, .active, nil, .idle)
        unit.want(.terminated, at: Self.start)
        var now = Self.start
        var sent = 0
        while unit.phase != .stuck {
            if unit.phase == .asking { sent += 1 }
            _ = unit.take(unit.phase == .asking ? .pending : .failed("locked"), at: now)
            #expect(unit.verb == .terminate && unit.n == 8 && unit.tries == sent)
            now = unit.nextAt ?? now
        }
        #expect(unit.shown == .orphan && sent == 30)
        #expect(now.seconds - Self.start.seconds <= 7 * 86_400 && now.seconds - Self.start.seconds > 5 * 86_400)
    }

    @Test(
        "W13 a no to a change is asked again by its number after 5 s to 10 min, each try counted, for 24 hours",
        arguments: [ProvisioningVerb.suspend, .unsuspend], [ProvisioningAnswer.failed("no"), .failed(nil), .absent])
    func changeRefused(verb: ProvisioningVerb, answer: ProvisioningAnswer) {
        let isSuspend = verb == .suspend
        var unit = Self.unit(isSuspend ? .suspended : .active, isSuspend ? .active : .suspended, verb, .asking)
        unit.tries = 0
        var now = Self.start
        var pauses: [Int64] = []
        while unit.phase == .asking {
            let outcome = unit.take(answer, at: now)
            #expect(outcome == .nothing && unit.verb == verb && unit.n == 7 && unit.tries == pauses.count + 1)
            guard let next = unit.nextAt else { break }
            #expect(unit.shown == (isSuspend ? .suspending : .unsuspending))
            pauses.append(next.seconds - now.seconds)
            now = next
        }
        #expect(unit.phase == .stuck && unit.shown == .stuck)
        #expect(Array(pauses.prefix(8)) == [5, 10, 20, 40, 80, 160, 320, 600] && pauses.last == 600)
        #expect(now.seconds - Self.start.seconds >= 24 * 3600 && now.seconds - Self.start.seconds < 24 * 3600 + 600)
        unit.retry(at: now)
        _ = unit.take(.ready(nil), at: now)
        #expect(unit.shown == (isSuspend ? .suspended : .active) && unit.verb == nil)
    }

    @Test("W13 a change that was under way and failed is sent again by its number for 24 hours, later each time")
    func changeSentAgain() {
        var unit = Self.unit(.active, .active, nil, .idle)
        unit.want(.suspended, at: Self.start)
        var now = Self.start
        var sent = 0
        while unit.phase != .stuck {
            if unit.phase == .asking { sent += 1 }
            _ = unit.take(unit.phase == .asking ? .pending : .failed("locked"), at: now)
            #expect(unit.verb == .suspend && unit.n == 8 && unit.tries == sent)
            now = unit.nextAt ?? now
        }
        #expect(unit.shown == .stuck && sent > 10 && sent < 200)
        #expect(now.seconds - Self.start.seconds >= 24 * 3600 && now.seconds - Self.start.seconds < 25 * 3600)
    }

    @Test("W13 a no to a change that is not wanted any more ends it; its opposite is asked for if it was tried before")
    func changeTurnedBack() {
        for (verb, wanted) in [(ProvisioningVerb.suspend, WantedState.active), (.unsuspend, .suspended)] {
            let cases: [(Int64, ProvisioningVerb?)] = [(0, nil), (1, verb == .suspend ? .unsuspend : .suspend)]
            for (tries, next) in cases {
                var unit = Self.unit(wanted, verb == .suspend ? .active : .suspended, verb, .asking)
                unit.tries = tries
                _ = unit.take(.failed("no"), at: Self.start)
                #expect(unit.verb == next && unit.n == (next == nil ? 7 : 8) && unit.wanted == wanted)
            }
        }
    }

    @Test("W13 a suspend that was asked for once, and is refused once it is not wanted, is not undone")
    func refusedOnce() {
        var unit = Self.unit(.active, .active, nil, .idle)
        unit.want(.suspended, at: Self.start)
        _ = unit.take(.pending, at: Self.start)
        unit.want(.active, at: Self.start)
        _ = unit.take(.failed("no"), at: Self.start)
        #expect(unit.verb == nil && unit.actual == .active)
    }

    @Test("W13 a terminate that is slow is asked about after 5 s to 10 min for 7 days, however often that is")
    func slow() {
        var unit = Self.unit(.active, .active, nil, .idle)
        unit.want(.terminated, at: Self.start)
        var now = Self.start
        var pauses: [Int64] = []
        var polls = 0
        while unit.phase != .stuck {
            _ = unit.take(polls % 3 == 2 ? .unclear : .pending, at: now)
            #expect(unit.phase == .stuck || unit.phase == .pending && unit.tries == 1)
            polls += 1
            guard let next = unit.nextAt else { break }
            pauses.append(next.seconds - now.seconds)
            now = next
        }
        #expect(Array(pauses.prefix(8)) == [5, 10, 20, 40, 80, 160, 320, 600] && pauses.last == 600)
        #expect(unit.shown == .orphan && now.seconds - Self.start.seconds >= 7 * 86_400 && polls > 1_000)
        var done = Self.unit(.terminated, .active, .terminate, .pending)
        _ = done.take(.ready(nil), at: now)
        #expect(done.shown == .terminated)
    }

    @Test(
        "W13 P3 time in which nobody may ask is no part of a verb's: after a pause of days it has what it had before",
        arguments: [ProvisioningVerb.create, .suspend, .terminate])
    func paused(verb: ProvisioningVerb) {
        for phase in [ProvisioningPhase.asking, .pending] {
            var unit = Self.unit(verb == .terminate ? .terminated : .active, .active, verb, phase)
            let answer = phase == .asking ? ProvisioningAnswer.unclear : .pending
            var now = Self.start.adding(seconds: 60)
            _ = unit.take(answer, at: now)
            let since = unit.since
            #expect(since == Self.start)
            // The tenant is suspended, the node away, what leaves is held.
            now = now.adding(days: 30)
            let due = unit.nextAt ?? now
            let resumed = now
            _ = unit.take(answer, at: now, idleUntil: resumed)
            let kept = now.milliseconds - due.milliseconds
            #expect(unit.phase == phase && unit.since == since.adding(milliseconds: kept))
            var seconds: Int64 = 0
            while unit.phase != .stuck, let next = unit.nextAt {
                now = next
                _ = unit.take(answer, at: now, idleUntil: resumed)
                seconds = now.seconds - resumed.seconds
            }
            #expect(unit.phase == .stuck && seconds > 23 * 3600)
        }
    }

    @Test(
        "W13 waiting behind other units is part of a verb's time: it is stuck after a day, a terminate after a week",
        arguments: [ProvisioningVerb.create, .suspend, .terminate])
    func queued(verb: ProvisioningVerb) {
        var unit = Self.unit(verb == .terminate ? .terminated : .active, .active, verb, .asking)
        unit.tries = 0
        let hours: Int64 = verb == .terminate ? 7 * 24 : 24
        var now = Self.start
        while unit.phase != .stuck, let next = unit.nextAt {
            // A thousand units at one that hangs: each has its turn hours after it was due.
            now = next.adding(seconds: 2 * 3600)
            _ = unit.take(.unclear, at: now, idleUntil: Self.start)
            #expect(unit.since == Self.start)
        }
        let seconds = now.seconds - Self.start.seconds
        #expect(unit.phase == .stuck && seconds >= hours * 3600 && seconds < (hours + 11) * 3600)
    }

    @Test("W13 P3 asking goes on while somebody looks; where nobody has for half an hour it begins anew")
    func asking() {
        var asking = ProvisioningAsking(from: Self.start)
        var now = Self.start
        for _ in 0..<100 {
            now = now.adding(seconds: 1_799)
            asking = asking.goingOn(at: now)
            #expect(asking.since == Self.start)
        }
        now = now.adding(seconds: 1_800)
        #expect(asking.goingOn(at: now) == ProvisioningAsking(from: now))
        // A clock that was ahead has fallen back: nothing was kept waiting until a time to come.
        now = Self.start.adding(seconds: -1)
        #expect(asking.goingOn(at: now) == ProvisioningAsking(from: now))
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

    @Test("O10 a name of details that an earlier version kept is read, and can be taken away")
    func keptNames() throws {
        let kept = try JSON.parse(Array(#"{" x ":{"value":"1"},"b":{"value":"2"}}"#.utf8))
        let details = try ServiceDetails(kept: kept)
        #expect(details.items.map(\.name) == [" x ", "b"])
        #expect(throws: ServiceDetails.Fault.self) { try ServiceDetails(kept) }
        let changed = try details.changed(by: try JSON.parse(Array(#"{" x ":null,"c":{"value":"3"}}"#.utf8)))
        #expect(changed.items.map(\.name) == ["b", "c"])
    }

    @Test(
        "O10 details are measured by the bytes of their names and values, whatever JSON makes of them",
        arguments: [("a", 1), ("\"", 1), ("\n", 1), ("\u{e4}", 2), ("\u{1F511}", 4)])
    func bounds(letter: String, bytes: Int) throws {
        func sent(_ count: Int, isSecret: Bool) -> JSON {
            let value = JSON.object([
                JSONMember(name: "value", value: .string(String(repeating: letter, count: count))),
                JSONMember(name: "secret", value: .bool(isSecret)),
            ])
            return .object([JSONMember(name: "four", value: value)])
        }
        let most = (ServiceDetails.bytesMax - 4) / bytes
        for isSecret in [false, true] {
            let details = try ServiceDetails(sent(most, isSecret: isSecret))
            // Whatever was taken is read again, and can be changed by nothing.
            #expect(try ServiceDetails(kept: try JSON.parse(details.encoded)) == details)
            #expect(try details.changed(by: .object([])) == details)
            #expect(throws: ServiceDetails.Fault.self) { try ServiceDetails(sent(most + 1, isSecret: isSecret)) }
            #expect(throws: ServiceDetails.Fault.self) {
                try ServiceDetails([]).changed(by: sent(most + 1, isSecret: isSecret))
            }
        }
    }

    @Test("O10 names of details are kept in NFC", arguments: ["e\u{301}", "\u{e9}"])
    func composedNames(name: String) throws {
        let sent = JSON.object([JSONMember(name: name, value: try JSON.parse(Array(#"{"value":"1"}"#.utf8)))])
        let names = [try ServiceDetails(sent), try ServiceDetails([]).changed(by: sent)].flatMap(\.items).map(\.name)
        #expect(names.map { Array($0.utf8) } == [[0xC3, 0xA9], [0xC3, 0xA9]])
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
        #expect(read.news.excerpt?.contains("\"value\"") != true)
        let gone = ProvisioningReading.read(status: status, body: Array(body.utf8), of: .terminate, at: Self.start)
        if (200..<300).contains(status), status != 202, answer == .unclear { #expect(gone.answer == .ready(nil)) }
    }

    @Test(
        "O10 W13 what is kept of an answer has no details, whatever its status and however deep they stand",
        arguments: [
            (#"{"reason":"no","details":{"a":{"value":"canary"}}}"#, #"{"reason":"no"}"#),
            (#"{"data":[1,{"details":"canary","b":[]}],"n":1.50}"#, #"{"data":[1,{"b":[]}],"n":1.50}"#),
            (#"[{"d\u0065tails":{"a":"canary"}}]"#, "[{}]"),
            (#"{"error":"no", "details":{"a":"cana"#, #"{"error":"no", ""#),
            (#"{ "detail": "none is left" }"#, #"{ "detail": "none is left" }"#), ("<h1>no</h1>", "<h1>no</h1>"),
            ("details: canary", nil),
        ] as [(String, String?)], [400, 404, 409, 422, 500, 503])
    func excerpts(told: (String, String?), status: Int) {
        let (body, kept) = told
        let read = ProvisioningReading.read(status: status, body: Array(body.utf8), of: .create, at: Self.start)
        #expect(read.news.excerpt == kept)
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
