import CallKit
import SQLite
import TenantRegistry
import TestTenants

@testable import TenantApp

/// A tenant that rents by every term, with a clock that tests move; what falls due is done as the scheduler does it.
struct Rent {
    /// Removed with it.
    let folder: TestFolder
    var node: TestNode
    var record: TenantRecord
    let resellers: [Int64]
    /// So many items a slice, few enough that several are needed.
    var slice = 7

    static let prices: [Term: Int64] = [
        .monthly: 10_000_000, .quarterly: 27_000_000, .semiAnnual: 50_000_000, .annual: 90_000_000, .hourly: 12_345,
    ]

    static func open(_ folder: TestFolder, at start: String, resellers count: Int = 1, rate: Int64 = 0) throws -> Rent {
        let clock = ManualClock(Timestamp(parsing: start) ?? .earliest)
        let node = try TestNode(folder.file("data"), clock: clock)
        let record = try node.create("rent")
        let ids = try node.write(record) { tenant, _ in
            let product = try tenant.insertProduct(
                sku: "room", name: "Room", fulfilment: .instant, isHidden: false, days: nil, retailPrice: nil)
            return try (1...count).map { number in
                let reseller = try tenant.insertReseller(
                    email: "r\(number)@example.com", name: "R\(number)", company: nil, state: .active, approvedBy: 1)
                var terms = TermPrices()
                for (term, price) in prices { terms[term] = Money(micros: price) }
                try tenant.savePrice(
                    PriceRow(
                        terms: terms, setupFee: nil, discountRateOverride: Percent(partsPerMillion: rate)),
                    resellerID: reseller.id, productID: product.id)
                return reseller.id
            }
        }
        return Rent(folder: folder, node: node, record: record, resellers: ids)
    }

    var now: Timestamp { node.clock.now() }

    /// Another row of the price book, without a discount.
    func sell(at terms: TermPrices) throws {
        try node.write(record) { [id = resellers[0]] tenant, _ in
            guard let product = try tenant.product(sku: "room") else { throw Refusal.defect }
            try tenant.savePrice(
                PriceRow(terms: terms, setupFee: nil, discountRateOverride: Percent.zero), resellerID: id,
                productID: product.id)
        }
    }

    // MARK: What callers do

    @discardableResult
    func order(
        _ term: Term, _ quantity: Int64 = 1, reseller: Int = 0, book: Book = .live
    ) throws -> [String] {
        let id = resellers[reseller]
        return try node.write(record, "POST /orders", book: book) { tenant, detail in
            detail.resellerID = id
            return try PlaceOrder(
                request: OrderRequest(sku: "room", term: term, quantity: quantity, customerExternalID: "c"),
                resellerID: id, book: book, keyID: 0, idempotencyKey: nil
            ).run(tenant, &detail).serviceIDs
        }
    }

    /// Money comes in as the operator's API has it: what was due is paid from it.
    @discardableResult
    func topUp(_ cents: Int64, reseller: Int = 0) throws -> [PayDueServices.Paid] {
        let id = resellers[reseller]
        return try node.write(record, "POST /balance") { tenant, detail in
            guard let publicID = try tenant.reseller(id: id)?.publicID else { throw Refusal.defect }
            _ = try AdjustBalance(
                resellerID: publicID, amount: Money(micros: cents * 10_000), reference: "test", book: .live, keyID: 0
            ).run(tenant, &detail)
            guard cents > 0 else { return [] }
            return try PayDueServices.run(tenant, resellerID: id, book: .live, keyID: 0, &detail)
        }
    }

    func change(_ service: String, _ move: ChangeService.Move, _ when: ChangeService.When = .now) throws {
        _ = try node.write(record, "POST /services") { tenant, detail in
            try ChangeService(serviceID: service, move: move, when: when).run(tenant, &detail)
        }
    }

    func own(_ service: String, _ word: EndOwnService.Word, reseller: Int = 0) throws {
        let id = resellers[reseller]
        _ = try node.write(record, "POST /cancel") { tenant, detail in
            try EndOwnService(serviceID: service, word: word, resellerID: id, book: .live, keyID: 0)
                .run(tenant, &detail)
        }
    }

