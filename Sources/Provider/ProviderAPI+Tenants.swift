import CallKit
import Cryptography
import HTTPCore
import RateLimiter
import TenantApp
import TenantRegistry

/// Creating, listing, reading and changing tenants (CONTRACT P1, P2).
extension ProviderAPI {
    static let tenantRoutes: [ProviderRoute] = [
        ProviderRoute(
            .post, "/tenants", "Create a tenant", takes: Schemas.newTenant, gives: .made(Schemas.madeTenant),
            refuses: [409]
        ) { api, call, _, reply in
            try api.create(call, reply)
        },
        ProviderRoute(.get, "/tenants", "List tenants", parameters: .page(), gives: .list(Schemas.tenant)) {
            api, call, _, reply in
            let query = try call.query()
            let page = try Paging(query)
            let records = api.fleet.roster.allTenants.sorted { $0.slug < $1.slug }
            // The cursor counts tenants by slug: it names how many came before.
            let start = max(0, Int(clamping: page.after))
            let rows = Array(records.dropFirst(start).prefix(page.fetch).enumerated())
            reply(
                .success(
                    .whole(
                        page.answer(rows, id: { Int64(start + $0.offset + 1) }) { row, json in
                            api.encode(row.element, call, &json)
                        })))
        },
        ProviderRoute(.get, "/tenants/{slug}", "Read a tenant", gives: .read(Schemas.tenant)) { api, call, _, reply in
            let record = try api.tenant(call.parameters[0])
            reply(.success(.whole(.json { api.encode(record, call, &$0) })))
        },
        ProviderRoute(
            .patch, "/tenants/{slug}", "Change tier, quotas, rate limit or domains", takes: Schemas.tenantChange,
            gives: .done(Schemas.tenant), refuses: [409]
        ) { api, call, _, reply in
            try api.change(call, reply)
        },
        ProviderRoute(
            .post, "/tenants/{slug}/owner-key", "Issue another owner key", gives: .made(Schemas.ownerKey),
            refuses: [402]
        ) { api, call, _, reply in
            let record = try api.tenant(call.parameters[0])
            let secret = MintedSecret(
                shape: api.blueprints.keyShape(of: record), book: .live, random: api.fleet.random)
            api.fleet.write(
                record, reserving: secret.hash, action: "tenant.owner_key", requestID: call.requestID
            ) { tenant, detail in
                guard let owner = try tenant.ownerAccount() else { throw Refusal.notFound("owner") }
                let key = try FillTenant.mintOwnerKey(secret, account: owner, tenant)
                detail.note("key", key.publicID)
                return key.publicID
            } then: { result in
                reply(
                    result.map { id in
                        .whole(
                            .json(201) { json in
                                json.field("id", id)
                                json.field("owner_key", secret.text)
                            })
                    })
            }
        },
    ]

