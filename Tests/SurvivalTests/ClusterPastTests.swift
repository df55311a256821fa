import SQLite
import SharedLogs
import TenantApp
import TenantRegistry
import TestTenants
import Testing

/// Tenants of a cluster as they were at a moment, out of the log that the nodes share.
@Suite(.serialized, .apart) struct ClusterPastTests {
    private let slug = "shop-1"

    /// What the tenant had been given by a moment.
    private struct Known {
        let at: Timestamp
        let topUps: Set<String>
    }

    private static func topUps(_ connection: Connection) throws -> Set<String> {
        try Set(connection.rows("SELECT reference FROM posting WHERE kind = 'top_up'") { try $0.text() })
    }

    private func owner(_ scene: ClusterScene) throws -> TestNode { try #require(scene.owner(of: slug).node) }

    /// A moment of which it is known what the tenant had by then.
    private func note(_ scene: ClusterScene) throws -> Known {
        scene.advance(seconds: 30)
        let node = try owner(scene)
        let topUps = try node.read(node.tenant(slug)) { tenant in try Self.topUps(tenant.connection) }
        defer { scene.advance(seconds: 30) }
        return Known(at: scene.clock.now(), topUps: topUps)
    }

    private func copy(_ scene: ClusterScene, at moment: Timestamp) throws -> String {
        let node = try owner(scene)
        let record = try node.tenant(slug)
        return try awaited { node.fleet.copy(of: record, at: moment, then: $0) }
    }

    /// What it had then, by a copy that verifies.
    private func topUps(_ scene: ClusterScene, at moment: Timestamp) throws -> Set<String> {
        let path = try copy(scene, at: moment)
        defer { DataDirectory.remove(path) }
        #expect(try Verifier(path: path).run().isSound)
        try ExportSeal.remove(from: path)
        let connection = try Connection(path: path, flags: .immutable)
        defer { connection.close() }
        return try Self.topUps(connection)
    }

    private func move(_ scene: ClusterScene) throws {
        let (owner, id) = (try scene.owner(of: slug), try scene.tenant(slug))
        let other = try #require(scene.nodes.first { $0 !== owner })
        // Each has heard of the other.
        scene.pass()
        let node = try #require(owner.node)
        try node.move(node.tenant(slug), to: other.name.text)
        try scene.settle()
        #expect(other.serves(id))
    }

    @Test("B2 in a cluster a tenant goes back to any moment, over snapshots and moves, and no further than to it")
    func anyMoment() throws {
        let scene = try ClusterScene()
        defer { scene.end() }
        var known: [Known] = []
        for round in 1...48 {
            try scene.writes(slug, "round \(round)")
            known.append(try note(scene))
            if round.isMultiple(of: 4) { try scene.owner(of: slug).putSnapshot() }
            if round.isMultiple(of: 18) { try move(scene) }
        }
        #expect(scene.store.snapshotCount(of: try scene.tenant(slug)) > 1)
        for moment in known { #expect(try topUps(scene, at: moment.at) == moment.topUps, "\(moment.at.text)") }
    }

    @Test("B2 P5 going back to a moment is a restore like any other, and what it took away can be gone back to")
    func restored() throws {
        let scene = try ClusterScene()
        defer { scene.end() }
        for _ in 1...3 { try scene.writes(slug, "before") }
        let first = try note(scene)
        for _ in 1...3 { try scene.writes(slug, "after") }
        let second = try note(scene)
        #expect(first.topUps != second.topUps)
        let node = try owner(scene)
        let record = try node.tenant(slug)
        let before = try node.head(of: record)
        let head = try node.restore(record, from: copy(scene, at: first.at))
        #expect(head.incarnation == before.incarnation + 1)
        #expect(try note(scene).topUps == first.topUps)
        try move(scene)
        #expect(try note(scene).topUps == first.topUps)
        for known in [first, second] { #expect(try topUps(scene, at: known.at) == known.topUps) }
        try scene.writes(slug, "restored")
        try scene.checkLog(slug, "restored")
    }

    @Test("B2 the log keeps what every moment of seven days is made of, with a snapshot a day, and lets go of the rest")
    func retention() throws {
        let scene = try ClusterScene(nodes: 1)
        defer { scene.end() }
        var known: [Known] = []
        for _ in 1...22 {
            for _ in 1...12 { try scene.writes(slug, "a day") }
            try scene.nodes[0].putSnapshot()
            known.append(try note(scene))
            scene.advance(seconds: 43_000)
        }
        let reachable = scene.clock.now().adding(days: -Past.retentionDays)
        for moment in known where moment.at >= reachable {
            #expect(try topUps(scene, at: moment.at) == moment.topUps, "\(moment.at.text)")
        }
        #expect(throws: PastFailure.self) { try topUps(scene, at: known[0].at) }
        let snapshots = scene.store.snapshotCount(of: try scene.tenant(slug))
        #expect(snapshots <= Int(Past.retentionDays) + 5, "\(snapshots) of \(known.count)")
    }

    @Test("B2 after the log's clock had leapt ahead, no moment gives a state from before the leap for a later one")
    func leapt() throws {
        let scene = try ClusterScene(nodes: 1)
        defer { scene.end() }
        try scene.writes(slug, "before")
        let before = try note(scene)
        try scene.writes(slug, "after")
        scene.advance(seconds: 30)
        scene.clock.advance(seconds: 3_600)
        try scene.writes(slug, "by the leapt clock")
        scene.clock.advance(seconds: -3_600)
        let unmended = try note(scene)
        try scene.writes(slug, "mended")
        let mended = try note(scene)
        func isRefused(_ moment: Timestamp) throws -> Bool {
            do {
                DataDirectory.remove(try copy(scene, at: moment))
                return false
            } catch PastFailure.leapt {
                return true
            }
        }
        for _ in 1...2 {
            #expect(try topUps(scene, at: before.at) == before.topUps)
            #expect(try isRefused(unmended.at))
            #expect(try isRefused(mended.at))
            // Where the log's clock has come to by itself meanwhile: what came behind tells.
            scene.advance(seconds: 7_200)
        }
    }
}
