import Foundation
import SharedLogs
import TenantRegistry
import TestSeeds
import TestTenants
import Testing

/// Files that begin, or that another takes the place of, while their node goes: what the log is told of it in one step
/// (N2, P1, P5).
@Suite(.serialized, .apart) struct ClusterBirthTests {
    private let slug = "shop-1"

    private func names(_ node: SimulatedNode, _ slug: String) throws -> Set<String> {
        let running = try #require(node.node)
        return try Set(
            running.read(running.tenant(slug)) { tenant in
                try tenant.connection.rows("SELECT reference FROM posting WHERE kind = 'top_up'") { try $0.text() }
            })
    }

    @Test(
        "N2 P5 killed at any step of a restore: as it was or as it was restored, whole, and told of it is restored",
        arguments: [false, true])
    func restored(losesFolder: Bool) throws {
        var outcomes: Set<Bool> = []
        for step in Effort.places(upTo: 14, short: 4) {
            let scene = try ClusterScene()
            defer { scene.end() }
            try scene.topUp(slug)
            let owner = try scene.owner(of: slug)
            let running = try #require(owner.node)
            let record = try running.tenant(slug)
            let before = try names(owner, slug)
            let copy = try running.export(record)
            defer { DataDirectory.remove(copy) }
            try scene.topUp(slug)
            let after = try names(owner, slug)
            #expect(after.count == before.count + 1)
            let faults = owner.link.faults
            faults.atStep(step) { faults.crash() }
            let isTold = (try? running.restore(record, from: copy)) != nil
            try owner.kill(losesFolder: losesFolder)
            try scene.settle()
            let found = try names(try scene.owner(of: slug), slug)
            #expect(found == before || found == after, "step \(step): \(found)")
            if isTold { #expect(found == before, "step \(step): told of") }
            outcomes.insert(found == before)
            try owner.start()
            try scene.settle()
            try scene.topUp(slug)
            #expect(scene.lastOutcome(slug) == .done, "step \(step)")
            try scene.checkLog(slug, "step \(step)")
            try scene.checkRegistries("step \(step)")
        }
        if Effort.isLong { #expect(outcomes == [false, true], "both came out") }
    }

    @Test("N2 P1 killed at any step of making a tenant: none or a whole one at every node, and told of it is there")
    func made() throws {
        var outcomes: Set<Bool> = []
        for step in Effort.places(upTo: 16, short: 5) {
            let scene = try ClusterScene()
            defer { scene.end() }
            let owner = try scene.owner(of: slug)
            let running = try #require(owner.node)
            let faults = owner.link.faults
            faults.atStep(step) { faults.crash() }
            let isTold = (try? running.create("new")) != nil
            try owner.kill(losesFolder: step.isMultiple(of: 2))
            try scene.settle()
            let other = try #require(scene.running.first)
            #expect(try other.catchUp())
            for _ in 1...4 { scene.pass() }
            if isTold { #expect(other.node?.fleet.roster.tenant(slug: "new") != nil, "step \(step): told of") }
            try owner.start()
            for _ in 1...14 { scene.pass() }
            let heir = try #require(other.node)
            if let record = heir.fleet.roster.tenant(slug: "new") {
                let id = record.id
                for _ in 1...20 where !scene.running.contains(where: { $0.serves(id) }) {
                    scene.pass()
                    pause(milliseconds: 2)
                }
                let node = try #require(scene.running.first { $0.serves(id) }?.node)
                #expect(try node.head(of: node.tenant("new")).sequence == 2, "step \(step): a whole one")
                outcomes.insert(true)
            } else {
                outcomes.insert(false)
            }
            try scene.heal("made, step \(step)")
        }
        if Effort.isLong { #expect(outcomes == [false, true], "both came out") }
    }

    @Test("N4 a drain under load: every tenant is elsewhere, each call is answered, and nothing is lost")
    func drained() throws {
        let scene = try ClusterScene(nodes: 3, tenants: 6)
        defer { scene.end() }
        let owner = try scene.owner(of: slug)
        let fleet = try #require(owner.node).fleet
        let own = scene.store.owners.filter { $0.value == owner.name }
        let drained = Promise<Int>()
        fleet.drain { drained.resolve($0) }
        for slug in scene.slugs {
            // As the gateway does where a tenant has moved: it asks whose it is, and sends the call there.
            for _ in 1...20 {
                try scene.topUp(slug)
                if scene.lastOutcome(slug) == .done { break }
                try scene.settle()
            }
            #expect(scene.lastOutcome(slug) == .done)
        }
        #expect(try drained.value() == own.count)
        try scene.settle()
        #expect(!scene.store.owners.values.contains(owner.name))
        try scene.heal("drained")
    }

    @Test("N4 a tenant that is made at a node that drains goes to one that takes tenants, and nothing stays behind")
    func madeWhileDraining() throws {
        let scene = try ClusterScene(nodes: 3, tenants: 3)
        defer { scene.end() }
        let owner = try scene.owner(of: slug)
        let running = try #require(owner.node)
        let drained = Promise<Int>()
        running.fleet.drain { drained.resolve($0) }
        _ = try drained.value()
        let id = try running.create("new").id
        until { scene.store.head(of: id)?.owner != owner.name }
        #expect(!scene.store.owners.values.contains(owner.name))
        for _ in 1...20 where !scene.running.contains(where: { $0.serves(id) }) {
            scene.pass()
            pause(milliseconds: 2)
        }
        #expect(scene.running.contains { $0 !== owner && $0.serves(id) })
        try scene.heal("made while draining")
    }
}
