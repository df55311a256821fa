import CallKit
import Cryptography
import Foundation
import SQLite
import TenantRegistry
import TestTenants
import Testing

@testable import TenantApp

/// A year of services by all terms, with what may come between: money, prices, stops of days, kills, a clock that is
/// set forward and back. A failure names its seed, which replays it.
@Suite struct RenewalPropertyTests {
    private static let isLong = ProcessInfo.processInfo.environment["TOLLGATE_TEST_LONG"] != nil
    static let seeds: ClosedRange<UInt64> = 1...(isLong ? 8 : 4)
    /// Of each reseller.
    static let services = isLong ? 100 : 24
    /// Of one tenant. None has more to pay at once than the transaction takes in which its money comes.
    static let resellers = isLong ? 10 : 2
    static let days: Int64 = 370

    @Test(
        "W9 W3 H1 a year of stops, kills, clocks set, money and prices: charges are the model's, and events the state's",
        arguments: seeds)
    func year(seed: UInt64) throws {
        let random = SeededRandom(seed: seed)
        var year = try Year(seed, random)
        defer { year.rent.node.stop() }
        #expect(try year.anchorDays() == Set(28...31))
        let end = year.rent.now.adding(days: Self.days)
        var steps = 0
        while year.rent.now < end {
            steps += 1
            let name = try year.step(random)
            let fault = try year.fault()
            #expect(fault == nil, "seed \(seed), step \(steps), \(name): \(fault ?? "")")
            if fault != nil { return }
        }
        #expect(try year.rent.count("renewal") > Int64(Self.services))
        #expect(try year.rent.count("service WHERE state = 'suspended'") > 0)
        let untold = try year.rent.node.read(year.rent.record) { try $0.untold(try $0.allServices(), random) }
        #expect(untold == [], "seed \(seed)")
        let report = try year.rent.verifies()
        #expect(report.isSound, "seed \(seed): \(report.text)")
    }
}

private struct Year {
    /// In minor units: enough to order all, and too little for the year.
    private static let start = Int64(RenewalPropertyTests.services * 40_000)
    private static let day: Int64 = 86_400_000

    var rent: Rent
    /// No clock is set back to before this: all services have begun.
    private var begin = Timestamp.earliest
    var models: [RentModel]
    /// By reseller; public ids in the order of the model's units.
    var ids: [[String]]
    private var restarts: UInt64 = 0

    init(_ seed: UInt64, _ random: SeededRandom) throws {
        rent = try Rent.open(
            TestFolder(), at: "2027-12-28T00:00:00.123Z", resellers: RenewalPropertyTests.resellers,
            rate: RentModel.rate)
        rent.slice = 5
        models = Array(repeating: RentModel(), count: RenewalPropertyTests.resellers)
        ids = Array(repeating: [], count: RenewalPropertyTests.resellers)
        for number in 0..<RenewalPropertyTests.resellers {
            try rent.topUp(Self.start, reseller: number)
            models[number].topUp(Self.start, 0)
        }
        // Anchors on the last four days of a month, where clamping shows; on each of them services of every term.
        let begin = rent.now
        let spacing = 4 * Self.day / Int64(RenewalPropertyTests.services)
        for place in 0..<RenewalPropertyTests.services {
            let later = Int64(place) * spacing + Int64(random.below(UInt64(spacing) / 2))
            rent.node.clock.set(begin.adding(milliseconds: later))
            try rent.runDue()
            let now = rent.now.milliseconds
            for number in 0..<RenewalPropertyTests.resellers {
                models[number].tick(now)
                let term = Term.allCases[(place + number) % Term.allCases.count]
                ids[number] += try rent.order(term, reseller: number)
                models[number].order(term, price: Rent.prices[term] ?? 0, at: now)
            }
        }
        // From here on money is short.
        for number in 0..<RenewalPropertyTests.resellers {
            let rest = models[number].balance - 20_000
            try rent.topUp(-rest, reseller: number)
            models[number].balance -= rest
        }
        self.begin = rent.now
    }

    /// Days of the month on which monthly services began.
    func anchorDays() throws -> Set<Int> {
        try rent.node.read(rent.record) { tenant in
            Set(
                try tenant.connection.rows("SELECT anchor_at FROM service WHERE term = 'monthly'") {
                    try $0.time().date.day
                })
        }
    }

