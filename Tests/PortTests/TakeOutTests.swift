import CallKit
import TenantRegistry
import TestTenants
import Testing

@testable import TenantApp

@Suite struct TakeOutTests {
    @Test("O9 X5 a port whose time is up ends once, though another port's move from its device has cleared it before")
    func cleared() async throws {
        let folder = try TestFolder()
        let node = try TestNode(folder.file("data"))
        defer { node.stop() }
        let market = try PortMarket.open(
            node,
            rows: """
                device,server_ip,http_port,socks_port,country,mode
                d1,192.0.2.1,1-2,11-12,germany_id,shared
                d2,192.0.2.2,1,11,germany_id,exclusive-capable

                """)
        try market.topUp(0, 100)
        let stays = try #require(try market.buy(0, days: 5))
        let due = try #require(try market.buy(0, days: 1))
        let inTheWay = try #require(try market.buy(0, days: 1))
        #expect(due.deviceID == stays.deviceID && due.slotID > stays.slotID)
        #expect(inTheWay.deviceID != stays.deviceID)
        node.clock.advance(seconds: 86_400)
        let terms = TenantWrite(market.record, of: node.fleet, warrant: .node) { [clock = node.clock] in
            AuditRecord(at: clock.now(), action: "DELETE /devices/{name}", status: $0, requestID: .none, bytesOut: $1)
        }
        let result = try await TakeOutDevice(name: "d1", book: .live, fate: .move).run(Steps(terms, paidBy: .node))
        #expect(result.moved == 1)
        #expect(try market.events(0).filter { $0 == "port.expired" }.count == 2)
        #expect(try market.events(0).filter { $0 == "port.rotated" }.count == 1)
        #expect(try market.customer(0).usedPortSlots == 1)
        #expect(try market.faults() == [])
    }
}