    private func create(_ call: ProviderCall, _ reply: @escaping ProviderRoute.Reply) throws {
        var fields = try call.fields()
        let slug = fields.string("slug", characters: 1...63)
        if let slug, !Self.isSlug(slug) {
            fields.fail("slug", code: "format", detail: "must match [a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
        }
        let blueprintName = fields.string("blueprint", characters: 1...32)
        let blueprint = blueprintName.flatMap { blueprints[$0] }
        if blueprintName != nil && blueprint == nil {
            let known = blueprints.all.map(\.name).joined(separator: ", ")
            fields.fail("blueprint", code: "choice", detail: "must be one of \(known)")
        }
        let email = fields.email("owner_email")
        let tier = fields.optionalChoice("tier", as: Tier.self)
        let prefix = fields.optionalString("prefix", characters: 2...16)
        if let prefix, !APIKeyFormat.isPrefix(prefix) {
            fields.fail(
                "prefix", code: "format", detail: "must be a letter and 1 to 15 letters or digits, in lower case")
        }
        let currency = fields.optionalString("currency", characters: 1...8)
        if let currency, Currency(currency) == nil {
            fields.fail("currency", code: "choice", detail: "must be an ISO 4217 code")
        }
        let password = fields.optionalString(
            "password", characters: PasswordRule.charactersMin...PasswordRule.charactersMax)
        try fields.finish()
        guard let slug, let blueprint, let email else { throw Refusal.defect }
        let creation = Fleet.Creation(
            slug: slug, blueprint: blueprint.name, tier: tier ?? blueprint.tier,
            currency: currency ?? blueprint.currency, keyPrefix: prefix ?? blueprint.keyPrefix, ownerEmail: email)
        if fleet.refusesWrites { throw Refusal(LaneFailure.storageFull) }
        let submitted = fleet.background.submit { [self] in
            do {
                let invitation = password == nil ? Hex.encode(fleet.random.bytes(32)) : nil
                let provision = FillTenant(
                    blueprint: blueprint, ownerEmail: email,
                    passwordHash: try password.map { try scrypt.hash($0, random: fleet.random) },
                    ownerKey: MintedSecret(
                        shape: KeyShape(blueprint.keyShape, prefix: creation.keyPrefix), book: .live,
                        random: fleet.random),
                    invitationHash: invitation.map { SHA256.hash(Array($0.utf8)) })
                fleet.create(creation, requestID: call.requestID, fill: { try provision.run($0) }) { [self] result in
                    reply(
                        result.map { record, _ in
                            .whole(created(record, provision.ownerKey, invitation, call))
                        }.mapError { Self.refusal($0) })
                }
            } catch {
                reply(.failure(error))
            }
        }
        if !submitted { throw Refusal.busy }
    }

    private static func refusal(_ error: any Error) -> any Error {
        switch error {
        case RegistryRefusal.slugTaken:
            Refusal.conflict(code: "slug_taken", detail: "There is a tenant with this slug.")
        case RegistryRefusal.hostTaken(let host):
            Refusal.conflict(code: "host_taken", detail: "\(host) belongs to another tenant.")
        default: error
        }
    }

    private func created(
        _ record: TenantRecord, _ key: MintedSecret, _ invitation: String?, _ call: ProviderCall
    ) -> Answer {
        let profile = record.profile
        return .json(201) { json in
            json.field("id", record.id.text)
            json.field("slug", profile.slug)
            json.field("base_url", call.baseURL(record))
            json.field("owner_key", key.text)
            json.field("tier", profile.tier.rawValue)
            json.field("currency", profile.currency)
            json.field("created_at", profile.createdAt.text)
            json.field("refundable_until", profile.refundableUntil.text)
            if let invitation { json.field("invitation_url", "\(call.baseURL(record))/invite/\(invitation)") }
        }
    }

    func encode(_ record: TenantRecord, _ call: ProviderCall, _ json: inout JSONWriter) {
        let profile = record.profile
        let requests = record.counters.snapshot
        json.field("id", record.id.text)
        json.field("slug", profile.slug)
        json.field("base_url", call.baseURL(record))
        json.field("blueprint", profile.blueprint)
        json.field("state", state(of: record, at: call.now))
        json.field("tier", profile.tier.rawValue)
        json.field("currency", profile.currency)
        json.field("owner_email", profile.ownerEmail)
        json.field("created_at", profile.createdAt.text)
        json.field("refundable_until", profile.refundableUntil.text)
        json.field("ends_at", profile.endsAt?.text)
        json.field("ended_at", profile.endedAt?.text)
        let path = fleet.data.tenantPath(record.id)
        json.field("bytes", (DataDirectory.size(of: path) ?? 0) + (DataDirectory.size(of: path + "-wal") ?? 0))
        json.object("quotas") { json in
            json.field("bytes", profile.quotas.bytesMax)
            json.field("resellers", profile.quotas.resellersMax)
            json.field("keys", profile.quotas.keysMax)
            json.field("requests_monthly", profile.quotas.requestsMonthlyMax)
        }
        json.object("counts") { json in
            json.field("resellers", fleet.roster.resellers(of: record.id).count)
            json.field("keys", fleet.roster.keyCount(of: record.id))
            json.field("requests_this_month", requests.month == call.now.monthNumber ? requests.count : 0)
        }
        json.field("last_request_at", requests.lastRequestAt?.text)
        if let limit = profile.limit {
            json.object("rate_limit") { json in
                KeyBodies.limit.write(limit, in: Currency(profile.currency) ?? .usDollar, to: &json)
            }
        } else {
            json.null("rate_limit")
        }
        json.array("domains") { json in for host in profile.domains { json.element(host) } }
    }

    private func state(of record: TenantRecord, at now: Timestamp) -> String {
        if case .refused(let state) = record.access(at: now) { return state }
        return record.profile.state.name
    }

    private func change(_ call: ProviderCall, _ reply: @escaping ProviderRoute.Reply) throws {
        let record = try tenant(call.parameters[0])
        var fields = try call.fields()
        let known = ["tier", "quotas", "rate_limit", "domains"]
        guard known.contains(where: { fields.has($0) }) else {
            throw Refusal.field("", "required", "one of \(known.joined(separator: ", ")) is expected")
        }
        let tier = fields.optionalChoice("tier", as: Tier.self)
        var overrides: QuotaOverrides?
        if var quotas = fields.optionalObject("quotas") {
            var wanted = record.profile.quotaOverrides
            func read(_ name: String, _ path: WritableKeyPath<QuotaOverrides, Int64?>, least: Int64) {
                guard quotas.has(name) else { return }
                wanted[keyPath: path] = quotas.optionalInteger(name, in: least...1_000_000_000_000_000)
            }
            read("bytes", \.bytesMax, least: 1 << 20)
            read("resellers", \.resellersMax, least: 0)
            read("keys", \.keysMax, least: 1)
            read("requests_monthly", \.requestsMonthlyMax, least: 0)
            fields.absorb(quotas)
            overrides = wanted
        }
        let changesLimit = fields.has("rate_limit")
        let limit = fields.optionalPolicy("rate_limit")
        let domains = try readDomains(&fields, record)
        try fields.finish()
        let (newTier, newOverrides) = (tier, overrides)
        let changeProfile: @Sendable () -> Void = { [self] in
            fleet.change(record, event: "tenant.changed", requestID: call.requestID) { profile in
                if let newTier { profile.tier = newTier }
                if let newOverrides { profile.quotaOverrides = newOverrides }
                if changesLimit { profile.limit = limit }
            } then: { [self] result in
                reply(result.map { [self] in .whole(.json { encode(record, call, &$0) }) })
            }
        }
        guard let domains else { return changeProfile() }
        let hosts = domains.map(\.host)
        let certificates = domains.compactMap(\.certificate)
        fleet.registry.setDomains(certificates, hosts: hosts, of: record.id) { [self] result in
            if case .failure(let error) = result { return reply(.failure(Self.refusal(error))) }
            fleet.replaceCertificates(of: record.profile.domains + hosts, with: certificates)
            fleet.roster.update(record) { $0.domains = hosts }
            domainsChanged()
            changeProfile()
        }
    }

    private struct Domain {
        let host: String
        let certificate: DomainCertificate?
    }

    /// `[{host, certificate?, private_key?}]`; nil where the call leaves domains as they are.
    private func readDomains(_ fields: inout FieldReader, _ record: TenantRecord) throws -> [Domain]? {
        guard let values = fields.optionalArray("domains", count: 0...100) else { return nil }
        var domains: [Domain] = []
        for (index, value) in values.enumerated() {
            var domain = FieldReader(value, at: "/domains/\(index)")
            let host = domain.string("host", characters: 1...253)?.lowercased()
            if let host, !Self.isHostName(host) {
                domain.fail("host", code: "format", detail: "must be a host name without port")
            }
            if let host, domains.contains(where: { $0.host == host }) {
                domain.fail("host", code: "duplicate", detail: "comes twice")
            }
            let certificate = domain.optionalPEM("certificate")
            let key = domain.optionalPEM("private_key")
            if (certificate == nil) != (key == nil) {
                domain.fail("certificate", code: "required", detail: "certificate and private_key come together")
            }
            var wrapped: DomainCertificate?
            if let host, let certificate, let key {
                if let reason = TLSMaterial.fault(certificate: certificate, privateKey: key) {
                    domain.fail("certificate", code: "format", detail: reason)
                } else {
                    wrapped = DomainCertificate(
                        host: host, certificate: certificate,
                        wrappedPrivateKey: try fleet.wrap(Array(key.utf8), of: record.id))
                }
            }
            fields.absorb(domain)
            if let host { domains.append(Domain(host: host, certificate: wrapped)) }
        }
        return domains
    }

    private static func isHostName(_ text: String) -> Bool {
        let labels = text.split(separator: ".", omittingEmptySubsequences: false)
        return labels.count > 1
            && labels.allSatisfy { label in
                1...63 ~= label.utf8.count && label.first != "-" && label.last != "-"
                    && label.utf8.allSatisfy { $0 >= 0x61 && $0 <= 0x7A || $0 >= 0x30 && $0 <= 0x39 || $0 == 0x2D }
            }
    }
}

extension FieldReader {
    /// PEM text, which has line ends and so is not an ordinary string.
    fileprivate mutating func optionalPEM(_ name: String) -> String? {
        guard let value = value(name), value != .null else { return nil }
        guard case .string(let text) = value, text.hasPrefix("-----BEGIN "), text.utf8.count <= 64 << 10 else {
            fail(name, code: "format", detail: "must be PEM text")
            return nil
        }
        return text
    }
}
