/// Where one of a tenant's records stands: from its first frame to the end of its last.
struct LogPosition: Equatable {
    let start: UInt64
    let end: UInt64
}

/// What the log remembers of a tenant. Under the log's lock.
struct LogTail {
    let tenant: TenantID
    /// Records behind the mark, oldest first.
    var positions: [LogPosition] = []
    /// Of the last record; 0: the log knows of none.
    var sequence: UInt64 = 0
    /// Up to here the tenant's file has everything; 0: not known.
    var mark: UInt64 = 0
    /// The tenant's slot in the index of the segment of this number.
    var slot: Int32 = 0
    var slotSegment: UInt64 = 0
}

/// The tails of all tenants that the log knows of. Under the log's lock.
struct LogTails {
    private var numbers: [TenantID: Int] = [:]
    private(set) var all: [LogTail] = []

    /// Where in `all` the tenant stands, which is so as long as the log is open.
    mutating func number(of tenant: TenantID) -> Int {
        if let known = numbers[tenant] { return known }
        numbers[tenant] = all.count
        all.append(LogTail(tenant: tenant))
        return all.count - 1
    }

    subscript(_ number: Int) -> LogTail {
        _read { yield all[number] }
        _modify { yield &all[number] }
    }

    /// The tenant's file has everything up to here. Gives the records that no longer wait.
    @discardableResult
    mutating func mark(_ number: Int, _ lsn: UInt64) -> [LogPosition] {
        guard lsn > all[number].mark else { return [] }
        all[number].mark = lsn
        let done = Array(all[number].positions.prefix { $0.end <= lsn })
        all[number].positions.removeFirst(done.count)
        return done
    }

    func tail(of tenant: TenantID) -> LogTail? { numbers[tenant].map { all[$0] } }
}

extension TenantID {
    /// No tenant: a mark under it is the floor, up to which every file has everything.
    static let all = TenantID(high: 0, low: 0)
}
