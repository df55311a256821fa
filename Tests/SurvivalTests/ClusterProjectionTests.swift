import SharedLogs
import TenantApp
import TestTenants
import Testing

@testable import TenantRegistry

/// A registry that cannot be told what a tenant's file says of its keys, while others go by it (N5).
@Suite(.serialized, .apart) struct ClusterProjectionTests {
    private let slug = "shop-1"

    /// The tenant's node, and the other of two.
    private func parties(_ scene: ClusterScene) throws -> (owner: SimulatedNode, other: SimulatedNode) {
        let owner = try scene.owner(of: slug)
        return (owner, try #require(scene.nodes.first { $0 !== owner }))
    }

    private func opens(_ key: TestKey, at node: SimulatedNode) throws -> Bool {
        #expect(try node.catchUp())
        return try #require(node.node).opens(key)
    }

    @Test("N5 a key's note in the registry that failed is made again before a mint or a revocation is answered")
    func toldAgain() throws {
        let scene = try ClusterScene()
        defer { scene.end() }
        let (owner, other) = try parties(scene)
        let node = try #require(owner.node)
        let record = try node.tenant(slug)
        // The hash is reserved before.
        owner.link.faults.next([nil, .requestLost], of: .registry)
        let key = try node.mint(record)
        #expect(try opens(key, at: other))
        owner.link.faults.next([.requestLost], of: .registry)
        try node.revoke(record, key)
        #expect(try !opens(key, at: other))
        try scene.heal("told again")
    }

    @Test("N5 a revocation that the registry cannot be told of is 503 outcome_unknown, and holds at whoever takes over")
    func neverTold() throws {
        let scene = try ClusterScene()
        defer { scene.end() }
        let (owner, other) = try parties(scene)
        let node = try #require(owner.node)
        let record = try node.tenant(slug)
        let key = try node.mint(record)
        #expect(try opens(key, at: other))
        try untold(node, record, key, owner)
        #expect(!node.opens(key))
        try owner.kill()
        try scene.settle()
        // A call is judged by the file, which is opened before, whatever the registry says of its key.
        let heir = try #require(other.node)
        let standing = try heir.read(heir.tenant(slug)) { try $0.standing(ofSecret: key.hash) }
        #expect(standing?.isRevoked ?? true)
        #expect(!heir.opens(key))
        try scene.heal("never told")
        #expect(try !opens(key, at: owner))
    }

    @Test("N5 what the registry could not be told of a key while the call waited it is told with a beat")
    func toldLater() throws {
        let scene = try ClusterScene()
        defer { scene.end() }
        let (owner, other) = try parties(scene)
        let node = try #require(owner.node)
        let record = try node.tenant(slug)
        let key = try node.mint(record)
        try untold(node, record, key, owner)
        owner.link.faults.heal()
        for _ in 1...500 {
            if try !opens(key, at: other) { break }
            scene.pass()
            pause(milliseconds: 2)
        }
        #expect(try !opens(key, at: other))
        try scene.heal("told later")
    }

    @Test("N5 however many calls wait for a registry that missed something, each hears that it knows once it was told")
    func toldTogether() throws {
        let scene = try ClusterScene { $0.bounds.projectionMilliseconds = 10_000 }
        defer { scene.end() }
        let (owner, other) = try parties(scene)
        let node = try #require(owner.node)
        let record = try node.tenant(slug)
        let key = try node.mint(record)
        owner.link.faults.next([.requestLost], of: .registry)
        let told = (0..<50).map { _ in
            let promise = Promise<Bool>()
            node.fleet.projectAgain(record, upTo: .max) { promise.succeed($0) }
            return promise
        }
        #expect(try told.allSatisfy { try $0.value() })
        #expect(try opens(key, at: other))
        try scene.heal("told together")
    }

    @Test("N5 one try tells the registry for all who wait as it begins; who comes during it waits for the next")
    func oneTry() throws {
        let scene = try ClusterScene()
        defer { scene.end() }
        let node = try #require(parties(scene).owner.node)
        let (cluster, tenant) = (try #require(node.fleet.cluster), try scene.tenant(slug))
        func wait() -> Bool {
            cluster.waitForProjection(of: tenant, ProjectionWaiter(epoch: 1, end: .max, then: { _ in }))
        }
        // The first begins a try, the second does not.
        #expect(wait() && !wait())
        let first = cluster.projectionWaiters(of: tenant)
        #expect(first.count == 2 && !wait())
        // The first try failed: its two and the one who came during it wait for the second.
        #expect(cluster.goesOnProjecting(tenant, for: first))
        #expect(cluster.projectionWaiters(of: tenant).count == 3)
        #expect(!cluster.goesOnProjecting(tenant, for: []))
        #expect(wait())
    }

    /// Revokes the key while no commit of the registry comes through.
    private func untold(_ node: TestNode, _ record: TenantRecord, _ key: TestKey, _ owner: SimulatedNode) throws {
        owner.link.faults.next(Array(repeating: .requestLost, count: 10_000), of: .registry)
        #expect {
            try node.revoke(record, key)
        } throws: { error in
            if case LaneFailure.outcomeUnknown = error { true } else { false }
        }
    }
}
