package import Cryptography
import Synchronization

/// A provider key as loops judge by it. Any thread.
package final class ProviderKeyRecord: Sendable {
    package let id: Int64
    package let publicID: String
    package let name: String
    package let role: ProviderRole
    fileprivate let expiresAt: Timestamp?
    private let lastUse: Atomic<Int64>
    private let savedUse: Atomic<Int64>

    init(_ key: ProviderKey) {
        id = key.id
        publicID = key.publicID
        name = key.name
        role = key.role
        expiresAt = key.expiresAt
        lastUse = Atomic(key.lastUsedAt?.milliseconds ?? 0)
        savedUse = Atomic(key.lastUsedAt?.milliseconds ?? 0)
    }

    fileprivate func isStill(_ key: ProviderKey) -> Bool {
        name == key.name && role == key.role && expiresAt == key.expiresAt
    }

    package func used(at now: Timestamp) { lastUse.store(now.milliseconds, ordering: .relaxed) }

    package var lastUsedAt: Timestamp? {
        let at = lastUse.load(ordering: .relaxed)
        return at == 0 ? nil : Timestamp(milliseconds: at)
    }

    /// Its last use, where the registry does not have it yet.
    fileprivate var unsavedUse: Timestamp? {
        let at = lastUse.load(ordering: .relaxed)
        return savedUse.exchange(at, ordering: .relaxed) == at ? nil : Timestamp(milliseconds: at)
    }
}

/// The provider's keys that open something, by the hash of what callers send. It follows the registry's rows before a
/// change is answered. Any thread.
package final class ProviderKeyRing: ProviderKeyRows, Sendable {
    struct Entry: Sendable {
        let key: ProviderKeyRecord
        /// Of a secret that was rotated out with overlap.
        var endsAt: Timestamp?
    }

    private let entries: Mutex<[Digest: Entry]>

    init(_ secrets: [RegistrySnapshot.ProviderSecretRow]) { entries = Mutex(Self.entries(secrets, knowing: [:])) }

    /// What another node changed.
    func replace(with secrets: [RegistrySnapshot.ProviderSecretRow]) {
        entries.withLock { entries in
            let known = Dictionary(entries.values.map { ($0.key.id, $0.key) }, uniquingKeysWith: { first, _ in first })
            entries = Self.entries(secrets, knowing: known)
        }
    }

    /// A record that is the same as before stays: it knows when it was last used.
    private static func entries(
        _ secrets: [RegistrySnapshot.ProviderSecretRow], knowing known: [Int64: ProviderKeyRecord]
    ) -> [Digest: Entry] {
        var records: [Int64: ProviderKeyRecord] = [:]
        var entries: [Digest: Entry] = [:]
        for secret in secrets {
            let before = known[secret.key.id].flatMap { $0.isStill(secret.key) ? $0 : nil }
            let record = records[secret.key.id] ?? before ?? ProviderKeyRecord(secret.key)
            records[secret.key.id] = record
            entries[secret.hash] = Entry(key: record, endsAt: secret.endsAt)
        }
        return entries
    }

    /// The key that this secret opens now; nil for unknown, rotated-out, revoked and expired alike.
    package func key(_ hash: Digest, at now: Timestamp) -> ProviderKeyRecord? {
        guard let entry = entries.withLock({ $0[hash] }) else { return nil }
        let ends = [entry.endsAt, entry.key.expiresAt]
        return ends.contains { $0.map { now >= $0 } ?? false } ? nil : entry.key
    }

    /// For effects outside the registry.
    package func isLive(_ hash: Digest, at now: Timestamp) -> Bool { key(hash, at: now) != nil }

    package var isEmpty: Bool { entries.withLock { $0.isEmpty } }

    func add(_ key: ProviderKey, _ secret: ProviderSecret, replacingAll: Bool) {
        let entry = Entry(key: ProviderKeyRecord(key))
        entries.withLock { entries in
            if replacingAll { entries = [:] }
            entries[secret.hash] = entry
        }
    }

    func rotate(_ key: ProviderKey, to secret: ProviderSecret, endingAt end: Timestamp?) {
        entries.withLock { entries in
            let old = entries.filter { $0.value.key.id == key.id }
            let record = old.first?.value.key ?? ProviderKeyRecord(key)
            for (hash, entry) in old {
                // One that a rotation before this left is dead.
                if let end, entry.endsAt == nil {
                    entries[hash]?.endsAt = end
                } else {
                    entries[hash] = nil
                }
            }
            entries[secret.hash] = Entry(key: record)
        }
    }

    func remove(_ key: ProviderKey) {
        entries.withLock { entries in entries = entries.filter { $0.value.key.id != key.id } }
    }

    /// When a key was last used, as memory knows it; nil where it opens nothing.
    package func lastUse(of key: Int64) -> Timestamp? {
        entries.withLock { $0.values.first { $0.key.id == key }?.key.lastUsedAt }
    }

    var unsavedUses: [(id: Int64, at: Timestamp)] {
        let records = entries.withLock { entries in
            Dictionary(entries.values.map { ($0.key.id, $0.key) }, uniquingKeysWith: { first, _ in first })
        }
        return records.values.compactMap { record in record.unsavedUse.map { (record.id, $0) } }
    }
}
