import CallKit
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
}
