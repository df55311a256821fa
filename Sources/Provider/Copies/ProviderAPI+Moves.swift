import CallKit
import Cryptography
import HTTPCore
import RateLimiter
import TenantApp
import TenantRegistry

/// Moving a tenant to another node (P10). At the source: `move` seals it, so that nothing is written behind the export
/// that follows, and callers are told where it is; `move/confirm` says that it lives there. At the destination:
/// `import`.
extension ProviderAPI {
    /// No tier has more; a file of so many bytes and what is sealed around it.
    private static let bundleBytesMax: Int64 = 1 << 40

    var moveRoutes: [Route] {
        [
            Route(
                .post, "/tenants/import", "Take in a tenant that comes from another node", access: .provider,
                body: .pieces { _ in Self.bundleBytesMax },
                parameters: [.query("slug", .matching(Schemas.slugPattern)), Self.passphrase],
                takes: .file(TenantBundle.mediaType), gives: .made(Schemas.imported), refuses: [409]
            ) { .streamed(try takeIn($0)) },
            Route(
                .post, "/tenants/{slug}/move",
                "Give a tenant to another node of the cluster, or seal one that goes to another gateway",
                access: .provider,
                takes: .either(["base_url": .matching("^https?://")], ["node": .matching(Schemas.node)]),
                gives: .done(Schemas.tenant), refuses: [409]
            ) { try move($0) },
            Route(
                .delete, "/tenants/{slug}/move", "Take a move back that is not confirmed", access: .provider,
                gives: .done(Schemas.tenant), refuses: [409]
            ) { call in
                try changeMove(call, "tenant.move_undone") { profile, move in
                    profile.state = move.stateBefore
                    profile.move = nil
                }
            },
            Route(
                .post, "/tenants/{slug}/move/confirm", "Say that a tenant lives on the other node", access: .provider,
                gives: .done(Schemas.tenant), refuses: [409]
            ) { call in
                try changeMove(call, "tenant.move_confirmed") { profile, _ in profile.move?.confirmedAt = call.now }
            },
        ]
    }

    private static let passphraseText = Schema.printable(Passphrase.charactersMin...1024)
    private static let passphrase = Parameter.header("Tollgate-Passphrase", passphraseText)
    /// An export has one where it holds secrets.
    static let passphraseOfBundle = Parameter.header("Tollgate-Passphrase", passphraseText, isRequired: false)

    /// What a bundle is sealed under.
    func passphrase(of call: Call) throws(Refusal) -> Passphrase {
        guard let text = call.head.value(of: .passphrase) else {
            throw .unparseable("This call needs a Tollgate-Passphrase header.")
        }
        guard call.head.count(of: .passphrase) == 1 else {
            throw .unparseable("The header Tollgate-Passphrase stands twice.")
        }
        guard let passphrase = Passphrase(text) else {
            throw .field(
                "/Tollgate-Passphrase", "length",
                "must have \(Passphrase.charactersMin) to 1024 characters of printable ASCII")
        }
        return passphrase
    }

    // MARK: At the source

    private func move(_ call: Call) throws -> Work {
        let record = try tenant(of: call)
        var fields = try call.fields()
        if let node = fields.optionalString("node", characters: 1...40) {
            fields.expectNoOthers(than: ["node"])
            try fields.finish()
            return try place(record, at: node, call)
        }
        return try seal(record, &fields, call)
    }

    private func seal(_ record: TenantRecord, _ fields: inout FieldReader, _ call: Call) throws -> Work {
        let sent = fields.string("base_url", characters: 1...Self.baseURLCharactersMax, .id)
        if let sent, WebAddress(parsing: sent) == nil || sent.contains("?") {
            fields.fail(
                "base_url", code: "format",
                detail: "must be an http or https URL without credentials, query or fragment")
        }
        fields.expectNoOthers(than: ["base_url"])
        let address = try fields.finish(sent)
        let baseURL = address.hasSuffix("/") ? String(address.dropLast()) : address
        return changeState(of: record, "tenant.moved", call) { profile in
            if var move = profile.move {
                if move.confirmedAt != nil { throw Self.refused(.moveConfirmed) }
                move.baseURL = baseURL
                profile.move = move
                return
            }
            try Self.judge(profile, isIn: [.active, .suspended], call)
            profile.move = TenantMove(baseURL: baseURL, at: call.now, stateBefore: profile.state)
            profile.state = .moved
        }
    }

    private static let baseURLCharactersMax = 512

    private func changeMove(
        _ call: Call, _ event: String, _ change: @escaping @Sendable (inout TenantProfile, TenantMove) -> Void
    ) throws -> Work {
        changeState(of: try tenant(of: call), event, call) { profile in
            guard let move = profile.move else { throw Self.refused(.notMoved) }
            if move.confirmedAt != nil { throw Self.refused(.moveConfirmed) }
            change(&profile, move)
        }
    }

    private static func refused(_ conflict: Conflict) -> RegistryRefusal { .notAllowed(Refusal.conflict(conflict)) }

    private func changeState(
        of record: TenantRecord, _ event: String, _ call: Call,
        _ change: @escaping @Sendable (inout TenantProfile) throws -> Void
    ) -> Work {
        .flow { steps in
            try await steps.callback { done in
                fleet.change(
                    record, as: call.act(event), judge: call.provider.judge, change, then: done)
            }
            return .answer(answer(record, call))
        }
    }

