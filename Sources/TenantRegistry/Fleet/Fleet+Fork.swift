import Cryptography
import SQLite

/// A new tenant from another's state (B2).
extension Fleet {
    package struct Fork: Sendable {
        package let slug: String
        /// Its keys' prefix; another tenant's own stays that one's.
        package let keyPrefix: String
        /// What of the other tenant's the new one goes without, and what it gets; in the transaction that makes it
        /// another's.
        package let fill: @Sendable (TenantTransaction) throws -> Void

        package init(
            slug: String, keyPrefix: String, fill: @escaping @Sendable (TenantTransaction) throws -> Void
        ) {
            self.slug = slug
            self.keyPrefix = keyPrefix
            self.fill = fill
        }
    }

    /// Makes a tenant of a copy of another's file: a UUID and keys of its own, the other's chain continued under them,
    /// whose first own row is `tenant.forked`. A crash at any step leaves no tenant or a whole one. Takes over the file
    /// at `path`.
    package func fork(
        _ parent: TenantRecord, _ fork: Fork, from path: String, as act: ProviderAct, judge: @escaping Registry.Judge,
        then answer: @escaping @Sendable (Result<(TenantRecord, AuditHead), any Error>) -> Void
    ) {
        let then: @Sendable (Result<(TenantRecord, AuditHead), any Error>) -> Void = { result in
            DataDirectory.remove(path)
            answer(result)
        }
        let submitted = examinations.submit { [self] in
            do {
                _ = try schema.examine(
                    FileExamination(
                        path: path, tenant: parent.id, publicKey: parent.signingKey.publicKey,
                        currency: parent.profile.currency, acceptsUnsigned: false))
                guard let head = ExportSeal.read(path)?.head else { throw RestoreFailure.unsigned }
                let arrival = try arrival(of: fork, parent, at: path)
                var profile = arrival.profile
                profile.state = .creating
                let record = try makeRecord(profile, secretKey: arrival.secretKey, signingSeed: arrival.signingSeed)
                let stretch = Lineage.Stretch(
                    tenant: parent.id, publicKey: parent.signingKey.publicKey, through: head.sequence)
                insert(
                    Adoption(
                        arrival: arrival, record: record, revoked: [],
                        origin: Beginning(
                            action: AuditRecord.forked, detail: { _ in Lineage.detail(of: stretch, head: head) },
                            become: { [self] in try become($0, record, behind: stretch) }, fill: fork.fill),
                        act: act, judge: judge, settle: { _ in }, then: then))
            } catch {
                then(.failure(error))
            }
        }
        if !submitted { then(.failure(LaneFailure.tooManyWaiting)) }
    }

    /// The other's row, without what was its alone.
    private func arrival(of fork: Fork, _ parent: TenantRecord, at path: String) throws -> Arrival {
        let (now, before) = (clock.now(), parent.profile)
        let profile = TenantProfile(
            id: TenantID.random(random), slug: fork.slug, blueprint: before.blueprint, state: .active,
            tier: before.tier, quotaOverrides: before.quotaOverrides, currency: before.currency,
            keyPrefix: fork.keyPrefix, ownerEmail: before.ownerEmail, createdAt: now,
            refundableUntil: now.adding(days: Self.refundDays), endsAt: nil, endedAt: nil, limit: before.limit,
            domains: [], projectionEpoch: 0, requestsMonth: now.monthNumber, requestsCount: 0, lastRequestAt: nil)
        return Arrival(
            profile: profile, secretKey: random.bytes(AES256GCM.keyBytes), signingSeed: random.bytes(Ed25519.keyBytes),
            path: path)
    }

    /// The file says that it is the new tenant's, and under whose id the rows before were chained.
    private func become(_ connection: Connection, _ record: TenantRecord, behind stretch: Lineage.Stretch) throws {
        let known = try connection.row("SELECT lineage FROM meta WHERE id = 1") { try $0.optionalText() }
        guard let lineage = Lineage(text: known ?? nil) else {
            throw RestoreFailure.damaged(["its lineage cannot be read"])
        }
        try connection.run(
            "UPDATE meta SET tenant_id = ?1, audit_public_key = ?2, lineage = ?3, created_at = ?4 WHERE id = 1",
            .blob(record.id.bytes), .blob(record.signingKey.publicKey), .text(lineage.adding(stretch).text),
            .integer(clock.now().milliseconds))
    }
}
