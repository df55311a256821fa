import Cryptography
import Foundation
import Glibc
import SQLite
import Synchronization

extension Fleet {
    package struct Creation: Sendable {
        package var slug: String
        package var blueprint: String
        package var tier: Tier
        package var currency: String
        package var keyPrefix: String
        /// No other tenant's keys may begin so; its blueprint's prefix a tenant shares with its like.
        package var hasOwnPrefix: Bool
        package var ownerEmail: String
        package var endsAt: Timestamp?

        package init(
            slug: String, blueprint: String, tier: Tier, currency: String, keyPrefix: String,
            hasOwnPrefix: Bool = false,
            ownerEmail: String
        ) {
            self.slug = slug
            self.blueprint = blueprint
            self.tier = tier
            self.currency = currency
            self.keyPrefix = keyPrefix
            self.hasOwnPrefix = hasOwnPrefix
            self.ownerEmail = ownerEmail
        }
    }

    /// How long after provisioning the provider refunds (P4).
    package static let refundDays: Int64 = 14

    /// Makes a tenant: registry row, file, contents, registry again, roster. A crash at any step leaves none or a whole
    /// one: until the last registry commit it is `creating`, and the next start removes it (P1).
    /// `fill` runs in the first transaction of the new file; `then` comes on a worker.
    package func create<Value: Sendable>(
        _ creation: Creation, as act: ProviderAct, judge: @escaping Registry.Judge = { _ in },
        fill: @escaping @Sendable (TenantTransaction) throws -> Value,
        then: @escaping @Sendable (Result<(TenantRecord, Value), any Error>) -> Void
    ) {
        let now = clock.now()
        let profile = TenantProfile(
            id: TenantID.random(random), slug: creation.slug, blueprint: creation.blueprint, state: .creating,
            tier: creation.tier, quotaOverrides: QuotaOverrides(), currency: creation.currency,
            keyPrefix: creation.keyPrefix, ownerEmail: creation.ownerEmail, createdAt: now,
            refundableUntil: now.adding(days: Self.refundDays), endsAt: nil, endedAt: nil, limit: nil, domains: [],
            projectionEpoch: 0, requestsMonth: now.monthNumber, requestsCount: 0, lastRequestAt: nil)
        let record: TenantRecord
        let wrapped: (secret: [UInt8], signing: [UInt8])
        do {
            let secretKey = random.bytes(32)
            let seed = random.bytes(32)
            wrapped = (try wrap(secretKey, of: profile.id), try wrap(seed, of: profile.id))
            record = try makeRecord(profile, secretKey: secretKey, signingSeed: seed)
        } catch {
            return then(.failure(error))
        }
        registry.insert(
            profile, hasOwnPrefix: creation.hasOwnPrefix, wrappedSecretKey: wrapped.secret,
            wrappedSigningKey: wrapped.signing, judge: judge
        ) { [self] result in
            if case .failure(let error) = result {
                // A row of unknown outcome may come back and hold the name.
                if case LaneFailure.outcomeUnknown = error {
                    bury(profile, isMarked: true, as: act.also("tenant.deleted"))
                }
                return then(.failure(error))
            }
            record.lane.exclusively(
                { [self] control in
                    do {
                        control.adopt(try makeFile(of: record))
                    } catch {
                        return abandon(record, control, error, act, then)
                    }
                    fillNew(record, act, judge, fill, then)
                }, orElse: { then(.failure($0)) })
        }
    }

    private func fillNew<Value: Sendable>(
        _ record: TenantRecord, _ act: ProviderAct, _ judge: @escaping Registry.Judge,
        _ fill: @escaping @Sendable (TenantTransaction) throws -> Value,
        _ then: @escaping @Sendable (Result<(TenantRecord, Value), any Error>) -> Void
    ) {
        record.lane.submit(
            LaneJob(
                writes: true,
                perform: { [self] store in
                    let value = try fill(store.transaction)
                    let changes = store.transaction.pendingProjections
                    store.note(.act(at: clock.now(), action: act.action, status: 201, requestID: act.requestID))
                    return { [self] _ in
                        record.lane.exclusively(
                            { [self] control in finish(record, control, changes, value, act, judge, then) },
                            orElse: { then(.failure($0)) })
                    }
                },
                fail: { [self] failure in
                    record.lane.exclusively(
                        { [self] control in abandon(record, control, failure, act, then) },
                        orElse: { then(.failure($0)) })
                }))
    }

    /// The file is made durable, then the registry takes the tenant for whole.
    private func finish<Value: Sendable>(
        _ record: TenantRecord, _ control: LaneControl<TenantStore>, _ changes: [ProjectedChange], _ value: Value,
        _ act: ProviderAct, _ judge: @escaping Registry.Judge,
        _ then: @escaping @Sendable (Result<(TenantRecord, Value), any Error>) -> Void
    ) {
        let mark: MeterMark
        let copy: PastCopy?
        do {
            let store = try control.file()
            try store.endCreation()
            try DataDirectory.synchronise(folder: data.tenantFolder(record.id))
            mark = MeterMark(store.head)
            copy = firstCopy(of: record, incarnation: store.head.incarnation, at: record.profile.createdAt) {
                store.connection
            }
            if let cluster {
                // The log takes the file over as it is on the disk.
                control.closeFile()
                try cluster.begin(record.id)
                _ = try control.file()
            }
        } catch {
            return abandon(record, control, error, act, then)
        }
        record.update({ $0.state = .active }, now: monotonic.nanoseconds())
        registry.complete(record.profile, changes, meteredFrom: mark, as: act, judge: judge) {
            [self] result in
            if case .failure(let error) = result {
                if let copy { DataDirectory.remove(copy.path) }
                // What the registry did not take is taken back whole, so that the slug is free again.
                return record.lane.exclusively(
                    { [self] control in abandon(record, control, error, act, then) }, orElse: { then(.failure($0)) })
            }
            record.meter.start(saved: mark, stands: [:])
            for change in changes { roster.apply(change.change, to: record) }
            roster.add(record)
            resting.take(record, now: monotonic.nanoseconds())
            pastWork.want(record.id)
            if let copy { pastWork.give(copy) }
            roster.update(record) { $0.projectionEpoch = changes.last?.epoch ?? 0 }
            then(.success((record, value)))
            passOnNew(record)
        }
    }

