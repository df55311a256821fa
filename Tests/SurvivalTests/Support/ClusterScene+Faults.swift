import SharedLogs
import TenantRegistry
import TestSeeds
import TestTenants
import Testing

extension ClusterScene {
    /// Asks a node that may not be the tenant's.
    func elsewhere(_ slug: String, _ node: SimulatedNode, _ scene: Comment, _ chance: inout Seeded) throws {
        let id = try tenant(slug)
        guard node.isRunning, let trader = try turn(slug, to: node) else { return }
        let owner = store.head(of: id)?.owner
        try trader.ask([trader.randomWish(&chance)])
        let outcome = trader.books.outcome(of: trader.lastName)
        guard owner != node.name else { return }
        #expect(outcome == .notDone, "\(scene): \(node.name.text) does what is another's to do")
    }

    /// Whoever has the tenant gives it to that node; nil: nobody had it, or it did not come to that.
    @discardableResult
    func move(_ slug: String, to node: SimulatedNode) throws -> Result<Void, any Error>? {
        let id = try tenant(slug)
        guard let owner = running.first(where: { $0.serves(id) }), let fleet = owner.node?.fleet,
            let record = fleet.roster.tenant(id: id)
        else { return nil }
        let promise = Promise<Void>()
        fleet.move(record, to: node.name) { promise.resolve($0) }
        return try promise.result()
    }

    /// The tenant's node freezes before the `step`-th step of what its callers ask for then, and wakes so many beats
    /// later; meanwhile others are asked. Nothing older than what those were told is shown by it after that.
    func frozen(
        _ slug: String, atStep step: Int, forBeats count: Int, wishes: (Trader) -> [Trader.Wish], _ scene: Comment
    ) throws {
        let id = try tenant(slug)
        guard let node = running.first(where: { $0.serves(id) }), let trader = try turn(slug, to: node) else { return }
        let faults = node.link.faults
        faults.atStep(step) { faults.freeze() }
        // One by one: the lane may not be waited for.
        let asked = try wishes(trader).flatMap { try trader.begin([$0]) }
        // Where there are fewer steps it freezes behind the last.
        for _ in 0..<50 where !faults.isFrozen { pause(milliseconds: 1) }
        node.freeze()
        for _ in 1...count { pass() }
        if running.contains(where: { $0.serves(id) }) { try topUp(slug, units: 2) }
        node.thaw()
        try checkReads(slug, scene)
        try #require(traders[slug]).end(asked)
        try checkReads(slug, scene)
    }

    /// The tenant's node freezes until another has seen it silent, and wakes and beats before that one claims anything.
    /// Nobody shows it what it has but one node.
    func wakenBeforeClaim(_ slug: String, _ scene: Comment) throws {
        let id = try tenant(slug)
        guard let node = running.first(where: { $0.serves(id) }), let fleet = node.node?.fleet else { return }
        let faults = node.link.faults
        node.freeze()
        let others = running
        for other in others {
            other.link.faults.before(.claim) {
                faults.thaw()
                fleet.beat()
            }
        }
        // Where others cannot reach the log it sleeps on.
        for _ in 1...20 where faults.isFrozen { pass() }
        for other in others { other.link.faults.before(.claim, nil) }
        node.thaw()
        for other in others { other.node?.caughtUp() }
        let showing = nodes.filter { $0.member?.place(of: id) == .here }
        #expect(showing.count <= 1, "\(scene): \(slug) is shown by \(showing.map(\.name.text))")
        try topUp(slug)
        try checkReads(slug, scene)
    }
}
