package import CallKit
import Cryptography
import Foundation
import Gateway
import HTTPCore
import HTTPServer
package import RateLimiter
import Synchronization
package import TenantApp
package import TenantRegistry
import TestTenants

/// A gateway over a real fleet in a folder of its own, with the clock in the test's hands, and a way in. Any task.
package final class TestGateway: Sendable {
    package struct Setup: Sendable {
        package var processLimit: Policy?
        /// In process alone; a live gateway calls out by itself.
        package var outbound: any OutboundCalls = NoOutboundCalls()
        /// What the node's log is on; nil: the run says whether there is one. In process alone.
        package var logDisk: (any LogDisk)?

        package init(
            processLimit: Policy? = nil, outbound: any OutboundCalls = NoOutboundCalls(), logDisk: (any LogDisk)? = nil
        ) {
            self.processLimit = processLimit
            self.outbound = outbound
            self.logDisk = logDisk
        }
    }

    /// An answer that a test cannot go on with.
    package struct Unexpected: Error, CustomStringConvertible {
        package let description: String
        package init(_ response: TestResponse) { description = "\(response.status) \(response.text)" }
    }

    package struct Unsound: Error {
        package let faults: [String]
    }

    private static let patienceMilliseconds = 600_000
    package static let baseDomain = "tollgate.test"
    package static let start = Timestamp(parsing: "2026-03-22T10:30:00Z") ?? .earliest

    package let fleet: Fleet
    package let clock = ManualClock(TestGateway.start)
    package let client: any Client
    package let blueprints: Blueprints
    private let folder: TestFolder
    package let services: Services
    private let gateway: Gateway?
    private let counter = Atomic<Int>(0)
    private let isStopped = Atomic<Bool>(false)
    private let providerKeyCell: Mutex<String>

    package var providerKey: String { providerKeyCell.withLock { $0 } }
    package var dataPath: String { folder.file("data") }

    fileprivate init(_ door: Door, _ setup: Setup) throws {
        folder = try TestFolder()
        blueprints = try Blueprints(folder: Self.root + "/tenants")
        var configuration = Configuration()
        configuration.dataPath = folder.file("data")
        configuration.loops = 1
        configuration.commits = TestNode.commits
        configuration.workers = 4
        configuration.baseDomain = Self.baseDomain
        configuration.trustedProxies = [AddressRange(parsing: "127.0.0.0/8")].compactMap { $0 }
        configuration.processLimit = setup.processLimit
        configuration.scryptCostLog2 = 4
        // Its clock is the test's, and leaps.
        configuration.clockLeapHoursMax = 0
        configuration.drainNoticeMilliseconds = 0
        configuration.drainMilliseconds = 1_000
        configuration.listeners = [Listener(.tcp(.loopback, port: 0))]
        // A busy machine is no slow client.
        configuration.serverLimits.headMilliseconds = Self.patienceMilliseconds
        configuration.serverLimits.bodyPauseMilliseconds = Self.patienceMilliseconds
        configuration.serverLimits.keepAliveMilliseconds = Self.patienceMilliseconds
        let scrypt = Scrypt(costLog2: configuration.scryptCostLog2)
        switch door {
        case .inProcess:
            gateway = nil
            var options = Fleet.Options()
            options.workers = configuration.workers
            options.commits = configuration.commits
            if let disk = setup.logDisk { (options.commits, options.logDisk) = (.log, disk) }
            fleet = try Fleet(
                data: try DataDirectory(path: configuration.dataPath), schema: .app, options: options, clock: clock,
                report: { _ in })
            services = try Services(fleet: fleet, scrypt: scrypt, outbound: setup.outbound, states: [blueprints])
            client = InProcess(
                Gateway.handler(
                    of: fleet, services: services, blueprints: blueprints, configuration: configuration))
        case .live:
            let gateway = try Gateway.start(configuration, blueprints: blueprints, clock: clock)
            self.gateway = gateway
            fleet = gateway.fleet
            services = try Services(fleet: fleet, scrypt: scrypt, outbound: setup.outbound, states: [blueprints])
            client = LiveClient(port: gateway.ports[0])
        }
        let key = APIKeyFormat.mint(prefix: "tgp", mode: "live", random: fleet.random)
        providerKeyCell = Mutex(key)
        _ = try awaited { done in
            fleet.addProviderKey(
                fleet.newProviderKey(key), revokingOthers: true, as: fleet.ownAct("provider_key.replaced"), then: done)
        }
    }

    /// The repository, whose blueprints the tests use.
    package static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().path

    /// Writes everything and closes the folder; nothing can be asked any more. Again: nothing.
    package func stop() {
        guard !isStopped.exchange(true, ordering: .relaxed) else { return }
        if let gateway { gateway.stop() } else { fleet.stop() }
        fleet.data.release()
    }

    /// A text that no other call of this gateway gives.
    package func next() -> String { String(counter.add(1, ordering: .relaxed).newValue) }

    // MARK: Calls

    package func send(_ request: TestRequest) async throws -> TestResponse { try await client.send(request) }

    /// The provider's API under the provider's key.
    @discardableResult
    package func asProvider(_ method: String, _ path: String, _ json: String? = nil) async throws -> TestResponse {
        try await send(provider(method, path, json))
    }

    package func provider(_ method: String, _ path: String, _ json: String? = nil) -> TestRequest {
        TestRequest(method, "/provider/v1\(path)", json).bearer(providerKey)
    }

    /// The provider's key is replaced; the one before is dead.
    package func rotateProviderKey() async throws {
        let answer = try await asProvider("POST", "/provider-key/rotate")
        guard let key = answer["provider_key"] else { throw Unexpected(answer) }
        providerKeyCell.withLock { $0 = key }
    }

    /// What a rotation of the test's own answered.
    package func take(providerKey key: String) { providerKeyCell.withLock { $0 = key } }

    // MARK: Tenants

    /// Makes a tenant of a blueprint with its demo: products, resellers in their states, balances, keys.
    package func tenant(_ blueprintName: String, slug: String? = nil) async throws -> TestTenant {
        guard let blueprint = blueprints[blueprintName] else { preconditionFailure("there is no such blueprint") }
        let slug = slug ?? blueprintName
        let ownerEmail = "owner@\(slug).example"
        let password = "the owner's password"
        let key = MintedSecret(
            shape: KeyShape(blueprint.keyShape, prefix: blueprint.keyPrefix), book: .live, random: fleet.random)
        let provision = FillTenant(
            blueprint: blueprint, ownerEmail: ownerEmail,
            passwordHash: try services.scrypt.hash(password, random: fleet.random), ownerKey: key, invitationHash: nil)
        let demo = try FillDemo(blueprint, services: services)
        let creation = Fleet.Creation(
            slug: slug, blueprint: blueprint.name, tier: blueprint.tier, currency: blueprint.currency,
            keyPrefix: blueprint.keyPrefix, ownerEmail: ownerEmail)
        let (record, resellers) = try await handedOver { done in
            fleet.create(
                creation, as: fleet.ownAct("tenant.created"), fill: { try demo.run($0, owner: provision.run($0)) },
                then: { done.resume(with: $0) })
        }
        return TestTenant(
            gateway: self, record: record, ownerKey: key.text, ownerEmail: ownerEmail, ownerPassword: password,
            resellers: resellers)
    }

    package func read<Value: Sendable>(
        _ record: TenantRecord, _ body: @escaping @Sendable (TenantReader) throws -> Value
    ) async throws -> Value {
        try await handedOver { done in
            record.onLane(writes: false, { try body($0.reader) }, then: { done.resume(with: $0) })
        }
    }

    package func export(_ record: TenantRecord) async throws -> String {
        try await handedOver { done in fleet.export(record) { done.resume(with: $0) } }
    }

    /// What the offline verifier finds wrong with the files as they are now: whatever a test did, nothing.
    fileprivate func verify() async throws {
        if isStopped.load(ordering: .relaxed) { return }
        var faults: [String] = []
        for record in fleet.roster.allTenants where record.profile.state != .deleting {
            let report = try Verifier(
                path: try await export(record), publicKey: record.signingKey.publicKey, checksAllSignatures: true
            ).run()
            faults += report.findings.map { "\(record.slug) \($0.place): \($0.text)" }
        }
        if !faults.isEmpty { throw Unsound(faults: faults) }
    }
}

/// A gateway for one test. Afterwards every tenant's file must verify.
package func withGateway(
    _ door: Door, _ setup: TestGateway.Setup = TestGateway.Setup(),
    _ body: (TestGateway) async throws -> Void
) async throws {
    let gateway = try TestGateway(door, setup)
    defer { gateway.stop() }
    // The test and its tasks run on threads that take them over under a lock: ThreadSanitizer sees that, and not what
    // the concurrency runtime's own threads do.
    let tasks = FlowPool(places: Shares(whole: 64))
    defer { tasks.close() }
    try await withTaskExecutorPreference(tasks) {
        try await body(gateway)
        try await gateway.verify()
    }
}
