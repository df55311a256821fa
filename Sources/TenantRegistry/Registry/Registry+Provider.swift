package import Cryptography
import SQLite

/// The provider's keys, its log (P8), its meter (P9), its forms (U1) and sessions (U4), in the registry's file.
extension SQLiteRegistry {
    package func addProviderKey(
        _ new: NewProviderKey, revokingOthers: Bool, as act: ProviderAct, judge: @escaping Judge,
        then: @escaping Done<ProviderKey>
    ) {
        changeKeys(as: act, judge, then) { try $0.add(new, at: act.at, revokingOthers: revokingOthers) }
    }

    package func rotateProviderKey(
        _ publicID: String, to secret: ProviderSecret, overlapSeconds: Int64, as act: ProviderAct,
        judge: @escaping Judge, then: @escaping Done<ProviderKey>
    ) {
        changeKeys(as: act, judge, then) {
            try $0.rotate(publicID, to: secret, overlapSeconds: overlapSeconds, at: act.at)
        }
    }

    package func revokeProviderKey(
        _ publicID: String, sparingLastAdmin: Bool, as act: ProviderAct, judge: @escaping Judge,
        then: @escaping Done<ProviderKey>
    ) {
        changeKeys(as: act, judge, then) {
            try $0.revoke(publicID, sparingLastAdmin: sparingLastAdmin, at: act.at)
        }
    }

    private func changeKeys(
        as act: ProviderAct, _ judge: @escaping Judge, _ then: @escaping Done<ProviderKey>,
        _ change: @escaping @Sendable (ProviderKeyTable) throws -> ProviderKey
    ) {
        run(
            writes: true,
            { connection in
                let keys = ProviderKeyTable(connection: connection)
                try judge(keys)
                let key = try change(keys)
                try ProviderLogTable(connection: connection).add(act, tenant: nil, slug: nil)
                return key
            }, then: then)
    }

    package func providerKeys(after id: Int64, limit: Int, then: @escaping Done<[ProviderKey]>) {
        run(writes: false, { try ProviderKeyTable(connection: $0).page(after: id, limit: limit) }, then: then)
    }

    package func providerKey(_ publicID: String, then: @escaping Done<ProviderKey?>) {
        run(writes: false, { try ProviderKeyTable(connection: $0).key(publicID) }, then: then)
    }

    package func saveLastUses(ofProviderKeys uses: [(id: Int64, at: Timestamp)]) {
        write({ try ProviderKeyTable(connection: $0).saveLastUses(uses) }, then: { _ in })
    }

    package func log(
        _ act: ProviderAct, tenant: TenantID?, slug: String?, judge: @escaping Judge, then: @escaping Done<Void>
    ) {
        write(
            { connection in
                try judge(ProviderKeyTable(connection: connection))
                try ProviderLogTable(connection: connection).add(act, tenant: tenant, slug: slug)
            }, then: then)
    }

    package func providerEvents(
        before sequence: Int64, _ filter: ProviderEventFilter, limit: Int,
        then: @escaping Done<ProviderEventStretch>
    ) {
        run(
            writes: false,
            { try ProviderLogTable(connection: $0).stretch(before: sequence, filter, limit: limit) }, then: then)
    }

    package func takeForm(_ hash: Digest, at now: Timestamp, then: @escaping Done<Bool>) {
        run(writes: true, { try RegistryFormTable(connection: $0).take(hash, at: now) }, then: then)
    }

    package func forgetForm(_ hash: Digest) {
        write({ try RegistryFormTable(connection: $0).forget(hash) }, then: { _ in })
    }

    package func signOut(
        _ session: Digest, endingAt end: Timestamp, at now: Timestamp, then: @escaping Done<Void>
    ) {
        write({ try RegistrySignOutTable(connection: $0).add(session, endingAt: end, at: now) }, then: then)
    }

    package func saveUsage(_ save: UsageSave, then: @escaping Done<[(TenantID, MeterMark?)]>) {
        run(
            writes: true,
            { [self] connection in
                let own = try save.filtered(isOwn)
                return try UsageTable(connection: connection).save(own)
            }, then: then)
    }

    package func usage(
        _ selection: UsageSelection, after place: MeterPlace?, limit: Int, then: @escaping Done<[UsageMonth]>
    ) {
        run(
            writes: false, { try UsageTable(connection: $0).page(selection, after: place, limit: limit) }, then: then)
    }
}
