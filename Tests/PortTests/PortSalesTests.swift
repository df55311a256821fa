import CallKit
import TenantRegistry
import TestTenants
import Testing

@testable import SQLite
@testable import TenantApp

/// What a reseller's ports came to in a period (X4).
@Suite struct PortSalesTests {
    private static let rows = """
        device,server_ip,http_port,socks_port,country,mode
        d1,192.0.2.1,1,11,germany_id,shared

        """

    @Test("X4 what ports came to is found by time: no look goes through a table, or sorts one")
    func plans() throws {
        let connection = try Connection(path: ":memory:", flags: [.readWrite, .create])
        defer { connection.close() }
        for migration in TenantSchema.app.migrations { try connection.execute(migration.sql) }
        for statement in [PortSalesWalk.bought, PortSalesWalk.renewed] {
            let plan = try connection.rows(
                dynamic: "EXPLAIN QUERY PLAN \(statement.text.string)", [SQLValue](repeating: .integer(1), count: 6)
            ) { row in
                row.skip(3)
                return try row.text()
            }
            let bound = /reseller_id=\? AND book=\? AND (created_at|at)>\? AND (created_at|at)<\?/
            #expect(plan.contains { $0.contains(bound) }, "\(plan)")
            #expect(!plan.contains { $0.contains("SCAN") || $0.contains("TEMP B-TREE") }, "\(plan)")
        }
    }

    @Test("X4 the sum goes on where a step ended, among ports of one instant too, and looks at its period alone")
    func stretches() throws {
        let folder = try TestFolder()
        let node = try TestNode(folder.file("data"))
        defer { node.stop() }
        let (market, port) = try Self.sold(at: node)
        try node.write(market.record) { tenant, _ in
            try tenant.connection.run(
                """
                WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
                INSERT INTO port (public_id, book, reseller_id, customer_id, country_id, is_exclusive, is_private,
                    display_name, login, password, slot_id, state, days, base_price, cost, reseller_price, posting_id,
                    key_id, created_at, expires_at, released_at)
                SELECT public_id || i, book, reseller_id, customer_id, country_id, is_exclusive, is_private,
                    display_name, login, password, slot_id, 'expired', days, base_price, cost, reseller_price,
                    posting_id, key_id, created_at, expires_at, created_at FROM port, n
                """, .int(PortSalesWalk.salesMax))
        }
        let bought = port.createdAt
        node.clock.advance(seconds: 10 * 86_400)
        try market.renew(0, port, days: 1)
        let renewed = node.clock.now()

        let (all, steps) = try Self.walked(market, bought..<renewed.adding(days: 1))
        #expect(all.ports == Int64(PortSalesWalk.salesMax) + 1 && all.renewals == 1 && steps == 2)
        #expect(all.cost == Money(micros: 60_000_000 * all.ports + 2_000_000))
        let (late, looks) = try Self.walked(market, bought.adding(days: 1)..<renewed.adding(days: 1))
        #expect(late.ports == 0 && late.renewals == 1 && looks == 1, "ports from before are not looked at")
        #expect(try Self.walked(market, bought..<renewed).0.renewals == 0, "the end does not count")
        #expect(try Self.walked(market, bought..<renewed.adding(days: 1), reseller: 1).0 == PortSales())
        // A page behind that day reads from its own place on.
        let day = bought.milliseconds / Timestamp.millisecondsPerDay
        let place = PortSalesPlace(day: day + 1, customerID: 0)
        let rest = try Self.walked(market, bought..<renewed.adding(days: 1), behind: place)
        #expect(rest.0 == late && rest.steps == 1, "what earlier pages showed is not looked at")
    }

    @Test("X4 a page's lines are those whose days are over: no later step adds to them")
    func wholeDays() throws {
        let folder = try TestFolder()
        let node = try TestNode(folder.file("data"))
        defer { node.stop() }
        let (market, port) = try Self.sold(at: node)
        node.clock.advance(seconds: 10 * 86_400)
        try market.renew(0, port, days: 1)
        let period = port.createdAt..<node.clock.now().adding(days: 1)
        let begun = PortSalesWalk(resellerID: market.resellers[0], book: .live, period: period)
        #expect(begun.lines(9).isEmpty)
        let walk = try Self.stepped(begun, market)
        #expect(walk.lines(9).map(\.sales.ports) == [1, 0] && walk.lines(1).count == 1)
        let behind = PortSalesWalk(
            resellerID: market.resellers[0], book: .live, period: period, behind: walk.lines(1)[0].place)
        let rest = try Self.stepped(behind, market)
        #expect(rest.lines(9).map(\.place) == [walk.lines(2)[1].place])
    }

    /// A reseller has one port, for thirty days.
    private static func sold(at node: TestNode) throws -> (PortMarket, Port) {
        let market = try PortMarket.open(node, rows: rows)
        for number in 0..<2 { try market.topUp(number, 100) }
        return (market, try #require(try market.buy(0, days: 30)))
    }

    private static func stepped(_ walk: PortSalesWalk, _ market: PortMarket) throws -> PortSalesWalk {
        try market.node.read(market.record) { tenant in
            var next = walk
            try next.next(in: tenant)
            return next
        }
    }

    /// What the walk adds up, and in how many steps.
    private static func walked(
        _ market: PortMarket, _ period: Range<Timestamp>, reseller number: Int = 0, behind last: PortSalesPlace? = nil
    ) throws -> (PortSales, steps: Int) {
        var walk = PortSalesWalk(
            resellerID: market.resellers[number], book: .live, period: period, behind: last)
        var steps = 0
        while !walk.isAtEnd {
            walk = try stepped(walk, market)
            steps += 1
        }
        return (walk.total, steps)
    }

    @Test("X4 renewals of a file of before are found by their port's reseller and book, and stay as they are")
    func migration() throws {
        let connection = try Connection(path: "", flags: [.readWrite, .create])
        defer { connection.close() }
        for migration in TenantSchema.app.migrations.prefix(while: { $0.version < Migration0034.version }) {
            try connection.execute(migration.sql)
        }
        try connection.execute(
            """
            PRAGMA foreign_keys=OFF;
            INSERT INTO port (id, public_id, book, reseller_id, customer_id, country_id, is_exclusive, is_private,
                display_name, login, password, slot_id, state, days, base_price, cost, reseller_price, posting_id,
                key_id, created_at, expires_at)
            VALUES (1, 'port_1', 1, 7, 1, 1, 0, 0, 'a', 'a', x'00', 1, 'active', 1, 1, 1, 1, 1, 1, 1, 2),
                (2, 'port_2', 0, 8, 1, 1, 0, 0, 'a', 'a', x'00', 1, 'active', 1, 1, 1, 1, 1, 1, 1, 2);
            INSERT INTO port_renewal (port_id, days, base_price, cost, reseller_price, posting_id, key_id, at)
            VALUES (1, 1, 1, 1, 1, 1, 1, 2), (2, 1, 1, 1, 1, 1, 1, 3)
            """)
        try connection.execute(Migration0034.migration.sql)
        let whose = try connection.rows("SELECT reseller_id, book, at FROM port_renewal ORDER BY id") { row in
            [try row.int(), try row.int(), try row.int()]
        }
        #expect(whose == [[7, 1, 2], [8, 0, 3]])
        #expect(throws: SQLiteError.self) { try connection.run("UPDATE port_renewal SET at = 1") }
    }
}
