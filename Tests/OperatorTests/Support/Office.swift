import CallKit
import Cryptography
import Foundation
import HTTPCore
import RateLimiter
import SQLite
import Synchronization
import TenantApp
import TenantRegistry
import Testing

/// One tenant in a real file, and its admin API without sockets: routes are found, bodies read, work run on the
/// tenant's lane as the gateway runs it. After each test the file must verify.
final class Office: Sendable {
    let folder: String
    let fleet: Fleet
    let tenant: TenantRecord
    let clock: ManualClock
    let owner: Caller
    let clerk: Caller
    let services: Services

    static let ownerEmail = "owner@example.com"
    static let clerkEmail = "clerk@example.com"

    private init(folder: String) async throws {
        self.folder = folder
        clock = ManualClock(Timestamp(parsing: "2026-03-22T10:30:00Z") ?? .earliest)
        let fleet = try Fleet(
            data: DataDirectory(path: folder), schema: .app, clock: clock,
            random: SeededRandom(seed: 7), report: { _ in })
        self.fleet = fleet
        services = try Services(
            fleet: fleet, scrypt: Scrypt(costLog2: 4), outbound: NoOutboundCalls())
        let creation = Fleet.Creation(
            slug: "acme", blueprint: "hosting", tier: .standard, currency: "EUR", keyPrefix: "acm",
            ownerEmail: Self.ownerEmail)
        let secrets = (0..<2).map { _ in MintedSecret(prefix: "acm", book: .live, random: fleet.random) }
        tenant = try await handedOver { done in
            fleet.create(creation, requestID: .none) { tenant in
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
        owner = try Self.caller(secrets[0].hash, fleet, clock)
        clerk = try Self.caller(secrets[1].hash, fleet, clock)
    }

    static func open(_ body: (Office) async throws -> Void) async throws {
        let folder = NSTemporaryDirectory() + "tollgate-operator-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let office = try await Office(folder: folder)
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
        return try TenantSchema.app.verify(copy)
    }

    private static func caller(_ hash: Digest, _ fleet: Fleet, _ clock: ManualClock) throws -> Caller {
        guard let key = fleet.roster.key(hash: hash, at: clock.now()) else { throw Missing.key }
        return Caller(key: key, projection: key.projection, secretHash: hash)
    }

    /// Whoever has this key now; nil where it opens nothing.
    func caller(_ key: String) -> Caller? {
        let hash = SHA256.hash(key)
        return fleet.roster.key(hash: hash, at: clock.now()).map {
            Caller(key: $0, projection: $0.projection, secretHash: hash)
        }
    }

    enum Missing: Error { case key, route }

    // MARK: Calls

    /// Calls the admin API as the owner, or as `caller`.
    @discardableResult
    func call(
        _ method: Method, _ target: String, _ json: String = "", as caller: Caller? = nil,
        on dialect: any Dialect = OperatorAdmin()
    ) async -> Answered {
        await call(method, target, body: Array(json.utf8), as: caller, on: dialect)
    }

    func call(
        _ method: Method, _ target: String, body: [UInt8], as caller: Caller? = nil,
        on dialect: any Dialect = OperatorAdmin()
    ) async -> Answered {
        let caller = caller ?? owner
        let parts = target.split(separator: "?", maxSplits: 1).map(String.init)
        guard let (route, parameters) = find(method, parts[0], dialect) else { return .refused(.notFound(.path)) }
        if route.access == .owner && !caller.role.isOwner {
            return .refused(.forbidden(.ownerOnly))
        }
        let requestID = RequestID(high: 1, low: fleet.random.uint64())
        let call = Call(
            head: Self.head(method, target), peer: Peer(address: .loopback, role: .everyone, isEncrypted: false),
            clientAddress: .loopback, tenant: tenant, caller: route.access == .open ? nil : caller,
            parameters: parameters, body: body, requestID: requestID, now: clock.now(), baseURL: "https://acme.example",
            services: services)
        return await WorkRunner(office: self, call: call, action: "\(method.rawValue) \(route.pattern)").run(route)
    }

    private func find(_ method: Method, _ path: String, _ dialect: any Dialect) -> (Route, [String])? {
        let segments = path.split(separator: "/")
        // A literal segment wins over a parameter, as in the gateway.
        var found: (Route, [String])?
        for route in dialect.routes where route.method == method {
            let pattern = route.pattern.split(separator: "/")
            guard pattern.count == segments.count else { continue }
            let fits = zip(pattern, segments).allSatisfy { $0.hasPrefix("{") || $0 == $1 }
            guard fits else { continue }
            let parameters = zip(pattern, segments).filter { $0.0.hasPrefix("{") }.map { String($0.1) }
            if parameters.count < (found?.1.count ?? .max) { found = (route, parameters) }
        }
        return found
    }

    private static func head(_ method: Method, _ target: String) -> RequestHead {
        let bytes = Array("\(method.rawValue) \(target) HTTP/1.1".utf8)
        let start = method.rawValue.utf8.count + 1
        let end = start + target.utf8.count
        let mark = bytes[start..<end].firstIndex(of: 0x3F)
        return RequestHead(
            method: method, bytes: bytes, target: start..<end, path: start..<(mark ?? end),
            query: mark.map { $0 + 1..<end }, fields: [])
    }

    // MARK: The file

    /// Something on the tenant's lane, in a write of its own.
    func onLane<Value: Sendable>(_ body: @escaping @Sendable (TenantTransaction) throws -> Value) async throws -> Value
    {
        try await handedOver { done in
            tenant.lane.submit(
                LaneJob(
                    writes: true,
                    perform: { store in
                        let result = Result { try body(store.transaction) }
                        return { _ in done.resume(with: result) }
                    },
                    fail: { done.resume(throwing: $0) }))
        }
    }
}
