import Cryptography
import SharedLogs
import TenantRegistry
import TestTenants
import Testing

extension ClusterScene {
    /// Every fault is over, and every node runs: each tenant is served by one of them, the very next write succeeds,
    /// and everything is as the books say, in files, log and registry.
    /// `verifies`: files are of this program's schema, as the verifier asks.
    func heal(_ scene: Comment, verifies: Bool = true) throws {
        for node in nodes {
            node.link.faults.heal()
            node.disk.set(nil)
            if node.isFrozen { node.thaw() }
            if node.node == nil { try node.start() }
        }
        store.deliverLate()
        try settle()
        for slug in slugs {
            try writes(slug, scene)
            let trader = try #require(try turn(slug, to: try owner(of: slug)))
            try trader.check(scene)
            if verifies { try trader.verify(scene) }
            try checkLog(slug, scene)
        }
        try checkRegistries(scene)
    }

    /// What a client does: where a node does not have the tenant any more, or lost its handle, it asks again.
    func writes(_ slug: String, _ scene: Comment) throws {
        for _ in 1...100 {
            try topUp(slug)
            if lastOutcome(slug) == .done { return }
            try settle()
            // What a node takes over is ready a moment after it settled, on a thread of its own.
            pause(milliseconds: 5)
        }
        let reports = nodes.map { "\($0.name.text): \($0.node?.reports.all.suffix(4) ?? [])" }
        Issue.record("\(scene): \(slug) takes a write on a good log: \(reports)")
    }

    /// Records follow each other from each snapshot on, and no node's file says that it is further than the log, or on
    /// another way.
    func checkLog(_ slug: String, _ scene: Comment) throws {
        let id = try tenant(slug)
        #expect(store.fault(in: id) == nil, "\(scene): \(slug)")
        let head = try #require(store.head(of: id))
        for node in nodes {
            guard let mark = node.mark(of: id) else { continue }
            #expect(mark.sequence <= head.sequence, "\(scene): \(slug) at \(node.name.text) is ahead of the log")
            guard let chain = store.chain(of: id, at: mark.sequence) else { continue }
            #expect(mark.chain == chain, "\(scene): \(slug) at \(node.name.text) is of another history")
        }
    }

    /// Every node knows the same tenants, resellers and keys. What the registry missed while it was away it is told
    /// with a beat.
    func checkRegistries(_ scene: Comment) throws {
        #expect(store.fault(in: .registry) == nil, "\(scene): the registry")
        var missing: [String: Set<String>] = [:]
        for _ in 1...100 {
            var known: [String: [String]] = [:]
            for node in running {
                #expect(try node.catchUp(), "\(scene): \(node.name.text) catches up")
                known[node.name.text] = lines(try #require(node.node))
            }
            let all = known.values.reduce(into: Set<String>()) { $0.formUnion($1) }
            missing = known.mapValues { all.subtracting($0) }.filter { !$0.value.isEmpty }
            if missing.isEmpty { return }
            pass()
            pause(milliseconds: 2)
        }
        Issue.record("\(scene): the nodes' registries differ: \(missing)")
    }

    /// What a node knows of all tenants, a line each, and whether each key opens there.
    private func lines(_ node: TestNode) -> [String] {
        let roster = node.fleet.roster
        let tenants = roster.allTenants.map { record in
            let profile = record.profile
            let resellers = roster.resellers(of: record.id).map { "\($0.projection)" }.sorted()
            return "\(profile.slug) \(profile.id.text) \(profile.state) \(resellers)"
        }
        let keys = traders.values.flatMap { $0.books.entries.values }.compactMap { entry -> String? in
            guard case .mint(let hash) = entry.wish else { return nil }
            let isThere = roster.key(hash: hash, at: TestNode.start) != nil
            return "\(hash.hex) \(isThere ? "opens" : "does not open")"
        }
        return tenants + keys
    }

    /// Nobody is shown anything older than what was acknowledged, at whichever node he asks.
    func checkReads(_ slug: String, _ scene: Comment) throws {
        let done = try #require(traders[slug]).books.entries.filter { entry in
            if case .topUp = entry.value.wish { return entry.value.outcome == .done }
            return false
        }
        for node in nodes {
            guard let running = node.node, let record = running.fleet.roster.tenant(slug: slug), !node.isFrozen else {
                continue
            }
            let found = try? running.read(record) { tenant in
                try tenant.connection.rows("SELECT reference FROM posting WHERE kind = 'top_up'") { try $0.text() }
            }
            guard let found else { continue }
            let missing = Set(done.keys).subtracting(found)
            #expect(missing.isEmpty, "\(scene): \(node.name.text) shows \(slug) without \(missing.sorted())")
        }
    }

    func end() {
        for node in nodes where node.isFrozen { node.thaw() }
        for node in nodes { node.stop() }
    }
}
