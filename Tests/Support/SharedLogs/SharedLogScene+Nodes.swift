import Cryptography
import TenantRegistry
import TestTenants

extension SharedLogScene {
    func owners() throws {
        let (id, stream) = try opened()
        try refuses(.notOwner(first), "to open another's") { _ = try other.open(id, as: second, key: key) }
        try expect(try append(stream, payload(1)), .appended, "who tried has ended nobody")
    }

    func claims() throws {
        let (id, stream) = try opened()
        let (moved, _) = try opened()
        try append(stream, count: 2)
        try log.hand(moved, from: first, to: second)
        let nothing = tenant()
        try expect(try other.claim([id, moved, nothing], of: first, seen: nil, by: second), [id], "what a claim gets")
        try expect(try head(id).owner, second, "the owner")
        try expect(try head(id).epoch > stream.epoch, "a claim raises the epoch")
        try expect(try append(stream, payload(9)), .refused, "an append of the old owner")
        try expect(try log.claim([id], of: first, seen: nil, by: first), [], "a claim of what is another's by now")
        let heir = try other.open(id, as: second, key: key)
        try append(heir, count: 1)
        try expect(try read(id, upTo: 3).payloads, [1, 2, 1].map(payload), "the records")
        try expect(try other.claim([], of: first, seen: nil, by: second), [], "a claim of nothing")
    }

    func wakings() throws {
        let generation = try join(log, first)
        let watcher = try join(other, second)
        let (id, stream) = try opened()
        func seen() throws -> ClusterView.Node? {
            try beat(other, second, watcher)?.nodes.first { $0.name == first }
        }
        func takesNothing(_ seen: ClusterView.Node?, _ what: String) throws {
            try expect(try other.claim([id], of: first, seen: seen, by: second), nil, what)
            try expect(try head(id).owner, first, "the owner after \(what)")
        }
        try takesNothing(nil, "a claim from a node that nobody had seen, and that is there")
        let silent = try seen()
        _ = try beat(log, first, generation)
        try takesNothing(silent, "a claim from a node that has beaten since")
        let awake = try seen()
        let again = try join(log, first)
        try takesNothing(awake, "a claim from a node that has joined since")
        try expect(try append(stream, payload(1)), .appended, "who lives is ended by nobody")
        _ = try log.beat(first, generation: again, state: .left, ownersSince: 0)
        try expect(try other.claim([id], of: first, seen: try seen(), by: second), [id], "a claim from one that left")
        let gone = try seen()
        try other.forget(first)
        try expect(try other.claim([id], of: first, seen: gone, by: second), nil, "a claim from one that is forgotten")
    }

    func races() throws {
        let ids = (1...100).map { _ in tenant() }
        guard let dead = NodeName("c" + first.text.dropFirst()) else { return }
        for id in ids { try log.create(id, owner: dead) }
        let names = [first, second]
        let got = names.map { _ in Promise<[TenantID]>() }
        for place in 0...1 {
            let (log, name, promise) = (logs[place], names[place], got[place])
            startThread("claims") {
                promise.resolve(
                    Result {
                        try stride(from: 0, to: 100, by: 10).flatMap { start in
                            try log.claim(Array(ids[start..<start + 10]), of: dead, seen: nil, by: name) ?? []
                        }
                    })
            }
        }
        let claimed = try got.map { try $0.value() }
        try expect(Set(claimed[0]).isDisjoint(with: claimed[1]), "no tenant goes to two")
        try expect(claimed[0].count + claimed[1].count, 100, "each goes to one")
        for (place, name) in names.enumerated() {
            for id in claimed[place] { try expect(try head(id).owner, name, "a head's owner is who got it") }
        }
    }

    func moves() throws {
        let (id, stream) = try opened()
        try append(stream, count: 1)
        try refuses(.notOwner(first), "to hand on another's") { try other.hand(id, from: second, to: second) }
        try refuses(.unknown, "to hand on nothing") { try log.hand(tenant(), from: first, to: second) }
        try expect(try append(stream, payload(2)), .appended, "what was refused has ended nobody")
        try log.hand(id, from: first, to: second)
        try expect(try append(stream, payload(9)), .refused, "an append after it was handed on")
        try refuses(.notOwner(second), "to open it again") { _ = try log.open(id, as: first, key: key) }
        let heir = try other.open(id, as: second, key: key)
        try expect(heir.head.sequence, 2, "the heir begins where the last append was")
        try append(heir, count: 1)
    }

