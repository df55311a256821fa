import CallKit
import Cryptography
import Foundation
import Gateway
import HTTPCore
import HTTPServer
import RateLimiter
import Synchronization
import TenantApp
import TenantRegistry
import TestGateway
import TestPrograms
import TestTenants

/// Whose each tenant is, in the test's hands; each node has a view of its own, which may be old. Any thread.
final class Whereabouts: Sendable {
    struct State {
        var owners: [TenantID: NodeName] = [:]
        var nodes: [NodeName: ClusterView.Node] = [:]
        var silent: Set<NodeName> = []
    }

    let truth = Mutex(State())
}

/// One node's view. `place` says what the node was told last, `look` what is true.
final class TestPlacement: Placement {
    let name: NodeName
    private let whereabouts: Whereabouts
    private let seen = Mutex<[TenantID: NodeName?]>([:])
    private let serving = Mutex(true)
    /// Whether the log can be read.
    let isReadable = Atomic<Bool>(true)
    /// Called with how often the node has looked.
    let looked = Mutex<(@Sendable (Int) -> Void)?>(nil)
    private let looks = Atomic<Int>(0)
    let catchesUp = Atomic<Int>(0)
    /// What the node learns when it catches up.
    let lesson = Mutex<(@Sendable () -> Void)?>(nil)

    init(_ name: NodeName, _ whereabouts: Whereabouts) { (self.name, self.whereabouts) = (name, whereabouts) }

    var isServing: Bool {
        get { serving.withLock { $0 } }
        set { serving.withLock { $0 = newValue } }
    }

    var nodes: [ClusterView.Node] { whereabouts.truth.withLock { Array($0.nodes.values) } }

    func isSilent(_ node: NodeName) -> Bool { whereabouts.truth.withLock { $0.silent.contains(node) } }

    /// The node believes this from now on, until it looks.
    func believe(_ tenant: TenantID, at node: NodeName?) { seen.withLock { $0[tenant] = .some(node) } }

    func place(of tenant: TenantID) -> TenantPlace {
        if let believed = seen.withLock({ $0[tenant] }) { return place(at: believed) }
        return truth(of: tenant)
    }

    func look(_ tenant: TenantID, then: @escaping @Sendable (TenantPlace) -> Void) {
        let count = looks.add(1, ordering: .relaxed).newValue
        looked.withLock { $0 }?(count)
        seen.withLock { $0[tenant] = nil }
        let place = truth(of: tenant)
        DispatchQueue.global().async { then(place) }
    }

    func owner(of tenant: TenantID) -> NodeName? { whereabouts.truth.withLock { $0.owners[tenant] } }

    func catchUp(then: @escaping @Sendable (Bool) -> Void) {
        catchesUp.add(1, ordering: .relaxed)
        lesson.withLock { $0 }?()
        let succeeds = isReadable.load(ordering: .relaxed)
        DispatchQueue.global().async { then(succeeds) }
    }

    private func truth(of tenant: TenantID) -> TenantPlace {
        place(at: whereabouts.truth.withLock { $0.owners[tenant] })
    }

    private func place(at node: NodeName?) -> TenantPlace {
        guard let node else { return .nowhere }
        if node == name { return isServing ? .here : .nowhere }
        return .at(node, address: whereabouts.truth.withLock { $0.nodes[node]?.address ?? "127.0.0.1:1" })
    }
}

/// Some gateways with sockets over copies of one folder, which pass calls on to one another. Any task.
final class Neighbourhood: Sendable {
    struct Node: Sendable {
        let name: NodeName
        let gateway: Gateway
        let placement: TestPlacement
        let client: LiveClient
        var port: UInt16 { gateway.ports[0] }
        var fleet: Fleet { gateway.fleet }
    }

    let nodes: [Node]
    let whereabouts = Whereabouts()
    let hosting: TestTenant
    let licences: TestTenant
    let providerKey: String
    let clock: ManualClock
    private let folder: TestFolder

