import Cryptography
import Foundation
import Gateway
import Glibc
import HTTPCore
import SharedLogs
import Synchronization
import TenantApp
import TestGateway
import TestTenants

@testable import TenantRegistry

/// Gateways that share a log in memory: real nodes of a cluster, but for PostgreSQL. Any task.
final class TestCluster: Sendable {
    struct Node: Sendable {
        let name: NodeName
        let gateway: Gateway
        let client: LiveClient
        let faults: LogFaults
        var fleet: Fleet { gateway.fleet }
    }

    let nodes: [Node]
    let hosting: TestTenant
    let providerKey: String
    private let folder: TestFolder
    private let stopped = Mutex<Set<Int>>([])

    fileprivate init(_ made: TestGateway, _ hosting: TestTenant, count: Int, isPatient: Bool) throws {
        (self.hosting, providerKey) = (hosting, made.providerKey)
        folder = try TestFolder()
        let store = MemoryLogStore(clock: made.clock)
        var nodes: [Node] = []
        for index in 0..<count {
            guard let name = NodeName("node-\(index)") else { preconditionFailure("a name") }
            let path = index == 0 ? try folder.copy(made.dataPath, to: name.text) : try Self.folder(name, made, folder)
            let port = try FreePort.take()
            var configuration = Neighbourhood.configuration(path, port: port)
            configuration.commits = .files
            let faults = LogFaults()
            var options = ClusterOptions(log: store.link(faults), name: name, address: "127.0.0.1:\(port)")
            // Seconds are long in a test, but where a node that hears no beats has to hold its lease.
            options.bounds.beatMilliseconds = isPatient ? 500 : 50
            if isPatient {
                (options.bounds.leaseMilliseconds, options.bounds.deadMilliseconds) = (60_000, 70_000)
                options.bounds.questionMilliseconds = 60_000
            }
            configuration.cluster = options
            let gateway = try Gateway.start(configuration, blueprints: made.blueprints, clock: made.clock)
            nodes.append(Node(name: name, gateway: gateway, client: LiveClient(port: port), faults: faults))
        }
        self.nodes = nodes
        // Each has heard of all the others with a beat of its own.
        let deadline = ContinuousClock.now + .seconds(120)
        while nodes.contains(where: { ($0.gateway.fleet.cluster?.nodes.count ?? 0) < count }) {
            if ContinuousClock.now > deadline { throw POSIXError(.ETIMEDOUT) }
            usleep(1_000)
        }
    }

    /// A new node brings the master key alone.
    private static func folder(_ name: NodeName, _ made: TestGateway, _ folder: TestFolder) throws -> String {
        let path = folder.file(name.text)
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        try FileManager.default.copyItem(atPath: made.dataPath + "/master.key", toPath: path + "/master.key")
        return path
    }

    subscript(index: Int) -> Node { nodes[index] }

    func send(_ request: TestRequest, to index: Int) async throws -> TestResponse {
        try await nodes[index].client.send(request)
    }

    /// The provider's API under the provider's key.
    func asProvider(
        _ method: String, _ path: String, _ json: String? = nil, to index: Int
    ) async throws -> TestResponse {
        try await send(TestRequest(method, "/provider/v1\(path)", json).bearer(providerKey), to: index)
    }

    func page(_ path: String, _ cookie: String, at index: Int) async throws -> TestResponse {
        try await send(TestRequest("GET", path).with("Cookie", cookie), to: index)
    }

    /// How many orders the tenant has, as its node knows.
    func orders() async throws -> Int64 {
        for node in nodes {
            guard let record = node.fleet.roster.tenant(slug: hosting.slug),
                node.fleet.cluster?.place(of: record.id) == .here
            else { continue }
            return try await handedOver { done in
                record.onLane(
                    writes: false,
                    { tenant in
                        let rows = try tenant.reader.connection.rows(dynamic: "SELECT count(*) FROM orders") {
                            try $0.int()
                        }
                        return rows.first ?? 0
                    }, then: { done.resume(with: $0) })
            }
        }
        return -1
    }

    /// From the node that has the tenant.
    func move(_ tenant: TestTenant, from: Int, to: Int) async throws {
        let fleet = nodes[from].fleet
        guard let record = fleet.roster.tenant(slug: tenant.slug) else { return }
        // On a busy machine a node's beats may be late.
        let target = nodes[to].name
        try await until { fleet.cluster?.takers.contains(target) == true }
        try await handedOver { done in fleet.move(record, to: target) { done.resume(with: $0) } }
    }

    /// The node's connection to the log breaks for good, and its process is as good as gone.
    func crash(_ index: Int) {
        nodes[index].faults.crash()
        stop(index)
    }

    func stop(_ index: Int) {
        guard stopped.withLock({ $0.insert(index).inserted }) else { return }
        nodes[index].gateway.stop()
        nodes[index].fleet.data.release()
    }

    fileprivate func stop() { for index in nodes.indices { stop(index) } }
}

/// Nodes of a cluster for one test; the first one has brought the tenant along.
func withCluster(
    _ count: Int = 2, isPatient: Bool = false, _ body: (TestCluster) async throws -> Void
) async throws {
    try await withGateway(.inProcess) { made in
        let hosting = try await made.tenant("hosting")
        made.stop()
        let cluster = try TestCluster(made, hosting, count: count, isPatient: isPatient)
        defer { cluster.stop() }
        try await body(cluster)
    }
}
