import SharedLogs
import Synchronization
import TestTenants
import Testing

@testable import TenantRegistry

/// Nodes of programs whose registries differ (N5).
@Suite(.serialized, .apart) struct ClusterRegistryTests {
    /// A node of a program that knows a registry of that version, which beats until it is told not to.
    private final class Older: Sendable {
        private let log: MemorySharedLog
        private let name: NodeName
        private let generation: Int64
        private let isOver = Atomic<Bool>(false)
        private let ended = Promise<Void>()

        init(_ store: MemoryLogStore, version: Int32) throws {
            (log, name) = (store.link(), try #require(NodeName("older")))
            generation = try log.join(
                ClusterNode(
                    name: name, address: "127.0.0.1:9", schema: 1, registry: version,
                    keyPrint: Fleet.keyPrint(of: (0..<32).map { UInt8($0) })))
            startThread("older-node") { [self] in
                while !isOver.load(ordering: .relaxed) {
                    _ = try? log.beat(name, generation: generation, state: .serving, ownersSince: .max)
                    pause(milliseconds: 5)
                }
                ended.succeed(())
            }
        }

        /// Of another node, as the log tells it.
        func state(of other: NodeName) throws -> NodeState? {
            let view = try log.beat(name, generation: generation, state: .serving, ownersSince: .max)
            return view?.nodes.first { $0.name == other }?.state
        }

        /// As kill -9; `leaves`: as a stop in order.
        func stop(leaves: Bool) throws {
            isOver.store(true, ordering: .relaxed)
            try ended.value()
            if leaves { _ = try log.beat(name, generation: generation, state: .left, ownersSince: .max) }
        }
    }

    /// Why a node does not start; nil: it does.
    private func refusal(_ node: SimulatedNode) -> String? {
        do { try node.start() } catch { return "\(error)" }
        return nil
    }

    @Test("N5 a node that takes the registry a step further does not join while nodes run that do not know the step")
    func step() throws {
        let upgrades = Mutex(false)
        let version = Mutex(RegistryStore.version)
        let scene = try ClusterScene(nodes: 1) { options in
            (options.bounds.beatMilliseconds, options.bounds.deadMilliseconds) = (10, 500)
            options.upgradesRegistry = upgrades.withLock { $0 }
            options.registrySchema = version.withLock { $0 }
        }
        defer { scene.end() }
        let node = scene.nodes[0]
        for leaves in [true, false] {
            node.stop()
            let older = try Older(scene.store, version: version.withLock { $0 })
            version.withLock { $0 += 1 }
            let why = try #require(refusal(node))
            #expect(why.contains("older") && why.contains("--upgrade-registry"))
            #expect(try older.state(of: node.name) == .left)
            upgrades.withLock { $0 = true }
            #expect(refusal(node) == nil)
            upgrades.withLock { $0 = false }
            node.stop()
            try older.stop(leaves: leaves)
            #expect(refusal(node) == nil)
        }
        try scene.heal("the registry went a step further")
    }

    @Test("N5 once the registry went a step further the others are upgraded one after the other, and may begin anew")
    func afterStep() throws {
        let upgrades = Mutex(true)
        let version = Mutex(RegistryStore.version)
        let scene = try ClusterScene { options in
            (options.bounds.beatMilliseconds, options.bounds.deadMilliseconds) = (10, 500)
            options.upgradesRegistry = upgrades.withLock { $0 }
            options.registrySchema = version.withLock { $0 }
        }
        defer { scene.end() }
        let (first, second) = (scene.nodes[0], scene.nodes[1])
        for node in scene.nodes { node.stop() }
        // The third, which runs until it is upgraded too.
        let older = try Older(scene.store, version: RegistryStore.version)
        version.withLock { $0 += 1 }
        #expect(refusal(first) == nil)
        upgrades.withLock { $0 = false }
        #expect(refusal(second) == nil)
        first.stop()
        #expect(refusal(first) == nil)
        try older.stop(leaves: true)
        try scene.heal("upgraded one after the other")
    }

    @Test("N5 nodes of one registry are upgraded one after the other, whatever else their programs differ in")
    func noStep() throws {
        let scene = try ClusterScene(nodes: 1) { options in
            (options.bounds.beatMilliseconds, options.bounds.deadMilliseconds) = (10, 500)
        }
        defer { scene.end() }
        scene.nodes[0].stop()
        let other = try Older(scene.store, version: RegistryStore.version)
        #expect(refusal(scene.nodes[0]) == nil)
        try other.stop(leaves: true)
        try scene.heal("a program of the same registry")
    }
}