    mutating func step(_ random: SeededRandom) throws -> String {
        let number = Int(random.below(UInt64(RenewalPropertyTests.resellers)))
        let place = Int(random.below(UInt64(ids[number].count)))
        let (id, now) = (ids[number][place], rent.now.milliseconds)
        func agree(_ done: Bool, _ work: () throws -> Void) throws -> String {
            do {
                try work()
                return done ? "done" : "done, where the model refuses"
            } catch is Refusal {
                return done ? "refused, where the model does it" : "refused"
            }
        }
        switch random.below(24) {
        case 0, 1, 2:
            let cents = Int64(random.below(12_000)) + 1
            try rent.topUp(cents, reseller: number)
            models[number].topUp(cents, now)
            return "top-up \(cents)"
        case 3:
            let term = Term.allCases[Int(random.below(5))]
            let price = (Rent.prices[term] ?? 0) / 10 * Int64(random.below(10) + 5) + Int64(random.below(9_999))
            models[number].reprice(term, price, now)
            try reprice(number, term, price)
            return "reprice \(term) \(price)"
        case 4:
            return "suspend \(id) \(try agree(models[number].suspend(place, now)) { try rent.change(id, .suspend) })"
        case 5, 6:
            return "resume \(id) \(try agree(models[number].resume(place, now)) { try rent.change(id, .resume) })"
        case 7 where random.below(4) == 0:
            return "cancel \(id) \(try agree(models[number].cancel(place, now)) { try rent.change(id, .cancel) })"
        case 8:
            return """
                end \(id) \(try agree(models[number].endWithTerm(place, now)) {
                    try rent.own(id, .end, reseller: number) })
                """
        case 9, 10:
            return """
                take back \(id) \(try agree(models[number].takeBack(place, now)) {
                    try rent.own(id, .takeBack, reseller: number) })
                """
        case 11:
            try restart()
            return "kill -9"
        case 12, 13:
            let hours = [-24, -1, 1, 24][Int(random.below(4))]
            let wanted = rent.now.adding(milliseconds: Int64(hours) * 3_600_000)
            // What was charged before is not charged again when its time comes once more.
            rent.node.clock.set(max(wanted, begin))
            try live(random)
            return "the clock is set by \(hours) hours"
        default: break
        }
        // Time goes on: mostly hours, at times days on which the node is down.
        let hours = random.below(6) == 0 ? random.below(12 * 24) : random.below(30)
        rent.node.clock.advance(milliseconds: Int64(hours) * 3_600_000 + Int64(random.below(3_600_000)))
        try live(random)
        return "\(hours) hours later"
    }

    /// All that is due now.
    private mutating func live(_ random: SeededRandom) throws {
        try rent.runDue(killing: random.below(3) == 0)
        for number in 0..<RenewalPropertyTests.resellers { models[number].tick(rent.now.milliseconds) }
    }

    private func reprice(_ number: Int, _ term: Term, _ price: Int64) throws {
        let filter = RepriceFilter(
            resellerID: rent.resellers[number], productID: nil, term: term, price: Money(micros: price), book: .live)
        let reprice = RepriceServices(filter: filter, keyID: 0, isDryRun: false)
        var after: Int64 = 0
        while true {
            let place = after
            let piece = try rent.node.write(rent.record) { tenant, detail in
                try reprice.change(tenant, after: place, &detail).map(\.service.id)
            }
            guard piece.count == RepriceServices.pieceServicesMax, let last = piece.last else { return }
            after = last
        }
    }

    /// The folder as it lies there in the middle of everything, opened by another node.
    private mutating func restart() throws {
        let folder = try TestFolder()
        try DataFolder.image(of: rent.folder.file("data"), to: folder.file("data"))
        restarts += 1
        let node = try TestNode(folder.file("data"), clock: rent.node.clock, seed: 1_000 + restarts)
        rent.node.stop()
        rent = Rent(folder: folder, node: node, record: try node.tenant("rent"), resellers: rent.resellers)
        rent.slice = 5
    }

    /// What differs first between the file and the model.
    func fault() throws -> String? {
        for (number, model) in models.enumerated() {
            let balance = try rent.balance(reseller: number)
            let id = rent.resellers[number]
            let states = try rent.node.read(rent.record) { tenant in
                try tenant.connection.rows(
                    """
                    SELECT state, period, coalesce((SELECT sum(amount) FROM renewal WHERE service_id = s.id), 0)
                        + coalesce((SELECT sum(amount) FROM hourly_charge WHERE service_id = s.id), 0)
                    FROM service s WHERE reseller_id = ?1 ORDER BY id
                    """, .integer(id)
                ) { "\(try $0.text()) \(try $0.int()) \(try $0.int() / 10_000)" }
            }
            for (place, unit) in model.units.enumerated() {
                let name =
                    switch unit.state {
                    case .active: "active"
                    case .pastDue: "past_due"
                    case .suspended: "suspended"
                    case .ended: "cancelled"
                    }
                let wanted = "\(name) \(unit.charges.count) \(unit.charges.reduce(0, +))"
                if states[place] != wanted {
                    return "\(unit.term) \(ids[number][place]) is \(states[place]), the model's \(wanted)"
                }
            }
            if balance != model.balance { return "reseller \(number) has \(balance), the model's \(model.balance)" }
        }
        return nil
    }
}

extension TenantReader {
    fileprivate func allServices() throws -> [Service] {
        try connection.rows("SELECT id FROM service ORDER BY id") { try $0.int() }.compactMap { try service(id: $0) }
    }
}
