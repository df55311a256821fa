import CallKit
import Cryptography
import Foundation
import Gateway
import HTTPCore
import RateLimiter
import SQLite
import Synchronization
import TenantApp
import TenantRegistry
import TestGateway
import TestTenants
import Testing

/// Somebody with a key: its text, and what it opens.
struct KeyHolder: Sendable {
    let text: String
    let key: KeyRecord
    let projection: KeyProjection

    var role: KeyRole { projection.role }
}

/// One tenant in a real file, and its APIs without sockets: heads and bodies go through the gateway's own pipeline,
/// each call under somebody's key. After each test the file must verify.
final class Office: Sendable {
    let fleet: Fleet
    let tenant: TenantRecord
    let clock: ManualClock
    let owner: KeyHolder
    let clerk: KeyHolder
    let services: Services
    private let folder: TestFolder
    private let client: InProcess
    private let calls = Atomic<Int>(0)

    static let ownerEmail = "owner@example.com"
    static let clerkEmail = "clerk@example.com"
    private static let host = "acme.example"

    private static let blueprint = """
        {"name": "office", "title": "Office", "dialects": ["wholesale_orders", "credit_reports"], "currency": "EUR",
         "key_prefix": "acm", "tier": "standard"}
        """

    private init(folder: TestFolder) async throws {
        self.folder = folder
        clock = ManualClock(Timestamp(parsing: "2026-03-22T10:30:00Z") ?? .earliest)
        let fleet = try Fleet(
            data: DataDirectory(path: folder.file("data")), schema: .app, clock: clock,
            random: SeededRandom(seed: 7), report: { _ in })
        self.fleet = fleet
        try FileManager.default.createDirectory(
            atPath: folder.file("blueprints"), withIntermediateDirectories: true)
        try Self.blueprint.write(
            toFile: folder.file("blueprints/office.json"), atomically: false, encoding: .utf8)
        let blueprints = try Blueprints(folder: folder.file("blueprints"))
        services = try Services(
            fleet: fleet, scrypt: Scrypt(costLog2: 4), outbound: NoOutboundCalls(), states: [blueprints])
        var configuration = Configuration()
        configuration.baseDomain = "example"
        client = InProcess(
            Gateway.handler(of: fleet, services: services, blueprints: blueprints, configuration: configuration),
            peer: Peer(address: .loopback, role: .everyone, isEncrypted: true))
        let creation = Fleet.Creation(
            slug: "acme", blueprint: "office", tier: .standard, currency: "EUR", keyPrefix: "acm",
            ownerEmail: Self.ownerEmail)
        let secrets = (0..<2).map { _ in MintedSecret(prefix: "acm", book: .live, random: fleet.random) }
        tenant = try await handedOver { done in
            fleet.create(creation, as: fleet.ownAct("tenant.created")) { tenant in
                for (secret, email, account, role) in [
                    (secrets[0], Self.ownerEmail, AccountRole.owner, KeyRole.owner),
                    (secrets[1], Self.clerkEmail, .operator, .operator),
                ] {
                    let id = try tenant.insertAccount(
                        email: email, name: email, role: account, resellerID: nil, passwordHash: nil)
                    let new = NewKey(
                        accountID: id, resellerID: nil, role: role, scopes: .all, display: secret.display,
                        createdBy: id)
                    try tenant.insertKey(new, secretHash: secret.hash)
                }
                try tenant.set(Scopes.dialectsSetting, to: "wholesale_orders,credit_reports")
            } then: { result in
                done.resume(with: result.map { $0.0 })
            }
        }
        owner = try #require(Self.holder(of: secrets[0].text, fleet, clock))
        clerk = try #require(Self.holder(of: secrets[1].text, fleet, clock))
    }

    static func open(_ body: (Office) async throws -> Void) async throws {
        let office = try await Office(folder: TestFolder())
        defer { office.fleet.stop() }
        try await body(office)
        let faults = try await office.faults()
        #expect(faults == [])
    }

    /// What the offline verifier finds wrong with the file as it is now: whatever a test did, nothing.
    private func faults() async throws -> [String] {
        let copy = try await handedOver { done in
            fleet.export(tenant) { done.resume(with: $0) }
        }
        return try Verifier(path: copy).run().findings.map { "\($0.place): \($0.text)" }
    }

    private static func holder(of key: String, _ fleet: Fleet, _ clock: ManualClock) -> KeyHolder? {
        fleet.roster.key(hash: SHA256.hash(key), at: clock.now()).map {
            KeyHolder(text: key, key: $0, projection: $0.projection)
        }
    }

    /// Whoever has this key now; nil where it opens nothing.
    func caller(_ key: String) -> KeyHolder? { Self.holder(of: key, fleet, clock) }

    enum Missing: Error { case key }

    // MARK: Calls

    /// Calls the admin API as the owner, or as `caller`. What is posted has an Idempotency-Key of its own, or `id`.
    @discardableResult
    func call(
        _ method: HTTPCore.Method, _ target: String, _ json: String = "", as caller: KeyHolder? = nil,
        on dialect: any Dialect = OperatorAdmin(), id: String? = nil
    ) async -> Answered {
        await call(method, target, body: Array(json.utf8), as: caller, on: dialect, id: id)
    }

    func call(
        _ method: HTTPCore.Method, _ target: String, body: [UInt8], as caller: KeyHolder? = nil,
        on dialect: any Dialect = OperatorAdmin(), id: String? = nil
    ) async -> Answered {
        let caller = caller ?? owner
        var request = TestRequest(method.rawValue, dialect.basePath + target).to(host: Self.host).bearer(caller.text)
        if !body.isEmpty { request = request.carrying(body) }
        do {
            if method == .post {
                let number = calls.add(1, ordering: .relaxed).newValue
                request = request.idempotent(id ?? "call-\(number)")
                if let secret = try await signingSecret(of: caller, target, dialect) {
                    request = request.signed(with: secret, at: clock.now())
                }
            }
            return Answered(try await client.send(request))
        } catch {
            return Answered(failure: error)
        }
    }

    /// What a reseller signs its orders with, as it stands in the file.
    private func signingSecret(
        of caller: KeyHolder, _ target: String, _ dialect: any Dialect
    ) async throws -> String? {
        guard dialect is WholesaleOrders, target == "/orders" else { return nil }
        let id = caller.projection.resellerID
        let secrets = try await onLane { try $0.webhookSecrets(resellerID: id) }
        return secrets.first.map { WebhookSecret.prefix + Base64.encode($0) }
    }

    // MARK: The file

    /// Something on the tenant's lane, in a write of its own.
    func onLane<Value: Sendable>(_ body: @escaping @Sendable (TenantTransaction) throws -> Value) async throws -> Value
    {
        try await handedOver { done in
            tenant.onLane(writes: true, { try body($0.transaction) }, then: { done.resume(with: $0) })
        }
    }
}
