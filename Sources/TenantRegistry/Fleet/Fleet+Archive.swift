import Synchronization

/// A tenant's file as its archive keeps it: one consistent, signed copy, and where it stands in the node's log.
package struct TenantSnapshot: Sendable {
    /// Belongs to whoever is given it.
    package let path: String
    /// Everything of the tenant in the log up to here is in it, and nothing behind.
    package let lsn: UInt64
    package let head: AuditHead
}

/// What an archive needs of the fleet (B3).
extension Fleet {
    /// The node's log; nil: each file has its own.
    package var nodeLog: NodeLog? { log }

    /// A signed copy of the file, made beside its work; it is given once all of it is durable. `noted` is called on the
    /// tenant's lane at its last step.
    package func snapshot(
        _ record: TenantRecord, noted: @escaping @Sendable () -> Void = {},
        then: @escaping @Sendable (Result<TenantSnapshot, any Error>) -> Void
    ) {
        guard let log else { return then(.failure(LaneFailure.closed)) }
        let place = Mutex<UInt64>(0)
        export(
            record, on: copies,
            copied: {
                // First: whatever others ship meanwhile, what is noted lies at or before the end as it is then.
                noted()
                // Its commits from now on end behind this.
                place.withLock { $0 = log.end }
            }
        ) { result in
            guard case .success(let path) = result, let head = ExportSeal.read(path)?.head else {
                return then(result.flatMap { _ in .failure(LaneFailure.notCommitted) })
            }
            let lsn = place.withLock { $0 }
            log.whenDurable(lsn) { outcome in
                guard outcome == .durable else {
                    DataDirectory.remove(path)
                    return then(.failure(LaneFailure.notCommitted))
                }
                then(.success(TenantSnapshot(path: path, lsn: lsn, head: head)))
            }
        }
    }
}
