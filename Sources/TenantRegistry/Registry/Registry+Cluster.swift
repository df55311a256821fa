import SQLite

/// The registry that the nodes of a cluster have in common (N5).
extension SQLiteRegistry {
    /// Where another node's commit comes between, once more: what an opening commits is little.
    static func open(
        _ path: String, _ metrics: LaneMetrics, _ shared: SharedRegistry?
    ) throws -> RegistryStore {
        for _ in 0..<openingsMax {
            let conflicts = shared?.conflicts.load(ordering: .relaxed)
            do {
                return try RegistryStore(path: path, metrics: metrics, shared: shared)
            } catch {
                if conflicts == shared?.conflicts.load(ordering: .relaxed) { throw error }
            }
        }
        throw LaneFailure.logUnavailable
    }

    private static let openingsMax = 100

    /// Whether what this node says of the tenant's file still holds: judged within the job, which may run long after it
    /// was queued, and again where another node's commit came first. One whose node wakes from a freeze finds its lease
    /// over. What slips through between this look and the append is older than what the tenant's next node writes, or
    /// asks of the file; what adds up (`MeterSave`) is judged by the row itself.
    func isOwn(_ tenant: TenantID) throws -> Bool { try shared?.isOwn(tenant) ?? true }

    /// The same for what is to be told again where it does not hold.
    func requireOwn(_ tenant: TenantID) throws {
        guard try isOwn(tenant) else { throw LaneFailure.moved }
    }

    /// Up to where this node's copy goes.
    var sequence: UInt64 { shared?.sequence ?? 0 }

    /// Follows what others have committed. Before `then` everything is told that was in the log when this was called.
    func catchUp(then: @escaping @Sendable (Result<Void, any Error>) -> Void) {
        lane.exclusively(
            { control in
                control.closeFile()
                then(Result { _ = try control.file() })
            }, orElse: { then(.failure($0)) })
    }

    /// Puts the file as it is now beside itself, and gives where in its history that is.
    func copyForSnapshot(then: @escaping Done<(SharedPlace, any SharedStream)>) {
        lane.exclusively(
            { [shared] control in
                then(
                    Result {
                        guard let shared, let stream = try control.file().stream else { throw LaneFailure.closed }
                        control.closeFile()
                        guard let place = shared.file.mark, place == stream.settled else {
                            throw LaneFailure.notCommitted
                        }
                        try shared.file.copyAside()
                        return (place, stream)
                    })
            }, orElse: { then(.failure($0)) })
    }

    /// What it says of these tenants; nil of one that it does not know.
    func tenants(
        _ ids: [TenantID], then: @escaping Done<[(TenantID, RegistrySnapshot.Tenant?)]>
    ) {
        run(
            writes: false,
            { connection in
                try ids.map { ($0, try RegistryReading.tenant($0, in: connection)?.row) }
            }, then: then)
    }
}
