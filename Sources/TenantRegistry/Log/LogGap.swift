/// A stretch of the log that was durable once and cannot be read any more: lost to the disk, not to a crash.
///
/// Whose records stood in it is known where the tenants' sequences say so. Under the log's lock.
package struct LogGap: Sendable, Equatable {
    package let from: UInt64
    package let to: UInt64
    /// Any tenant may have had records in it, but those of `spared`.
    let isOpen: Bool
    /// These have lost a record.
    var lost: Set<TenantID>
    /// Their sequences go on behind it as they ended before it.
    var spared: Set<TenantID> = []
    /// With a record behind it.
    private var seen: Set<TenantID> = []

    init(from: UInt64, to: UInt64, isOpen: Bool, lost: Set<TenantID> = []) {
        (self.from, self.to, self.isOpen, self.lost) = (from, to, isOpen, lost)
    }

    /// Whether a tenant whose file has everything up to `mark` has all of its records.
    func spares(_ tenant: TenantID, mark: UInt64) -> Bool {
        if mark >= to { return true }
        if lost.contains(tenant) { return false }
        return !isOpen || spared.contains(tenant)
    }

    /// The tenant's first record behind the gap: it tells whether one stood in it.
    mutating func see(_ tenant: TenantID, sequence: UInt64, after last: UInt64, begins: Bool) {
        guard isOpen, seen.insert(tenant).inserted else { return }
        if begins || last != 0 && sequence == last + 1 {
            spared.insert(tenant)
        } else if last != 0 {
            lost.insert(tenant)
        }
    }
}

/// Why a folder cannot be opened as a log.
package enum LogFailure: Error, CustomStringConvertible {
    /// Segments of two logs.
    case foreign(String)
    case disk(LogDiskError)

    package var description: String {
        switch self {
        case .foreign(let path): "\(path) is of another log than the segments beside it: put it back where it came from"
        case .disk(let error): "the log cannot be opened: \(error)"
        }
    }
}
