import CallKit
import Cryptography
import HTTPCore
import TenantApp
import TenantRegistry

/// Creating a tenant (P1): what is asked for is read, the password hashed, the file made and filled.
extension ProviderAPI {
    /// What the body says, checked.
    private struct NewTenant: Sendable {
        let creation: Fleet.Creation
        let blueprint: Blueprint
        let password: String?
    }

    func create(_ call: Call) throws -> Work {
        let new = try readNewTenant(call)
        if fleet.refusesWrites { throw LaneFailure.storageFull }
        return .flow { steps in
            let invitation = new.password == nil ? Hex.encode(fleet.random.bytes(32)) : nil
            let fill = try await steps.background { try contents(new, invitation: invitation) }
            let record: TenantRecord = try await steps.callback { done in
                fleet.create(
                    new.creation, as: call.act("tenant.created"), judge: call.provider.judge,
                    fill: { try fill.run($0) }
                ) { result in
                    done(result.map { $0.0 })
                }
            }
            return .answer(created(record, fill.ownerKey, invitation, call))
        }
    }

    private func readNewTenant(_ call: Call) throws -> NewTenant {
        var fields = try call.fields()
        let sentSlug = fields.string("slug", characters: 1...63, .id)
        if let sentSlug, let objection = objection(toSlug: sentSlug) {
            fields.fail("slug", code: objection.code, detail: objection.detail)
        }
        let blueprintName = fields.string("blueprint", characters: 1...32, .id)
        let named = blueprintName.flatMap { blueprints[$0] }
        if blueprintName != nil && named == nil {
            let known = blueprints.all.map(\.name).joined(separator: ", ")
            fields.fail("blueprint", code: "choice", detail: "must be one of \(known)")
        }
        let sentEmail = fields.email("owner_email")
        let tier = fields.optionalChoice("tier", as: Tier.self)
        let prefix = fields.optionalString("prefix", characters: 2...16)
        if let prefix, !APIKeyFormat.isPrefix(prefix) {
            fields.fail(
                "prefix", code: "format", detail: "must be a letter and 1 to 15 letters or digits, in lower case")
        } else if let prefix, KeyShape.reservedPrefixes.contains(prefix) {
            fields.fail("prefix", code: "reserved", detail: "belongs to other keys")
        } else if let prefix, let named, let other = otherBlueprint(of: prefix, than: named) {
            fields.fail("prefix", code: "reserved", detail: "belongs to the blueprint “\(other.name)”")
        }
        let currency = fields.optionalString("currency", characters: 1...8)
        if let currency, Currency(currency) == nil {
            fields.fail("currency", code: "choice", detail: "must be an ISO 4217 code")
        }
        let password = fields.read(Field.newPassword("password").optional) ?? nil
        fields.expectNoOthers(than: ["slug", "blueprint", "owner_email", "tier", "prefix", "currency", "password"])
        let (slug, blueprint, email) = try fields.finish(sentSlug, named, sentEmail)
        if let base = hosts.baseDomain, fleet.roster.tenant(host: "\(slug).\(base)") != nil {
            throw Refusal.conflict(.hostTaken("\(slug).\(base)", pointer: "/slug"))
        }
        let creation = Fleet.Creation(
            slug: slug, blueprint: blueprint.name, tier: tier ?? blueprint.tier,
            currency: currency ?? blueprint.currency, keyPrefix: prefix ?? blueprint.keyPrefix,
            hasOwnPrefix: prefix != nil && prefix != blueprint.keyPrefix, ownerEmail: email)
        return NewTenant(creation: creation, blueprint: blueprint, password: password)
    }

    /// The blueprint whose tenants have this prefix without asking for it, where it is another one.
    private func otherBlueprint(of prefix: String, than blueprint: Blueprint) -> Blueprint? {
        prefix == blueprint.keyPrefix ? nil : blueprints.all.first { $0.keyPrefix == prefix }
    }

    /// What the new file begins with. Long: scrypt.
    private func contents(_ new: NewTenant, invitation: String?) throws -> FillTenant {
        FillTenant(
            blueprint: new.blueprint, ownerEmail: new.creation.ownerEmail,
            passwordHash: try new.password.map { try Password.hash($0, by: scrypt, random: fleet.random) },
            ownerKey: MintedSecret(
                shape: KeyShape(new.blueprint.keyShape, prefix: new.creation.keyPrefix), book: .live,
                random: fleet.random),
            invitationHash: invitation.map { SHA256.hash(Array($0.utf8)) })
    }

    private func created(
        _ record: TenantRecord, _ key: MintedSecret, _ invitation: String?, _ call: Call
    ) -> Answer {
        let profile = record.profile
        let base = baseURL(of: record, call)
        return .json(201) { json in
            json.field("id", record.id.text)
            json.field("slug", profile.slug)
            json.field("base_url", base)
            json.field("owner_key", key.text)
            json.field("tier", profile.tier.rawValue)
            json.field("currency", profile.currency)
            json.field("created_at", profile.createdAt.text)
            json.field("refundable_until", profile.refundableUntil.text)
            if let invitation { json.field("invitation_url", "\(base)/invite/\(invitation)") }
        }
    }

    /// `[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?`
    static func isSlug(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        func isAlphanumeric(_ byte: UInt8) -> Bool { byte >= 0x61 && byte <= 0x7A || byte >= 0x30 && byte <= 0x39 }
        guard 1...63 ~= bytes.count, let first = bytes.first, let last = bytes.last else { return false }
        return isAlphanumeric(first) && isAlphanumeric(last) && bytes.allSatisfy { isAlphanumeric($0) || $0 == 0x2D }
    }
}