    fileprivate init(
        _ made: TestGateway, _ hosting: TestTenant, _ licences: TestTenant, count: Int, encrypted: Set<Int>
    ) throws {
        (self.hosting, self.licences, providerKey, clock) = (hosting, licences, made.providerKey, made.clock)
        folder = try TestFolder()
        var nodes: [Node] = []
        for index in 0..<count {
            guard let name = NodeName("node-\(index)") else { preconditionFailure("a name") }
            var configuration = Self.configuration(try folder.copy(made.dataPath, to: name.text))
            let isEncrypted = encrypted.contains(index)
            if isEncrypted { try Self.certify(&configuration, folder) }
            let placement = TestPlacement(name, whereabouts)
            let gateway = try Gateway.start(
                configuration, blueprints: made.blueprints, clock: made.clock, placement: placement)
            let node = ClusterView.Node(
                name: name, generation: 1,
                address: "\(isEncrypted ? "https://" : "")127.0.0.1:\(gateway.ports[0])", state: .serving, beats: 1,
                schema: 1)
            whereabouts.truth.withLock { $0.nodes[name] = node }
            nodes.append(
                Node(
                    name: name, gateway: gateway, placement: placement,
                    client: LiveClient(port: gateway.ports[0])))
        }
        self.nodes = nodes
        move(hosting, to: 1)
        move(licences, to: 1)
    }

    /// The node speaks TLS, with a certificate that nobody has signed, for a name that is not its address.
    private static func certify(_ configuration: inout Configuration, _ folder: TestFolder) throws {
        let (chain, key) = (folder.file("chain.pem"), folder.file("key.pem"))
        let openssl = Program()
        openssl.arguments = [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj",
            "/CN=gate.example", "-days", "2", "-keyout", key, "-out", chain,
        ]
        openssl.standardError = FileHandle.nullDevice
        try openssl.run()
        openssl.waitUntilExit()
        (configuration.certificatePath, configuration.privateKeyPath) = (chain, key)
    }

    static func configuration(_ dataPath: String, port: UInt16 = 0) -> Configuration {
        var configuration = Configuration()
        configuration.dataPath = dataPath
        configuration.loops = 1
        configuration.workers = 4
        configuration.commits = TestNode.commits
        configuration.baseDomain = TestGateway.baseDomain
        configuration.trustedProxies = [AddressRange(parsing: "127.0.0.0/8")].compactMap { $0 }
        configuration.scryptCostLog2 = 4
        configuration.clockLeapHoursMax = 0
        configuration.drainNoticeMilliseconds = 0
        configuration.drainMilliseconds = 1_000
        configuration.listeners = [Listener(.tcp(.loopback, port: port))]
        return configuration
    }

    subscript(index: Int) -> Node { nodes[index] }

    /// From now on the tenant is that node's, or nobody's.
    func move(_ tenant: TestTenant, to index: Int?) {
        whereabouts.truth.withLock { $0.owners[tenant.record.id] = index.map { nodes[$0].name } }
    }

    /// Where the node says that it is.
    func announce(_ index: Int, at address: String, beats: Int64 = 1, generation: Int64 = 1) {
        let node = ClusterView.Node(
            name: nodes[index].name, generation: generation, address: address, state: .serving, beats: beats, schema: 1)
        whereabouts.truth.withLock { $0.nodes[node.name] = node }
    }

    /// The node was not heard of for long.
    func silence(_ index: Int) { whereabouts.truth.withLock { _ = $0.silent.insert(nodes[index].name) } }

    func send(_ request: TestRequest, to index: Int) async throws -> TestResponse {
        try await nodes[index].client.send(request)
    }

    /// How many orders the tenant has in that node's file.
    func orders(of tenant: TestTenant, at index: Int) async throws -> Int64 {
        guard let record = nodes[index].fleet.roster.tenant(slug: tenant.slug) else { return -1 }
        return try await handedOver { done in
            record.onLane(
                writes: false,
                { try $0.reader.connection.rows(dynamic: "SELECT count(*) FROM orders") { try $0.int() }.first ?? 0 },
                then: { done.resume(with: $0) })
        }
    }

    /// What the registry would have told the node: a key that is known at another.
    func teach(_ key: String, of tenant: TestTenant, from: Int, to: Int) {
        let hash = SHA256.hash(Array(key.utf8))
        guard let known = nodes[from].fleet.roster.key(hash: hash, at: clock.now()),
            let record = nodes[to].fleet.roster.tenant(slug: tenant.slug)
        else { return }
        nodes[to].fleet.roster.apply(.key(known.projection), to: record)
    }

    fileprivate func stop() {
        for node in nodes {
            node.gateway.stop()
            node.fleet.data.release()
        }
    }
}

/// Gateways for one test: `hosting` and `licences` are at the second one.
func withNeighbourhood(
    _ count: Int = 2, encrypted: Set<Int> = [], _ body: (Neighbourhood) async throws -> Void
) async throws {
    try await withGateway(.inProcess) { made in
        let hosting = try await made.tenant("hosting")
        let licences = try await made.tenant("licences")
        made.stop()
        let neighbourhood = try Neighbourhood(made, hosting, licences, count: count, encrypted: encrypted)
        defer { neighbourhood.stop() }
        try await body(neighbourhood)
    }
}
