/// Tenants as they were at a moment, out of what the nodes share (B2).
extension Fleet {
    /// A signed copy of a tenant's file as it was then: of a snapshot from before, and the records from there up to the
    /// moment. Any node could make it. `then` owns the file.
    func copyFromLog(
        _ record: TenantRecord, _ cluster: ClusterMember, at moment: Timestamp,
        _ then: @escaping @Sendable (Result<String, any Error>) -> Void
    ) {
        makeCopy(of: record, then) { path in
            let place = try Self.place(of: record.id, at: moment, in: cluster.log)
            let file = SharedFile(path: path, tenant: record.id, key: record.secretKey)
            defer { for suffix in SharedFile.suffixes { DataDirectory.remove(path + suffix) } }
            try cluster.readingAside.withLock { _ in try file.fetch(upTo: place, from: cluster.log) }
        }
    }

    /// Up to where its history had come by then.
    private static func place(
        of tenant: TenantID, at moment: Timestamp, in log: any SharedLog
    ) throws -> SharedPlace {
        switch try log.past(of: tenant, at: moment) {
        case .upTo(let place): return place
        case .begins(let begin): throw PastFailure.before(begin)
        case .ahead: throw PastFailure.ahead
        case .leapt: throw PastFailure.leapt
        }
    }
}
