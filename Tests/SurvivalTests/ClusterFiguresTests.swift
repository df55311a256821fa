import TenantRegistry
import TestTenants
import Testing

/// What nodes tell of tenants that others serve (N5).
@Suite(.apart) struct ClusterFiguresTests {
    @Test(
        "N5 P2 what others saved of many tenants is read some at a time, and is all there",
        arguments: [1, 2, 5, 6, 256])
    func inSteps(atOnce: Int) throws {
        let scene = try ClusterScene(nodes: 2, tenants: 1)
        defer { scene.end() }
        let owner = try #require(scene.nodes[0].node)
        let records = try (1...5).map { try owner.create("many-\($0)") }
        for _ in 1...2 { scene.pass() }
        let other = try #require(scene.nodes[1].node)
        #expect(try scene.nodes[1].catchUp())
        let tenants = records.map(\.id)
        let found = try awaited { then in other.fleet.figures(of: tenants, atOnce: atOnce, then: then) }
        #expect(Set(found.keys) == Set(tenants))
        let none = try awaited { then in other.fleet.figures(of: [], atOnce: atOnce, then: then) }
        #expect(none.isEmpty)
    }
}
