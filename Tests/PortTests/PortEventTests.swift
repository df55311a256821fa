import CallKit
import Cryptography
import SQLite
import TenantRegistry
import TestTenants
import Testing

@testable import TenantApp

@Suite struct PortEventTests {
    @Test(
        "H1 X6 a receiver that keeps the highest revision of each port has it as the API shows it, whatever came when",
        arguments: [1, 2, 3] as [UInt64])
    func revisions(seed: UInt64) throws {
        let folder = try TestFolder()
        let node = try TestNode(folder.file("data"))
        defer { node.stop() }
        let rows = (1...8).map { "d\($0),192.0.2.\($0),\(5_000 + $0),\(6_000 + $0),germany_id,shared\n" }.joined()
        let market = try PortMarket.open(node, rows: "device,server_ip,http_port,socks_port,country,mode\n" + rows)
        for number in 0..<2 { try market.topUp(number, 10_000) }
        let random = SeededRandom(seed: seed)
        var ports: [(owner: Int, port: Port)] = []
        for _ in 0..<300 {
            do {
                try Self.step(random, market, &ports)
            } catch is Refusal {
                // There is no slot left, or the port has ended.
            }
        }
        // What the clock says of a port is told once its slot was cleared.
        try Self.end(market)
        let known = ports
        let resellers = market.resellers
        let untold = try node.read(market.record) { tenant in
            let shown = try known.map { owner, port in
                try tenant.knownPort(port.publicID, resellerID: resellers[owner], book: .live)
            }
            return try tenant.untold(shown, random)
        }
        #expect(untold == [], "seed \(seed)")
        let types = try node.read(market.record) { tenant in
            try tenant.connection.rows("SELECT DISTINCT type FROM event WHERE type LIKE 'port.%'") { try $0.text() }
        }
        #expect(Set(types) == ["port.created", "port.rotated", "port.renewed", "port.expired"])
        #expect(try market.faults() == [])
    }

    private static func step(
        _ random: SeededRandom, _ market: PortMarket, _ ports: inout [(owner: Int, port: Port)]
    ) throws {
        let owner = Int(random.below(2))
        let chance = random.below(8)
        guard chance > 2, !ports.isEmpty else {
            if let port = try market.buy(owner, days: Int64(random.below(5)) + 1) { ports.append((owner, port)) }
            return
        }
        // Of the last ones, which have not ended yet.
        let (holder, port) = ports[max(0, ports.count - 1 - Int(random.below(8)))]
        switch chance {
        case 3: try market.renew(holder, port, days: Int64(random.below(4)) + 1)
        case 4, 5: _ = try market.rotate(holder, port)
        case 6: market.node.clock.advance(seconds: Int64(random.below(86_400)))
        default: try end(market)
        }
    }

    private static func end(_ market: PortMarket) throws {
        _ = try market.node.write(market.record) { tenant, _ in try DueWorks.schema.run(tenant, .port, 1_000) }
    }
}
