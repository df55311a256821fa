package import CallKit
import Cryptography
import Foundation
import HTTPCore
package import TenantRegistry

/// Provisions a demo tenant per blueprint on the first start and writes `DATA/demo.json` (D1, D2).
///
/// A start that was cut off leaves `demo.pending`; the next one erases what it had made and begins again, since the
/// keys that were minted are known to nobody.
package struct Demo {
    private let fleet: Fleet
    private let blueprints: Blueprints
    private let services: Services
    /// Where this node is reached.
    private let baseURL: String
    private let providerKeyPrefix: String

    package init(fleet: Fleet, blueprints: Blueprints, services: Services, baseURL: String, providerKeyPrefix: String) {
        self.fleet = fleet
        self.blueprints = blueprints
        self.services = services
        self.baseURL = baseURL
        self.providerKeyPrefix = providerKeyPrefix
    }

    private var file: DemoFile { DemoFile(fleet) }
    private var pendingPath: String { fleet.data.path + "/demo.pending" }

    private struct Tenant: Sendable {
        let slug: String
        let blueprint: String
        let ownerKey: String
        let ownerEmail: String
        let ownerPassword: String
        let resellers: [FillDemo.MadeReseller]
    }

    /// The table to print; nil where the folder has tenants of its own and no demo.
    package func provision(showsPasswords: Bool) throws -> String? {
        let files = FileManager.default
        if files.fileExists(atPath: pendingPath) {
            for blueprint in blueprints.all {
                guard let slug = blueprint.demo.flatMap(FillDemo.slug),
                    let record = fleet.roster.tenant(slug: slug)
                else { continue }
                try wait { fleet.delete(record, as: fleet.ownAct("tenant.deleting"), then: $0) }
            }
        } else if let json = try file.refreshed(baseURL: baseURL) {
            return file.table(json, showsPasswords: showsPasswords)
        } else if fleet.roster.tenantCount > 0 {
            return nil
        }
        try fleet.data.writePrivately([], to: pendingPath)
        let providerKey = APIKeyFormat.mint(prefix: providerKeyPrefix, mode: "live", random: services.random)
        _ = try wait { done in
            fleet.addProviderKey(
                fleet.newProviderKey(providerKey), revokingOthers: true,
                as: fleet.ownAct("provider_key.replaced"), then: done)
        }
        let tenants = try blueprints.all.filter { $0.demo != nil }.map { try make($0) }
        let json = document(providerKey, tenants)
        try file.write(json)
        DataDirectory.remove(pendingPath)
        return file.table(json, showsPasswords: showsPasswords)
    }

    private func make(_ blueprint: Blueprint) throws -> Tenant {
        let demo = blueprint.demo ?? .null
        let slug = FillDemo.slug(of: demo) ?? blueprint.name
        let email = FillDemo.ownerEmail(of: demo) ?? "owner@\(slug).example"
        let password = Hex.encode(services.random.bytes(8))
        let ownerKey = MintedSecret(
            shape: KeyShape(blueprint.keyShape, prefix: blueprint.keyPrefix), book: .live, random: services.random)
        let provision = FillTenant(
            blueprint: blueprint, ownerEmail: email,
            passwordHash: try Password.hash(password, by: services.scrypt, random: services.random), ownerKey: ownerKey,
            invitationHash: nil)
        let fill = try FillDemo(blueprint, services: services)
        let creation = Fleet.Creation(
            slug: slug, blueprint: blueprint.name, tier: blueprint.tier, currency: blueprint.currency,
            keyPrefix: blueprint.keyPrefix, ownerEmail: email)
        let (_, resellers) = try wait { done in
            fleet.create(
                creation, as: fleet.ownAct("tenant.created"),
                fill: { tenant in try fill.run(tenant, owner: provision.run(tenant)) }, then: done)
        }
        return Tenant(
            slug: slug, blueprint: blueprint.name, ownerKey: ownerKey.text, ownerEmail: email, ownerPassword: password,
            resellers: resellers)
    }

    private func wait<Value: Sendable>(
        _ start: (@escaping @Sendable (Result<Value, any Error>) -> Void) -> Void
    ) throws -> Value {
        let box = ResultBox<Value>()
        start { box.put($0) }
        return try box.wait()
    }

    // MARK: demo.json

    private func document(_ providerKey: String, _ tenants: [Tenant]) -> JSON {
        func member(_ name: String, _ value: JSON) -> JSONMember { JSONMember(name: name, value: value) }
        func text(_ name: String, _ value: String?) -> JSONMember { member(name, value.map { .string($0) } ?? .null) }
        let entries = tenants.map { tenant in
            member(
                tenant.blueprint,
                .object([
                    text("slug", tenant.slug), text("base_url", "\(baseURL)/t/\(tenant.slug)"),
                    text("owner_key", tenant.ownerKey),
                    member(
                        "owner_login",
                        .object([text("email", tenant.ownerEmail), text("password", tenant.ownerPassword)])),
                    member(
                        "resellers",
                        .array(
                            tenant.resellers.map { reseller in
                                .object([
                                    text("id", reseller.id), text("email", reseller.email),
                                    text("password", reseller.signsIn ? reseller.password : nil),
                                    text("key", reseller.key),
                                    text("webhook_secret", reseller.webhookSecret),
                                    text("state", reseller.state.name),
                                ])
                            })),
                ]))
        }
        return .object([
            text("base_url", baseURL), text("provider_key", providerKey), member("tenants", .object(entries)),
        ])
    }
}

/// Hands one result from a worker to a thread that waits for it; at start only.
///
/// `@unchecked Sendable`: the result is written before the semaphore is signalled, and read after it was waited for.
private final class ResultBox<Value: Sendable>: @unchecked Sendable {
    private var result: Result<Value, any Error>?
    private let ready = DispatchSemaphore(value: 0)

    func put(_ result: Result<Value, any Error>) {
        self.result = result
        ready.signal()
    }

    func wait() throws -> Value {
        ready.wait()
        guard let result else { preconditionFailure("signalled without a result") }
        return try result.get()
    }
}