    func pay(_ service: String, reseller: Int = 0) throws {
        let id = resellers[reseller]
        _ = try node.write(record, "POST /pay") { tenant, detail in
            try PayService(serviceID: service, resellerID: id, book: .live, keyID: 0).run(tenant, &detail)
        }
    }

    /// Rows of services that cannot be read, as a bad disk leaves them; 0 mends them.
    func damage(_ services: some Sequence<String>, rate: Int64 = -1) throws {
        let services = Array(services)
        try node.write(record) { tenant, _ in
            for id in services {
                try tenant.connection.run(
                    "UPDATE service SET discount_rate = ?2 WHERE public_id = ?1", .text(id), .integer(rate))
            }
        }
    }

    // MARK: Time

    /// One slice of what is due of a kind. Returns how many items it did.
    func run(_ work: any DueWork, limit: Int) throws -> Int {
        try node.write(record, "clock") { tenant, _ in try work.run(tenant, limit: limit) }
    }

    struct Killed: Error {}

    /// Everything that is due now. `killing`: the first slice of each kind is lost on the way, as by a crash.
    func runDue(killing: Bool = false) throws {
        for kind in [DueKind.renewal, .hourly, .end, .notice] {
            let slice = slice
            if killing {
                do {
                    _ = try node.write(record, "clock") { tenant, _ in
                        _ = try DueWorks.schema.run(tenant, kind, slice)
                        throw Killed()
                    }
                } catch {}
            }
            // The kinds one after the other, as each is asked for.
            var done = slice
            while done == slice {
                done = try node.write(record, "clock") { tenant, _ in try DueWorks.schema.run(tenant, kind, slice) }
            }
        }
    }

    func nextDue() throws -> Timestamp? {
        try node.read(record) { tenant in
            try [DueKind.renewal, .hourly, .end, .notice].compactMap { try DueWorks.schema.next(tenant, $0) }.min()
        }
    }

    /// From one due time to the next, as a node does that never stops.
    func live(until end: Timestamp) throws {
        while let next = try nextDue(), next <= end {
            node.clock.set(max(next, now))
            try runDue()
        }
        node.clock.set(end)
    }

    func live(days: Int64) throws { try live(until: now.adding(days: days)) }

    func live(until text: String) throws { try live(until: Timestamp(parsing: text) ?? .earliest) }

    /// The node is down until then.
    func sleep(days: Int64) { node.clock.set(now.adding(days: days)) }

    // MARK: What there is

    func service(_ id: String) throws -> Service {
        try node.read(record) { tenant in
            guard let service = try tenant.service(publicID: id, resellerID: nil, book: nil) else {
                throw Refusal.defect
            }
            return service
        }
    }

    func balance(reseller: Int = 0) throws -> Int64 {
        let id = resellers[reseller]
        return try node.read(record) { try $0.balance(.balance(reseller: id), book: .live).micros / 10_000 }
    }

    /// When its paid periods began, without the first.
    func renewals(_ id: String) throws -> [String] {
        try node.read(record) { tenant in
            try tenant.connection.rows(
                """
                SELECT begins_at FROM renewal WHERE service_id = (SELECT id FROM service WHERE public_id = ?1)
                ORDER BY period
                """, .text(id)
            ) { try $0.time().text }
        }
    }

    /// `service.renewed 2026-03-01T…`, of one service or of all, in the order in which they were written.
    func events(_ id: String? = nil, since: Int64 = 0) throws -> [String] {
        try node.read(record) { tenant in
            try tenant.connection.rows(
                """
                SELECT type || ' ' || at FROM event WHERE (?1 IS NULL OR object = ?1) AND id > ?2
                    AND type LIKE 'service.%' ORDER BY id
                """, .optional(id), .integer(since)
            ) { row in
                let parts = try row.text().split(separator: " ")
                let at = Timestamp(milliseconds: Int64(parts[1]) ?? 0).text
                return "\(parts[0].dropFirst(8)) \(at.prefix(16))"
            }
        }
    }

    func count(_ table: String) throws -> Int64 {
        try node.read(record) { tenant in
            try tenant.connection.row(dynamic: "SELECT count(*) FROM \(table)") { try $0.int() } ?? 0
        }
    }

    func verifies() throws -> VerificationReport { try Verifier(path: try node.export(record)).run() }
}