    private func abandon<Value>(
        _ record: TenantRecord, _ control: LaneControl<TenantStore>, _ error: any Error, _ act: ProviderAct,
        _ then: @escaping @Sendable (Result<(TenantRecord, Value), any Error>) -> Void
    ) {
        retire(record, control)
        // The registry may have taken it for whole at the last.
        bury(record.profile, isMarked: record.profile.state == .creating, as: act.also("tenant.deleted")) {
            then(.failure(error))
        }
    }

    /// The file with its schema and its meta row, open; nothing of it is durable before `endCreation`. On the tenant's
    /// lane.
    private func makeFile(of record: TenantRecord) throws -> TenantStore {
        try data.makeTenantFolder(record.id)
        let path = data.tenantPath(record.id)
        try blankFiles.place(at: path)
        let sink = log.map { TenantSink($0, tenant: record.id) }
        let connection = try Connection(path: path, flags: [.readWrite], sink: sink)
        do {
            try connection.configureLive()
            try connection.setSynchronous(false)
            try connection.run(
                """
                INSERT INTO meta (id, tenant_id, incarnation, currency, audit_public_key, created_at)
                VALUES (1, ?1, 1, ?2, ?3, ?4)
                """,
                .blob(record.id.bytes), .text(record.profile.currency), .blob(record.signingKey.publicKey),
                .integer(clock.now().milliseconds))
            // It has no row yet, so that the chain will have told of each.
            if schema.vouched != nil {
                try connection.run("UPDATE meta SET vouched_version = ?1 WHERE id = 1", .int(Int(schema.version)))
            }
            let store = try TenantStore(
                connection: connection, tenantID: record.id, context: context(record, sink: sink))
            try store.hold(toPages: record.profile.quotas.pagesMax)
            store.beginCreation()
            return store
        } catch {
            connection.close()
            throw error
        }
    }

    /// Tombstones a tenant and erases it: its slug and files go, its hashes stay dead for ever (P5). `isAllowed` throws
    /// where its row, as it is now, is not to be erased.
    package func delete(
        _ record: TenantRecord, as act: ProviderAct, judge: @escaping Registry.Judge = { _ in },
        where isAllowed: @escaping @Sendable (TenantProfile) throws -> Void = { _ in },
        then: @escaping @Sendable (Result<Void, any Error>) -> Void
    ) {
        registry.change(
            record.id, as: act, domains: nil, judge: judge,
            { profile in
                try isAllowed(profile)
                profile.state = .deleting
            }
        ) { [self] result in
            if case .failure(let error) = result { return then(.failure(error)) }
            roster.update(record) { $0.state = .deleting }
            record.lane.exclusively(
                { [self] control in
                    retire(record, control)
                    // The tombstone stands: whatever comes now, the tenant is gone, and its answer says so.
                    bury(record.profile, isMarked: true, as: act.also("tenant.deleted")) { [self] in
                        roster.remove(record)
                        forgetCertificates(of: record)
                        due.drop(record)
                        resting.drop(record.id)
                        then(.success(()))
                    }
                }, orElse: { then(.failure($0)) })
        }
    }

    /// Changes a tenant's registry row (state, tier, quotas, limit, end). It holds from `then` on: no effect that was
    /// judged by what was before comes after it (P2, P3, G3). `change` throws where the row, as it is now, does not
    /// allow it.
    package func change(
        _ record: TenantRecord, as act: ProviderAct, domains: DomainChange? = nil,
        judge: @escaping Registry.Judge = { _ in },
        _ change: @escaping @Sendable (inout TenantProfile) throws -> Void,
        then: @escaping @Sendable (Result<Void, any Error>) -> Void
    ) {
        let changed = Mutex<TenantProfile?>(nil)
        let made = Mutex<DomainChange?>(nil)
        let make = domains.map { domains -> Registry.DomainsMade in
            { known in
                let change = domains.made(of: known)
                made.withLock { $0 = change }
                return change
            }
        }
        registry.change(
            record.id, as: act, domains: make, judge: judge,
            { profile in
                try change(&profile)
                let after = profile
                changed.withLock { $0 = after }
            }
        ) { [self] result in
            guard case .success = result, let after = changed.withLock({ $0 }) else { return then(result) }
            let domains = made.withLock { $0 }
            if let domains { replaceCertificates(of: record.id, with: domains.certificates) }
            roster.update(record) { profile in
                profile.takeChangeable(from: after)
                if let domains { profile.domains = domains.hosts }
            }
            let told: @Sendable (Result<Void, any Error>) -> Void = { [self] result in
                // They hold, for routing and for TLS, when the call is answered.
                if domains != nil { tellOfCertificates() }
                then(result)
            }
            noteDeletion(of: record)
            record.meter.wantLook()
            // What may happen in it by itself may be another thing now (P3).
            due.look(at: record)
            let pages = record.profile.quotas.pagesMax
            record.lane.exclusively(
                { control in
                    // A changed quota holds at once for an open file; a closed one takes it when it opens.
                    if control.isOpen, let store = try? control.file() {
                        try? store.hold(toPages: pages)
                    }
                    told(result)
                }, orElse: { _ in told(result) })
        }
    }
}
