import CallKit
import TenantRegistry
import TestTenants
import Testing

@testable import TenantApp

/// A reseller's own account and keys in the dashboard, without HTTP.
@Suite struct AccountTests {
    @Test("A2 a reseller activates its own account where the tenant lets it, once; what is active stays so")
    func activating() throws {
        try CodeMarket.open { market in
            let (node, record) = (market.node, market.record)
            let reseller = try node.write(record) { tenant, _ in
                try tenant.insertReseller(
                    email: "new@example.com", name: "New", company: nil, state: .pending, approvedBy: nil
                ).id
            }
            let activate = ActivateAccount(resellerID: reseller, accountID: 1)
            func state() throws -> ResellerState? {
                try node.read(record) { try $0.reseller(id: reseller)?.state }
            }
            #expect(throws: Refusal.forbidden(.operatorActivates)) {
                try node.write(record) { tenant, detail in try activate.run(tenant, &detail) }
            }
            #expect(try state() == .pending)
            try node.write(record) { tenant, detail in
                var change = ChangeSettings(byOwner: false)
                change.allowsSelfActivation = true
                try change.run(tenant, &detail)
            }
            for _ in 0..<2 {
                try node.write(record) { tenant, detail in try activate.run(tenant, &detail) }
                #expect(try state() == .active)
            }
        }
    }

    @Test("C5 the owner alone lets resellers mint keys: an operator's change is refused whole")
    func leave() throws {
        try CodeMarket.open { market in
            func change(byOwner: Bool) throws {
                try market.node.write(market.record) { tenant, detail in
                    var change = ChangeSettings(byOwner: byOwner)
                    change.name = "Changed"
                    change.allowsSelfServiceKeys = true
                    try change.run(tenant, &detail)
                }
            }
            func name() throws -> String { try market.node.read(market.record) { try $0.theme(at: "").name } }
            #expect(throws: Refusal.forbidden(.ownerLetsMint)) { try change(byOwner: false) }
            #expect(try name() == "codes")
            try change(byOwner: true)
            #expect(try name() == "Changed")
        }
    }

    @Test("A7 a dashboard names the key that is to die where there are several, out of its reseller's own")
    func naming() throws {
        try CodeMarket.open { market in
            let (node, record) = (market.node, market.record)
            let (own, other) = (market.resellers[0], market.resellers[1])
            let keys = [try node.mint(record, reseller: own), try node.mint(record, reseller: own)]
            let foreign = try node.mint(record, reseller: other)
            func regenerate(_ named: Int64?) throws {
                let secret = MintedSecret(prefix: "tst", book: .live, random: node.fleet.random)
                try awaited { then in node.fleet.registry.reserve(secret.hash, for: record.id, then: then) }
                try node.write(record) { tenant, detail in
                    try RegenerateKey(
                        named: try named.flatMap { try tenant.key(id: $0)?.publicID }, secret: secret,
                        resellerID: own, accountID: 1, book: .live, keyID: 0, isSession: true
                    ).run(tenant, &detail)
                }
            }
            #expect(throws: Refusal.self) { try regenerate(nil) }
            #expect(throws: Refusal.notFound(.key)) { try regenerate(foreign.id) }
            #expect(keys.allSatisfy { node.opens($0) } && node.opens(foreign))
            try regenerate(keys[0].id)
            #expect(!node.opens(keys[0]) && node.opens(keys[1]) && node.opens(foreign))
        }
    }
}
