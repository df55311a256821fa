import CallKit
import HTTPCore
import RateLimiter
import TenantApp
import TenantRegistry

/// Changing a tenant's terms and domains (P2).
extension ProviderAPI {
    /// What the body changes, checked; nil stays as it is. What is sent as it is changes nothing.
    private struct Change: Sendable {
        var tier: Tier?
        /// Each by itself, so that two changes at once both stay.
        var quotas: [@Sendable (inout QuotaOverrides) -> Void] = []
        /// The inner nil lifts the limit.
        var limit: Policy??
        var domains: DomainChange?
        /// The names that the caller takes the tenant to have; nil: whichever it has.
        var domainsWere: Set<String>?
        /// The same for the provider's log.
        var told: [JSONMember] = []
        var isNothing: Bool { told.isEmpty }
        var detail: String { String(decoding: JSON.object(told).encoded(), as: UTF8.self) }

        mutating func tell(_ name: String, _ value: JSON?) {
            told.append(JSONMember(name: name, value: value ?? .null))
        }

        /// A list as it was read would undo what others changed of it since.
        func objection(_ profile: TenantProfile) -> Refusal? {
            guard let domainsWere, domainsWere != Set(profile.domains) else { return nil }
            return .conflict(.domainsMoved(profile.domains))
        }
    }

    func change(_ call: Call) throws -> Work {
        let record = try tenant(of: call)
        let fields = try call.fields()
        // Another owner's address is a change of the tenant's file too.
        if case .string(let email)? = fields.value("owner_email"),
            !EmailAddress.areOne(email, record.profile.ownerEmail)
        {
            return .background { try changeOwner(record, fields, call) }
        }
        // Certificates are parsed, and their keys wrapped, off the loop. Reading a tenant looks at its files.
        if fields.memberNames.contains(where: { $0 == "domains" || !Self.changeable.contains($0) }) {
            return .background { try change(record, fields, call) }
        }
        return try change(record, fields, call)
    }

    private static let changeable = ["tier", "quotas", "rate_limit", "domains"]
    /// Another owner's address is a change by itself (P10); the owner's own may be sent with others.
    private static let named = changeable + ["owner_email", "domains_were"]
    /// What differs between two looks at the same tenant.
    private static let moving = ["bytes", "counts", "last_request_at"]

    /// PATCH takes what GET gives (P2): a member that cannot be changed here may be sent back as it is.
    func readUnchanged(
        _ fields: inout FieldReader, _ record: TenantRecord, _ call: Call, but changeable: [String],
        why: String = "cannot be changed here"
    ) {
        let others = fields.memberNames.filter { !changeable.contains($0) }
        guard !others.isEmpty, let shown = try? JSON.parse(answer(record, call).body) else { return }
        for name in others where !Self.moving.contains(name) {
            guard let value = shown[name], !Self.isSame(name, fields.value(name), value) else { continue }
            fields.fail(name, code: "read_only", detail: why)
        }
        fields.expectNoOthers(than: changeable + FieldReader(shown).memberNames)
    }

    /// Whether what is sent for a member is what is shown; of an address, in any spelling.
    private static func isSame(_ name: String, _ sent: JSON?, _ shown: JSON) -> Bool {
        if name == "owner_email", case .string(let one)? = sent, case .string(let other) = shown {
            return EmailAddress.areOne(one, other)
        }
        return sent == shown
    }

    private func change(_ record: TenantRecord, _ fields: FieldReader, _ call: Call) throws -> Work {
        let change = try read(fields, of: record, call)
        if change.isNothing {
            // Where nothing is written nobody else judges the caller again (G3).
            try call.provider.judge(fleet.providerKeys)
            if record.profile.move != nil { throw Refusal.conflict(.tenant(.moved)) }
            if let objection = change.objection(record.profile) { throw objection }
            return .files { .answer(answer(record, call)) }
        }
        return .flow { steps in
            try await steps.callback { done in
                fleet.change(
                    record, as: call.act("tenant.changed", detail: change.detail), domains: change.domains,
                    judge: call.provider.judge
                ) { profile in
                    // What is changed after the bundle was taken would be lost (P10).
                    if profile.move != nil { throw RegistryRefusal.notAllowed(Refusal.conflict(.tenant(.moved))) }
                    if let objection = change.objection(profile) { throw RegistryRefusal.notAllowed(objection) }
                    if let tier = change.tier { profile.tier = tier }
                    for quota in change.quotas { quota(&profile.quotaOverrides) }
                    if let limit = change.limit { profile.limit = limit }
                } then: {
                    done($0)
                }
            }
            return .answer(answer(record, call))
        }
    }

    private static func told(_ policy: Policy) -> JSON {
        .object(
            [("requests", policy.requests), ("window_seconds", policy.windowSeconds), ("burst", policy.burst)].map {
                JSONMember(name: $0, value: .number(JSONNumber(Int64($1))))
            })
    }

    private func read(_ body: FieldReader, of record: TenantRecord, _ call: Call) throws -> Change {
        var fields = body
        fields.expectChange(of: Self.named, clearable: ["rate_limit", "owner_email"])
        var change = Change()
        if let tier = fields.optionalChoice("tier", as: Tier.self), tier != record.profile.tier {
            change.tier = tier
            change.tell("tier", .string(tier.rawValue))
        }
        if var quotas = fields.optionalObject("quotas") {
            let (now, own) = (record.profile.quotas, record.profile.quotaOverrides)
            let names = ["bytes", "resellers", "keys", "requests_monthly"]
            let isWhole = names.allSatisfy { quotas.has($0) }
            func read(
                _ name: String, _ path: any WritableKeyPath<QuotaOverrides, Int64?> & Sendable, now: Int64,
                in range: ClosedRange<Int64>
            ) {
                guard quotas.has(name) else { return }
                let wanted = quotas.optionalInteger(name, in: range)
                // Sent back whole, as GET gives it, what holds already goes on holding by the tier or by an earlier
                // change, whichever it is. One that is named by itself is the tenant's own from now on.
                if (!isWhole || wanted != now) && wanted != own[keyPath: path] {
                    change.quotas.append { $0[keyPath: path] = wanted }
                    change.tell("quota_\(name)", wanted.map { .number(JSONNumber($0)) })
                }
            }
            quotas.expectChange(of: names, clearable: names)
            read("bytes", \.bytesMax, now: now.bytesMax, in: Schemas.quotaBytes)
            read("resellers", \.resellersMax, now: now.resellersMax, in: Schemas.quotaResellers)
            read("keys", \.keysMax, now: now.keysMax, in: Schemas.quotaKeys)
            read(
                "requests_monthly", \.requestsMonthlyMax, now: now.requestsMonthlyMax, in: Schemas.quotaRequests)
            quotas.expectNoOthers(than: names)
            fields.absorb(quotas)
        }
        let limit = fields.optionalPolicy("rate_limit")
        if fields.has("rate_limit"), limit != record.profile.limit {
            change.limit = .some(limit)
            change.tell("rate_limit", limit.map(Self.told))
        }
        change.domains = try readDomains(&fields, record)
        let domainsWere = fields.domainsWere()
        // Domains that it has already may be sent again, by whoever did not hear the answer.
        if change.domains != nil || !fields.has("domains") { change.domainsWere = domainsWere }
        if let domains = change.domains { change.tell("domains", .array(domains.hosts.map { .string($0) })) }
        readUnchanged(&fields, record, call, but: Self.changeable + ["domains_were"])
        fields.expectAny(of: Self.named)
        try fields.finish()
        return change
    }
}
