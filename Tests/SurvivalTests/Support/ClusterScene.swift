import Cryptography
import FaultDisk
import Foundation
import SharedLogs
import TenantRegistry
import TestSeeds
import TestTenants
import Testing

/// Nodes of one cluster before a log in memory, and the callers of its tenants, who reach whichever node they like. One
/// test's thread.
final class ClusterScene {
    /// Of the log.
    let clock = ManualClock(TestNode.start)
    let store: MemoryLogStore
    let nodes: [SimulatedNode]
    /// By slug.
    private(set) var traders: [String: Trader] = [:]
    /// Milliseconds that have passed for all nodes.
    private(set) var now: UInt64 = 0

    static let beat: UInt64 = 500
    /// N3: so long after its last beat a node's tenants are served by others.
    static let servedMilliseconds: UInt64 = 6_000

    init(nodes count: Int = 2, tenants: Int = 1, _ change: @escaping (inout ClusterOptions) -> Void = { _ in }) throws {
        let masterKey = (0..<32).map { UInt8($0) }
        let store = MemoryLogStore(clock: clock)
        self.store = store
        nodes = try ["a", "b", "c"].prefix(count).map { name in
            try SimulatedNode(name, store, masterKey: masterKey) { options in
                // So few that a test comes to them.
                options.bounds.snapshotRecords = 12
                // What fails for longer is to fail soon: most tests have no other clock than the nodes'.
                options.bounds.projectionMilliseconds = 100
                change(&options)
            }
        }
        for node in nodes { try node.start() }
        for number in 1...tenants { try open("shop-\(number)", at: nodes[number % count]) }
        try settle()
    }

    /// A tenant with two resellers and some money.
    func open(_ slug: String, at node: SimulatedNode) throws {
        let running = try #require(node.node)
        _ = try Shop.open(running, slug)
        let trader = try Trader(running, slug: slug)
        traders[slug] = trader
        try trader.ask(trader.resellers.map { .topUp($0, units: 200) })
    }

    var slugs: [String] { traders.keys.sorted() }

    var running: [SimulatedNode] { nodes.filter(\.isRunning) }

    func tenant(_ slug: String) throws -> TenantID { try #require(traders[slug]).record.id }

    // MARK: Time

    /// Half a second, for all: who runs beats, in the order of the nodes.
    func pass() {
        now += Self.beat
        for node in nodes { node.pass(milliseconds: Self.beat) }
    }

    /// By the clocks of the log and of every node that runs, which nobody beats by.
    func advance(seconds: Int64) {
        clock.advance(seconds: seconds)
        for node in nodes { node.node?.clock.advance(seconds: seconds) }
    }

    /// Until each tenant is served by exactly one node that runs. Returns the milliseconds that it took.
    @discardableResult
    func settle(within milliseconds: UInt64 = 30_000) throws -> UInt64 {
        let began = now
        for tenant in try slugs.map(tenant) {
            while try !(isServed(tenant)) {
                guard now - began < milliseconds else {
                    throw NotServed(slug: tenant.text, state: describe(tenant))
                }
                pass()
            }
        }
        return now - began
    }

    struct NotServed: Error {
        let slug: String
        let state: String
    }

    private func describe(_ tenant: TenantID) -> String {
        let places = nodes.map { node in
            let place = node.member.map { "\($0.place(of: tenant))" } ?? "ended"
            return "\(node.name.text): \(place) \(node.node?.reports.all.suffix(3) ?? [])"
        }
        return "\(String(describing: store.head(of: tenant))); " + places.joined(separator: "; ")
    }

    /// What was taken over is known a moment later: nodes read the registry anew on threads of their own.
    private func isServed(_ tenant: TenantID) throws -> Bool {
        for _ in 0..<200 {
            let owners = running.filter { $0.serves(tenant) }
            // Of two one has not heard yet.
            if owners.count == 1, store.head(of: tenant)?.owner == owners[0].name { return true }
            let owner = store.head(of: tenant)?.owner
            guard let heir = running.first(where: { $0.name == owner }), owners.count <= 1 else { return false }
            // As the gateway asks, when a call comes.
            let promise = Promise<Void>()
            heir.member?.look(tenant) { _ in promise.succeed(()) }
            try promise.value()
            pause(milliseconds: 1)
        }
        return false
    }

    // MARK: Callers

    func owner(of slug: String) throws -> SimulatedNode {
        let id = try tenant(slug)
        return try #require(running.first { $0.serves(id) })
    }

    /// The callers of that tenant turn to this node. Nil where it does not know the tenant.
    @discardableResult
    func turn(_ slug: String, to node: SimulatedNode) throws -> Trader? {
        guard let running = node.node, running.fleet.roster.tenant(slug: slug) != nil else { return nil }
        let trader = try #require(traders[slug]).moved(to: running)
        // Who does not have the tenant has no resellers to show.
        guard trader.resellers.count == 2 else { return nil }
        traders[slug] = trader
        return trader
    }

    /// Asks whoever serves the tenant; where nobody does, whoever is there.
    func ask(_ slug: String, _ wishes: (Trader) -> [Trader.Wish]) throws {
        let id = try tenant(slug)
        guard let node = running.first(where: { $0.serves(id) }) ?? running.first else { return }
        guard let trader = try turn(slug, to: node) else { return }
        try trader.ask(wishes(trader))
    }

    func topUp(_ slug: String, units: Int64 = 1) throws {
        try ask(slug) { [.topUp($0.resellers[0], units: units)] }
    }

    /// The outcome of the last wish.
    func lastOutcome(_ slug: String) -> Books.Outcome? {
        traders[slug].flatMap { $0.books.outcome(of: $0.lastName) }
    }
}
