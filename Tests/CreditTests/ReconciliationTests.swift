import CallKit
import Cryptography
import TenantApp
import TenantRegistry
import Testing

@Suite struct ReconciliationTests {
    static let time = Timestamp(milliseconds: 1_790_000_000_000)

    static func line(_ ref: String, _ units: Int64, _ number: Int = 1, kind: String = "topup") -> LedgerLine {
        LedgerLine(line: number, externalRef: ref, kind: kind, amount: Money(micros: units * 1_000_000), at: time)
    }

    static func event(_ ref: String, _ units: Int64, kind: String = "topup", isCovered: Bool = true) -> ReportedEvent {
        ReportedEvent(
            publicID: "ev_\(ref)", externalRef: ref, kind: kind, amount: Money(micros: units * 1_000_000), at: time,
            isCovered: isCovered)
    }

    static func reconcile(_ ledger: [LedgerLine], _ events: [ReportedEvent]) throws -> Reconciliation {
        var result = Reconciliation()
        var lines = ledger.sorted {
            $0.externalRef == $1.externalRef
                ? $0.line < $1.line : Reconciliation.precedes($0.externalRef, $1.externalRef)
        }[...]
        for event in events.sorted(by: { Reconciliation.precedes($0.externalRef, $1.externalRef) }) {
            while let line = lines.first, Reconciliation.precedes(line.externalRef, event.externalRef) {
                try result.take(line)
                lines.removeFirst()
            }
            try result.take(event)
        }
        for line in lines { try result.take(line) }
        try result.finish()
        return result
    }

    @Test("O8 each kind of disagreement is told apart, with its sum")
    func kinds() throws {
        let result = try Self.reconcile(
            [Self.line("a", 5), Self.line("b", 6), Self.line("c", 7, kind: "renewal"), Self.line("x", 1)],
            [
                Self.event("a", 5), Self.event("b", 4), Self.event("c", 7), Self.event("y", 2),
                Self.event("z", 9, isCovered: false),
            ])
        #expect(result.matched == .init(count: 1, units: 5))
        #expect(result.differingHere == .init(count: 2, units: 11))
        #expect(result.differingThere == .init(count: 2, units: 13))
        #expect(result.missingHere == .init(count: 1, units: 1))
        #expect(result.missingThere == .init(count: 1, units: 2))
        #expect(!result.agrees)
    }

    @Test("O8 any one kind of disagreement alone is one: a review opens")
    func alone() throws {
        #expect(try Self.reconcile([Self.line("a", 5)], [Self.event("a", 5)]).agrees)
        #expect(try !Self.reconcile([Self.line("a", 5)], [Self.event("a", 4)]).agrees)
        #expect(try !Self.reconcile([Self.line("a", 5)], []).agrees)
        #expect(try !Self.reconcile([], [Self.event("a", 5)]).agrees)
    }

    @Test("O8 nothing on both sides agrees; texts that Swift holds for the same and bytes do not are two")
    func edges() throws {
        #expect(try Self.reconcile([], []).agrees)
        let result = try Self.reconcile([Self.line("e\u{301}", 1)], [Self.event("\u{e9}", 1)])
        #expect(result.missingHere.count == 1 && result.missingThere.count == 1)
    }

    @Test("O8 a sum that no amount can be is refused, not wrapped")
    func overflow() {
        let most = Money(micros: .max)
        let lines = ["a", "b"].map { LedgerLine(line: 1, externalRef: $0, kind: "topup", amount: most, at: Self.time) }
        #expect(throws: MoneyError.overflow) { try Self.reconcile(lines, []) }
    }

    @Test("O8 the merge gives what counting by hand gives (model)", arguments: 1...20 as ClosedRange<UInt64>)
    func model(seed: UInt64) throws {
        let random = SeededRandom(seed: seed)
        func pick(_ bound: UInt64) -> Int64 { Int64(random.below(bound)) }
        let ledger = (0..<40).map { Self.line("r\(pick(25))", pick(3) + 1, $0) }
        let events = (0..<40).map { _ in Self.event("r\(pick(25))", pick(3) + 1) }
        let result = try Self.reconcile(ledger, events)
        var (matched, differing, here, there) = (0, 0, 0, 0)
        for ref in Set(ledger.map(\.externalRef) + events.map(\.externalRef)) {
            var lines = ledger.filter { $0.externalRef == ref }.map(\.amount)
            var rest: [Money] = []
            for event in events where event.externalRef == ref {
                if let index = lines.firstIndex(of: event.amount) {
                    lines.remove(at: index)
                    matched += 1
                } else {
                    rest.append(event.amount)
                }
            }
            differing += min(lines.count, rest.count)
            here += max(0, lines.count - rest.count)
            there += max(0, rest.count - lines.count)
        }
        #expect(result.matched.count == matched && result.differingHere.count == differing)
        #expect(result.missingHere.count == here && result.missingThere.count == there)
        #expect(2 * matched + 2 * differing + here + there == 80)
    }
}

extension Reconciliation.Tally {
    fileprivate init(count: Int, units: Int64) {
        self.init(count: count, amount: Money(micros: units * 1_000_000))
    }
}
