import TenantRegistry
import TestTenants
import Testing

@Suite struct CreationTests {
    @Test("P1 P7 a new tenant takes orders at once and its export is one file")
    func create() throws {
        let folder = try TestFolder()
        let node = try TestNode(folder.file("data"))
        defer { node.stop() }
        let shop = try Shop.open(node)
        try shop.trade()
        let path = try node.export(shop.record)
        #expect(DataDirectory.size(of: path) ?? 0 > 0)
        #expect(DataDirectory.size(of: path + "-wal") == nil)
        #expect(node.reports.all.isEmpty)
    }
}
