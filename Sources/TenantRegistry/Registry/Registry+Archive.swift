import SQLite
import Synchronization

/// What became of rows of the registry since it was last asked.
package struct RegistryChanges: Sendable {
    /// Another number than last time: some were missed, and a copy has to be made anew.
    package let recording: Int
    /// `Registry.used` as it was then.
    package let used: UInt64
    package let bytes: [UInt8]
}

/// The registry on its way to an archive (B3).
extension SQLiteRegistry {
    /// From the first call on everything is noted. What is given is durable.
    package func takeChanges(then: @escaping Done<RegistryChanges>) {
        lane.exclusively(
            { [self] control in
                do {
                    let store = try control.file()
                    let recorder = try store.recorder ?? store.record()
                    let bytes = try recorder.take()
                    then(.success(RegistryChanges(recording: store.recording, used: used, bytes: bytes)))
                } catch {
                    then(.failure(error))
                }
            }, orElse: { then(.failure($0)) })
    }

    /// It moves with every job: where it has not, nothing changed.
    package var used: UInt64 { lane.lastUsed.load(ordering: .relaxed) }

    /// A tenant's two keys, wrapped; nil where there is no such tenant.
    package func wrappedKeys(of tenant: TenantID, then: @escaping Done<WrappedKeys?>) {
        run(
            writes: false,
            { connection in
                try connection.row(
                    "SELECT wrapped_secret_key, wrapped_signing_key FROM tenant_key WHERE tenant_id = ?1",
                    .blob(tenant.bytes)
                ) { try WrappedKeys(secret: $0.blob(), signing: $0.blob()) }
            }, then: then)
    }
}
