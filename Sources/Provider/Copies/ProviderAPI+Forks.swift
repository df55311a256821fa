import CallKit
import HTTPCore
import TenantApp
import TenantRegistry

/// A new tenant from another's state, as it is or as it was at a moment (B2).
extension ProviderAPI {
    var forkRoutes: [Route] {
        [
            Route(
                .post, "/tenants/{slug}/fork", "Make a new tenant of another's state", access: .provider,
                takes: ["slug": .matching(Schemas.slugPattern), "at": .time.optional],
                gives: .made(Schemas.forked), refuses: [409, 422]
            ) { try fork($0) }
        ]
    }

    private func fork(_ call: Call) throws -> Work {
        let parent = try tenant(of: call)
        var fields = try call.fields()
        let sent = fields.string("slug", characters: 1...63, .id)
        if let sent, let objection = objection(toSlug: sent) {
            fields.fail("slug", code: objection.code, detail: objection.detail)
        }
        let text = fields.optionalString("at", characters: 1...64)
        let at = text.flatMap { Timestamp(parsing: $0) }
        if text != nil, at == nil { fields.fail("at", code: "format", detail: "must be an RFC 3339 time") }
        if let at, at > call.now { fields.fail("at", code: "range", detail: "must not be in the future") }
        fields.expectNoOthers(than: ["slug", "at"])
        let slug = try fields.finish(sent)
        if let host = hosts.baseDomain.map({ "\(slug).\($0)" }), fleet.roster.tenant(host: host) != nil {
            throw Refusal.conflict(.hostTaken(host, pointer: "/slug"))
        }
        if parent.profile.move != nil { throw Refusal.conflict(.tenant(.moved)) }
        try expectExportable(parent, call)
        if fleet.refusesWrites { throw LaneFailure.storageFull }
        return .flow { steps in try await fork(parent, slug, at, call, steps) }
    }

    private func fork(
        _ parent: TenantRecord, _ slug: String, _ at: Timestamp?, _ call: Call, _ steps: Steps
    ) async throws -> Work {
        // Another tenant's own prefix stays its own (P1).
        let prefix = blueprints[parent.blueprint]?.keyPrefix ?? parent.profile.keyPrefix
        let ownerKey = MintedSecret(
            shape: KeyShape(blueprints[parent.blueprint]?.keyShape ?? .prefixed, prefix: prefix), book: .live,
            random: fleet.random)
        let fork = Fleet.Fork(slug: slug, keyPrefix: prefix) { try ForkTenant(ownerKey: ownerKey).run($0) }
        let path = try await copy(of: parent, at: at, steps)
        let made: (record: TenantRecord, head: AuditHead)
        do {
            made = try await steps.callback { done in
                fleet.fork(
                    parent, fork, from: path, as: call.act(AuditRecord.forked), judge: call.provider.judge
                ) { result in done(result.map { (record: $0.0, head: $0.1) }) }
            }
        } catch let failure as RestoreFailure {
            throw Refusal(failure)
        }
        return .answer(
            .json(201) { json in
                json.field("id", made.record.id.text)
                json.field("slug", made.record.slug)
                json.field("base_url", baseURL(of: made.record, call))
                json.field("owner_key", ownerKey.text)
                json.field("forked_from", parent.id.text)
                json.field("audit_head", made.head.text)
            })
    }

    /// A signed copy of a tenant's file as it was then, or is; whoever asks owns it.
    func copy(of record: TenantRecord, at moment: Timestamp?, _ steps: Steps) async throws -> String {
        do {
            return try await steps.callback { done in fleet.copy(of: record, at: moment) { done($0) } }
        } catch let failure as PastFailure {
            switch failure {
            case .notKept: throw Refusal.conflict(.pastNotKept)
            case .gap: throw Refusal.conflict(.pastHasGap)
            case .leapt: throw Refusal.conflict(.pastLeapt)
            case .before(let begin): throw Refusal.conflict(.beforePast(begin))
            case .ahead: throw Refusal.field("/at", "range", "must not be in the future")
            }
        }
    }

    /// What `?at=` says.
    func moment(_ text: String?) throws(Refusal) -> Timestamp? {
        guard let text else { return nil }
        guard let time = Timestamp(parsing: text) else { throw .field("/at", "format", "must be an RFC 3339 time") }
        return time
    }
}