    func names() throws {
        let older = try join(log, first)
        try expect(try beat(log, first, older) != nil, "the first process lives")
        let younger = try join(other, first)
        try expect(younger > older, "each process has a generation above those before")
        try expect(try beat(log, first, older) == nil, "the earlier process has to stop")
        try expect(try beat(other, first, younger) != nil, "the later one lives")
        try expect(try beat(log, first, older) == nil, "the earlier one still has to")
        try expect(try beat(log, second, younger) == nil, "nobody who joined has that name")
    }

    private func beat(_ log: any SharedLog, _ name: NodeName, _ generation: Int64) throws -> ClusterView? {
        try log.beat(name, generation: generation, state: .serving, ownersSince: 0)
    }

    func keys() throws {
        _ = try join(log, first)
        do {
            _ = try other.join(node(second, keyPrint: SHA256.hash("another key")))
            throw Nonconformance(description: "a node with another master key joins")
        } catch SharedLogError.refused {}
    }

    func views() throws {
        let mine = try join(log, first)
        let theirs = try join(other, second)
        let before = try beat(log, first, mine)
        _ = try other.beat(second, generation: theirs, state: .draining, ownersSince: 0)
        guard let before, let view = try beat(log, first, mine) else {
            throw Nonconformance(description: "a beat of who lives shows the others")
        }
        let joined = before.nodes.first { $0.name == second }?.state
        try expect(joined, .draining, "who has not beaten yet takes no tenants")
        let seen = view.nodes.filter { $0.name == first || $0.name == second }.sorted { $0.name < $1.name }
        try expect(seen.map(\.name), [first, second], "the nodes")
        try expect(seen.map(\.state), [.serving, .draining], "their states")
        try expect(seen.map(\.generation), [mine, theirs], "their generations")
        try expect(seen.map(\.address), ["127.0.0.1:8080", "127.0.0.1:8080"], "their addresses")
        try expect(seen.map(\.schema), [1, 1], "their schemas")
        for node in seen {
            let beats = before.nodes.first { $0.name == node.name }?.beats ?? -1
            try expect(node.beats > beats, "a node's beats rise while it lives")
        }
        let (id, _) = try opened()
        guard let news = try log.beat(first, generation: mine, state: .serving, ownersSince: view.ownersAt) else {
            throw Nonconformance(description: "a beat of who lives")
        }
        try expect(owner(of: id, news), first, "a new tenant's owner")
        try log.hand(id, from: first, to: second)
        guard let moved = try log.beat(first, generation: mine, state: .serving, ownersSince: news.ownersAt) else {
            throw Nonconformance(description: "a beat of who lives")
        }
        try expect(owner(of: id, moved), second, "a tenant that moved")
        let all = try log.beat(first, generation: mine, state: .serving, ownersSince: 0)
        try expect(all.map { owner(of: id, $0) }, second, "all owners, from the beginning")
        // A log may wait with it for what is still under way.
        try expect(moved.ownersAt >= view.ownersAt, "the place of owners never falls")
        for schema in [9, 8] as [Int32] { try other.note(registry: schema) }
        try expect(try beat(log, first, mine)?.registrySchema, 9, "the registry's schema never falls")
    }

    private func owner(of id: TenantID, _ view: ClusterView) -> NodeName? {
        view.owners.last { $0.tenant == id }?.node
    }

    func levels() throws {
        _ = try join(log, first)
        try expect(try other.levels(of: first), nil, "levels that nobody saved")
        try log.save(levels: [1, 2, 3], of: first)
        try expect(try other.levels(of: first), [1, 2, 3], "levels that were saved")
        try log.save(levels: [4], of: first)
        try expect(try other.levels(of: first), [4], "levels that were saved again")
        try expect(try other.levels(of: second), nil, "levels of nobody")
    }

    func departures() throws {
        let generation = try join(log, first)
        let (id, _) = try opened()
        try refuses(nil, "to forget a node that serves") { try other.forget(first) }
        _ = try log.beat(first, generation: generation, state: .left, ownersSince: 0)
        try refuses(nil, "to forget a node that owns something") { try other.forget(first) }
        try log.hand(id, from: first, to: second)
        try other.forget(first)
        try expect(try beat(log, first, generation) == nil, "a beat of who was forgotten")
        _ = try join(other, second)
        let generationAgain = try join(log, first)
        try expect(generationAgain > generation, "who was forgotten may come again")
    }
}
