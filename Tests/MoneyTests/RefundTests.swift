import CallKit
import Cryptography
import SQLite
import TenantRegistry
import TestTenants
import Testing

@testable import TenantApp

extension Rent {
    /// Pays something of a service's order back, as the operator's API does.
    @discardableResult
    func refund(
        _ service: String, cents: Int64, only isService: Bool = false, period: Int64? = nil
    ) throws -> RefundOrder.Result {
        let order = try self.service(service).orderPublicID
        return try node.write(record, "POST /refund") { tenant, detail in
            try RefundOrder(
                orderID: order,
                request: RefundOrder.Request(
                    amount: Money(micros: cents * 10_000), reason: "down", serviceID: isService ? service : nil,
                    period: period),
                accountID: 1, keyID: 0
            ).run(tenant, &detail)
        }
    }
}

/// What is paid back of orders (O10), over the periods that were paid for them.
@Suite struct RefundTests {
    @Test("O10 no sequence of refunds pays back more than was taken, and each leaves sales and balance agreeing")
    func bounds() throws {
        let rent = try Rent.open(TestFolder(), at: "2026-01-31T10:00:00Z")
        defer { rent.node.stop() }
        try rent.topUp(100_000)
        let services = try rent.order(.monthly, 2) + rent.order(.hourly)
        try rent.live(days: 70)
        let random = SeededRandom(seed: 11)
        var given: [String: Int64] = [:]
        for _ in 0..<120 {
            let service = services[Int(random.uint64() % 3)]
            let period = random.uint64() % 2 == 0 ? Int64(random.uint64() % 3) : nil
            let cents = Int64(random.uint64() % 700) + 1
            let before = try rent.balance()
            do {
                try rent.refund(service, cents: cents, only: random.uint64() % 4 > 0 || period != nil, period: period)
                #expect(try rent.balance() == before + cents)
                given[try rent.service(service).orderPublicID, default: 0] += cents
            } catch Refusal.unprocessable(let reason) {
                #expect(reason.code == "refund_exceeds_captured")
                #expect(try rent.balance() == before)
            }
        }
        // Two units for a month, renewed twice each.
        let monthly = try rent.service(services[0]).orderPublicID
        #expect(given[monthly, default: 0] > 2_000 && given[monthly, default: 0] <= 6_000)
        for (order, cents) in given {
            let shown = try rent.node.read(rent.record) { try $0.order(publicID: order, resellerID: nil, book: nil) }
            #expect(shown?.refunded.micros == cents * 10_000)
        }
        let report = try rent.verifies()
        #expect(report.isSound, "\(report.text)")
    }

    @Test("O10 a refund names a period: what was renewed goes back once, what was not cannot")
    func periods() throws {
        let rent = try Rent.open(TestFolder(), at: "2026-01-31T10:00:00Z")
        defer { rent.node.stop() }
        try rent.topUp(10_000)
        let service = try rent.order(.monthly)[0]
        try rent.live(days: 40)
        try rent.refund(service, cents: 1_000, only: true, period: 1)
        for period in [1, 2, Int64.max] {
            #expect(throws: Refusal.self) { try rent.refund(service, cents: 1, only: true, period: period) }
        }
        try rent.refund(service, cents: 1_000, only: true, period: 0)
        #expect(throws: Refusal.self) { try rent.refund(service, cents: 1) }
    }

    @Test("O10 W9 a refund resumes what was suspended for want of it, in the same transaction")
    func resumes() throws {
        let rent = try Rent.open(TestFolder(), at: "2026-01-31T10:00:00Z")
        defer { rent.node.stop() }
        try rent.topUp(2_500)
        let services = try rent.order(.monthly, 2)
        try rent.live(days: 45)
        #expect(try services.map { try rent.service($0).state } == [.suspended, .suspended])
        let result = try rent.refund(services[0], cents: 500)
        #expect(result.paid.map(\.service) == [services[0]])
        #expect(try services.map { try rent.service($0).state } == [.active, .suspended])
        #expect(try rent.balance() == 0)
        let report = try rent.verifies()
        #expect(report.isSound, "\(report.text)")
    }
}

/// Files of refunds that somebody changed with an SQLite shell.
@Suite struct RefundTamperingTests {
    /// Order 1 has two units, renewed once; 3.00 of it is paid back, 2.00 of the first unit, 1.00 of its renewal.
    private static let shared = Result { try make() }

    private static func make() throws -> (folder: TestFolder, path: String) {
        let rent = try Rent.open(TestFolder(), at: "2026-01-31T10:00:00Z", resellers: 2)
        defer { rent.node.stop() }
        try rent.topUp(100_000)
        let services = try rent.order(.monthly, 2)
        try rent.live(days: 40)
        try rent.refund(services[0], cents: 300)
        try rent.refund(services[0], cents: 200, only: true)
        try rent.refund(services[0], cents: 100, only: true, period: 1)
        _ = try rent.order(.annual)
        let report = try rent.verifies()
        #expect(report.isSound, "\(report.text)")
        let folder = try TestFolder()
        let path = try folder.copy(try rent.node.export(rent.record), to: "export.sqlite")
        try ExportSeal.remove(from: path)
        return (folder, path)
    }

    static let harms: [(sql: String, words: String)] = [
        ("DELETE FROM refund WHERE id = 2", "no refund says so"),
        ("UPDATE refund SET amount = 1000000 WHERE id = 1", "Its posting moves 3.00 EUR, not 1.00 EUR"),
        ("UPDATE refund SET reason = 'other' WHERE id = 1", "not as audit row"),
        ("UPDATE refund SET order_id = 2 WHERE id = 1", "Its posting is for"),
        ("UPDATE refund SET service_id = 3 WHERE id = 2", "Its service is of another order"),
        ("UPDATE refund SET book = 1 WHERE id = 1", "It is of another book than its order"),
        ("UPDATE refund SET posting_id = 1 WHERE id = 1", "Its posting moves"),
        ("UPDATE refund SET order_id = 9 WHERE id = 1", "Its order is missing"),
        ("UPDATE refund SET amount = 100000000 WHERE id = 3", "102.00 EUR of service 1 was paid back"),
        ("DELETE FROM renewal", "of period 1 of service 1 was paid back; 0.00 EUR was taken"),
    ]

    @Test("O10 a refund that was changed, removed or raised is found out and named", arguments: harms)
    func harm(sql: String, words: String) throws {
        let shared = try Self.shared.get()
        let folder = try TestFolder()
        let path = try folder.copy(shared.path, to: "copy.sqlite")
        try DataFolder.tamper(path, sql)
        let report = try Verifier(path: path).run()
        #expect(report.findings.contains { $0.text.contains(words) }, "\(report.text)")
    }
}
