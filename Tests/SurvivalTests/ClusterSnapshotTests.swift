import SharedLogs
import TenantApp
import TenantRegistry
import TestTenants
import Testing

/// When snapshots are made, and what a node knows of the records that wait for one (N2).
@Suite(.serialized, .apart) struct ClusterSnapshotTests {
    private let slug = "shop-1"

    /// By the node's clock so much that it asks the log anew; what is due is made, of two tenants.
    private func look(_ node: SimulatedNode) throws {
        node.pass(milliseconds: ClusterBounds().surveyMilliseconds)
        for _ in 1...2 { try node.putSnapshot() }
    }

    private func recordsBehind(_ node: SimulatedNode) throws -> Int {
        try node.putSnapshot()
        return try #require(node.member).figures.recordsBehind
    }

    @Test("N2 a tenant that writes little has a snapshot a day after the one before, and who wrote nothing has none")
    func daily() throws {
        let scene = try ClusterScene(nodes: 1, tenants: 2) { $0.bounds.snapshotRecords = 1_000 }
        defer { scene.end() }
        let node = scene.nodes[0]
        func counts() throws -> [Int] { try scene.slugs.map { scene.store.snapshotCount(of: try scene.tenant($0)) } }
        scene.advance(seconds: 86_400)
        try look(node)
        let first = try counts()
        try scene.writes(slug, "a day's only one")
        scene.advance(seconds: 80_000)
        try look(node)
        #expect(try counts() == first)
        scene.advance(seconds: 6_400)
        try look(node)
        #expect(try counts() == [first[0] + 1, first[1]])
        scene.advance(seconds: 86_400)
        try look(node)
        #expect(try counts() == [first[0] + 1, first[1]])
        try scene.checkLog(slug, "daily")
    }

    @Test("N2 records that wait for a snapshot are known to the node that was begun anew, and to the one moved to")
    func countsStay() throws {
        let scene = try ClusterScene { $0.bounds.snapshotRecords = 1_000 }
        defer { scene.end() }
        for _ in 1...6 { try scene.writes(slug, "before") }
        let owner = try scene.owner(of: slug)
        let before = try recordsBehind(owner)
        #expect(before >= 6)
        try owner.kill()
        try owner.start()
        try scene.settle()
        #expect(try recordsBehind(owner) >= before)
        let other = try #require(scene.nodes.first { $0 !== owner })
        scene.pass()
        _ = try #require(try scene.move(slug, to: other)).get()
        try scene.settle()
        #expect(try recordsBehind(other) >= before)
        #expect(try recordsBehind(owner) == 0)
    }

    @Test("N2 a node that is begun anew again and again makes its snapshots all the same")
    func restarts() throws {
        let scene = try ClusterScene(nodes: 1) { $0.bounds.snapshotRecords = 40 }
        defer { scene.end() }
        let (node, id) = (scene.nodes[0], try scene.tenant(slug))
        let before = scene.store.snapshotCount(of: id)
        for _ in 1...5 {
            for _ in 1...10 { try scene.writes(slug, "between two starts") }
            try node.putSnapshot()
            try node.kill()
            try node.start()
            try scene.settle()
        }
        try node.putSnapshot()
        #expect(scene.store.snapshotCount(of: id) > before)
        try scene.checkLog(slug, "restarts")
    }
}
