import Glibc
import SQLite

/// When files are to be asked for what falls due, from one process to the next (0030).
extension Fleet {
    /// At start, for each tenant.
    func takeDue(_ known: RegisteredDue, of record: TenantRecord) {
        switch known {
        case .known(let at): due.restore(record, at)
        case .unknown: due.look(at: record)
        }
    }

    /// A crash may have come between a commit and the registry's row. Files that had work in their WAL, or changed
    /// about when the registry last did, are asked. Looks at each file's times: not on a loop.
    package func lookAtSuspects() { for record in suspects { due.look(at: record) } }

    /// Tenants whose files may say more than the registry knows; none after a stop in order.
    var suspects: [TenantRecord] {
        guard let since = dueSuspectSince else { return [] }
        return roster.allTenants.filter { record in
            // What was committed last may be in the nodes' log alone; another's files are another's to ask.
            if cluster != nil { return isServedHere(record.id) }
            let path = data.tenantPath(record.id)
            let hasWAL = DataDirectory.size(of: path + "-wal") ?? 0 > 0
            return hasWAL || suspectsOfLog.contains(record.id)
                || Self.lastChange(of: path) >= since - Self.suspectMarginSeconds
        }
    }

    /// The registry is written each second where it has anything to learn, and each minute in any case.
    private static let suspectMarginSeconds = 120

    /// Of a file, its WAL or what is packed, in seconds of the disk's clock; 0 where there is none.
    static func lastChange(of path: String) -> Int {
        [path, path + "-wal", path + PackedFile.suffix].map { path in
            var status = stat()
            return stat(path, &status) == 0 ? status.st_mtim.tv_sec : 0
        }.max() ?? 0
    }

    /// Has the registry follow. Each second, and at the end.
    package func saveDue(isWhole: Bool = false, then: @escaping @Sendable () -> Void = {}) {
        let rows = due.takeUnsaved()
        guard !rows.isEmpty || isWhole else { return then() }
        registry.saveDue(rows.map { ($0.record.id, $0.hour.time) }, isWhole: isWhole) { [due, report] result in
            if case .failure(let error) = result {
                report("registry: what falls due: \(error)")
                due.didSave(rows, false)
            } else {
                due.didSave(rows, true)
            }
            then()
        }
    }

    /// What a file says of when it is to be asked. On its lane.
    package func dueTimes(_ record: TenantRecord, _ tenant: TenantReader) -> DueTimes {
        schema.due.times(tenant) { [report] error, kind in
            report("tenant \(record.id.text): what falls due (\(kind.name)): \(error)")
        }
    }
}

extension DueHour {
    /// Nil: never.
    var time: Timestamp? { isNever ? nil : Timestamp(milliseconds: milliseconds) }
}