    /// The signed file with all that a node needs to serve the tenant, sealed under the caller's passphrase.
    func exportWithSecrets(_ record: TenantRecord, _ passphrase: Passphrase, _ call: Call) -> Work {
        var headers = ResponseHeaders()
        headers.add("Content-Type", TenantBundle.mediaType)
        headers.add("Content-Disposition", "attachment; filename=\"\(record.slug).tollgate\"")
        if call.head.method == .head { return headOfFile(headers) }
        return .flow { [headers] steps in
            let sealing = try await steps.background {
                try SealedChunks(
                    magic: TenantBundle.magic, version: TenantBundle.version, passphrase: passphrase,
                    random: fleet.random)
            }
            let path = try await steps.callback { done in fleet.export(record) { done($0) } }
            let bundle = try await steps.files {
                let now = fleet.monotonic.nanoseconds()
                let snapshot = LevelSnapshot(
                    wallMilliseconds: fleet.clock.now().milliseconds,
                    entries: levels.entries(of: record, in: fleet.roster, now: now))
                do {
                    return try BundleStream(
                        TenantBundle(of: record, levels: snapshot), file: path, sealing, pool: fleet.files)
                } catch {
                    DataDirectory.remove(path)
                    throw error
                }
            }
            // The provider's log says that somebody has the tenant's secrets; whoever asked may not have them any more.
            try await log(call.act("tenant.exported_with_secrets"), of: record, call, steps)
            return .stream(
                status: 200, headers: headers,
                body: handedOut(bundle, length: bundle.length, "tenant.export_broken_off", of: record, call),
                length: bundle.length)
        }
    }

    // MARK: At the destination

    private func takeIn(_ call: Call) throws -> FileBody {
        let slug = try call.query()["slug"]
        if let slug, let objection = objection(toSlug: slug) {
            throw Refusal.field("/slug", objection.code, objection.detail)
        }
        let passphrase = try passphrase(of: call)
        return FileBody(
            path: fleet.data.temporaryPath(fleet.random.uint64()), hasRoom: { !fleet.refusesWrites }
        ) { file, steps in
            if file.isEmpty { throw Refusal.unparseable("The body is empty; a tenant's bundle is expected.") }
            let (sealed, opened) = (file.takeOver(), fleet.data.temporaryPath(fleet.random.uint64()))
            let arrival = try await steps.background { try open(sealed, opened, passphrase, slug, at: call.baseURL) }
            let record: TenantRecord
            do {
                record = try await steps.callback { done in
                    fleet.adopt(
                        arrival.tenant, as: call.act(AuditRecord.imported), judge: call.provider.judge,
                        settle: arrival.settle
                    ) { result in done(result.map { $0.0 }) }
                }
            } catch let failure as RestoreFailure {
                throw Refusal(failure)
            }
            return .answer(
                .json(201) { json in
                    json.field("id", record.id.text)
                    json.field("slug", record.slug)
                    json.field("base_url", baseURL(of: record, call))
                    json.field("state", state(of: record, at: call.now))
                    json.field("incarnation", record.profile.incarnation)
                })
        }
    }

    /// The bundle opened: scrypt, and the whole file once. What is on its way stays nowhere. `node`: its base URL.
    private func open(
        _ sealed: String, _ opened: String, _ passphrase: Passphrase, _ slug: String?, at node: String
    ) throws -> (tenant: Fleet.Arrival, settle: @Sendable (TenantRecord) -> Void) {
        defer { DataDirectory.remove(sealed) }
        do {
            var bundle = try BundleReader.open(sealed, passphrase, into: opened)
            let former = bundle.profile.slug
            bundle.profile.slug = slug ?? former
            let profile = bundle.profile
            if let objection = objection(toSlug: profile.slug) {
                throw Refusal.field("/slug", objection.code, objection.detail)
            }
            guard blueprints[profile.blueprint] != nil else {
                throw Refusal.unprocessable(.unknownBlueprint(profile.blueprint))
            }
            if let host = hosts.baseDomain.map({ "\(profile.slug).\($0)" }), fleet.roster.tenant(host: host) != nil {
                throw Refusal.conflict(.hostTaken(host))
            }
            var arrival = Fleet.Arrival(
                profile: profile, secretKey: bundle.secretKey, signingSeed: bundle.signingSeed, path: opened)
            let arrive = ArriveTenant(baseURL: "\(node)/t/\(profile.slug)", formerSlug: former)
            arrival.fill = { try arrive.run($0) }
            let saved = bundle.levels
            return (
                arrival,
                { [fleet, levels] _ in
                    let elapsed = LevelFile.elapsedNanoseconds(
                        from: saved.wallMilliseconds, to: fleet.clock.now().milliseconds)
                    for entry in saved.entries {
                        levels.restore(
                            entry, elapsed: elapsed, in: fleet.roster, now: fleet.monotonic.nanoseconds())
                    }
                }
            )
        } catch {
            DataDirectory.remove(opened)
            throw (error as? BundleFailure).map { Refusal($0) } ?? error
        }
    }

    /// Why no tenant can have this slug; nil where one can (P1).
    func objection(toSlug slug: String) -> (code: String, detail: String)? {
        if !Self.isSlug(slug) {
            return (
                "format",
                "must be small letters, digits and hyphens, 63 at most, and begin and end with a letter or digit"
            )
        }
        if ReservedNames.isReserved(slug: slug) {
            return ("reserved", "is a name that hosts and paths of the node need")
        }
        return hosts.objection(toSlug: slug).map { ("reserved", $0) }
    }
}

extension Refusal {
    /// Why a bundle is not taken in.
    fileprivate init(_ failure: BundleFailure) {
        self =
            switch failure {
            case .notABundle: .unprocessable(.notABundle)
            case .newer: .unprocessable(.bundleNewer)
            case .wrongPassphrase: .unprocessable(.wrongPassphrase)
            case .damaged: .unprocessable(.bundleDamaged)
            case .member(let name): .unprocessable(.bundleMember(name))
            }
    }
}
