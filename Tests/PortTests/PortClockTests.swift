import CallKit
import SQLite
import TenantRegistry
import TestTenants
import Testing

@testable import TenantApp

@Suite struct PortClockTests {
    @Test("G7 X5 while the clock is not believed no port ends for another to have its slot")
    func slots() throws {
        let folder = try TestFolder()
        let node = try TestNode(folder.file("data"))
        defer { node.stop() }
        let market = try PortMarket.open(
            node,
            rows: """
                device,server_ip,http_port,socks_port,country,mode
                d1,192.0.2.1,1,11,germany_id,shared

                """)
        for number in 0..<2 { try market.topUp(number, 100) }
        try market.buy(0, days: 1)
        node.fleet.clockGuard.look(node.clock.now(), steady: node.fleet.monotonic.nanoseconds())
        node.clock.advance(seconds: 3 * 86_400)
        #expect(throws: Refusal.conflict(.noPortAvailable)) { try market.buy(1) }
        #expect(try market.events(0).filter { $0 == "port.expired" }.isEmpty)
        _ = node.fleet.clockGuard.accept(node.clock.now(), steady: node.fleet.monotonic.nanoseconds())
        #expect(try market.buy(1) != nil)
        #expect(try market.faults() == [])
    }

    @Test("X5 a port whose row cannot be read keeps no other from its end: it is told, and looked at a day later")
    func unreadable() throws {
        let folder = try TestFolder()
        let node = try TestNode(folder.file("data"))
        defer { node.stop() }
        let market = try PortMarket.open(
            node,
            rows: """
                device,server_ip,http_port,socks_port,country,mode
                d1,192.0.2.1,1,11,germany_id,shared
                d1,192.0.2.1,2,12,germany_id,shared

                """)
        try market.topUp(0, 100)
        let first = try #require(try market.buy(0, days: 1))
        let second = try #require(try market.buy(0, days: 1))
        try node.write(market.record) { tenant, _ in
            try tenant.connection.run(
                "UPDATE port SET display_name = CAST(x'ff' AS TEXT) WHERE id = ?1", .integer(first.id))
        }
        node.clock.advance(seconds: 86_400)
        let done = try node.write(market.record) { tenant, _ in try DueWorks.schema.run(tenant, .port, 1) }
        #expect(done == 1)
        let states = try node.read(market.record) { tenant in
            try tenant.connection.rows("SELECT state FROM port ORDER BY id") { try $0.text() }
        }
        #expect(states == ["active", "expired"] && second.id > first.id)
        #expect(try market.events(0).filter { $0 == "port.expired" }.count == 1)
        let next = try node.read(market.record) { try DueWorks.schema.next($0, .port) }
        #expect(next == node.clock.now().adding(days: 1))
        func told() -> Int { node.reports.all.count { $0.contains("port id \(first.id)") } }
        #expect(told() == 1)
        // What somebody else's call undoes does not bring it back, and its end stays the one that was paid.
        #expect(throws: Refusal.self) {
            try node.write(market.record) { _, _ -> Void in throw Refusal.conflict(.noPortAvailable) }
        }
        #expect(try Self.run(market) == 0 && told() == 1)
        #expect(try Self.end(of: first, market) == first.expiresAt)
        node.clock.advance(seconds: 86_400)
        #expect(try Self.run(market) == 0 && told() == 2)
        #expect(try Self.end(of: first, market) == first.expiresAt)
        try node.write(market.record) { tenant, _ in
            try tenant.connection.run("UPDATE port SET display_name = 'a' WHERE id = ?1", .integer(first.id))
        }
        node.clock.advance(seconds: 86_400)
        #expect(try Self.run(market) == 1)
        let nothing = try node.read(market.record) { try DueWorks.schema.next($0, .port) }
        #expect(nothing == nil)
    }

    private static func run(_ market: PortMarket) throws -> Int {
        try market.node.write(market.record) { tenant, _ in try DueWorks.schema.run(tenant, .port, 10) }
    }

    private static func end(of port: Port, _ market: PortMarket) throws -> Timestamp? {
        try market.node.read(market.record) { tenant in
            try tenant.connection.row("SELECT expires_at FROM port WHERE id = ?1", .integer(port.id)) { try $0.time() }
        }
    }
}
