import CSQLite

/// One prepared statement. Owned by its Connection, on that one's thread.
final class PreparedStatement {
    let handle: OpaquePointer
    /// Whether it goes back to a cache after use; one that does not is finalised.
    var isCached: Bool
    var isBusy = true
    var lastUse: UInt64 = 0

    init(handle: OpaquePointer, isCached: Bool) {
        self.handle = handle
        self.isCached = isCached
    }

    func endUse() {
        if isCached { isBusy = false } else { sqlite3_finalize(handle) }
    }
}

/// Prepared statements by key, bounded; the one unused for longest goes first. Owned by one Connection, on its thread.
///
/// Invariant: a statement that is busy is never finalised; one that is not is reset and has no bindings.
struct StatementCache<Key: Hashable> {
    let capacity: Int
    private var statements: [Key: PreparedStatement] = [:]
    private var uses: UInt64 = 0

    init(capacity: Int) { self.capacity = capacity }

    var count: Int { statements.count }

    mutating func find(_ key: Key) -> PreparedStatement? {
        guard let statement = statements[key] else { return nil }
        uses &+= 1
        statement.lastUse = uses
        return statement
    }

    mutating func insert(_ statement: PreparedStatement, for key: Key) {
        if statements.count >= capacity { evict() }
        uses &+= 1
        statement.lastUse = uses
        statements[key] = statement
    }

    /// A statement that is busy is finalised when its use ends.
    mutating func removeAll() {
        for statement in statements.values {
            if statement.isBusy { statement.isCached = false } else { sqlite3_finalize(statement.handle) }
        }
        statements.removeAll()
    }

    private mutating func evict() {
        let idle = statements.lazy.filter { !$0.value.isBusy }
        guard let oldest = idle.min(by: { $0.value.lastUse < $1.value.lastUse }) else { return }
        sqlite3_finalize(oldest.value.handle)
        statements[oldest.key] = nil
    }
}
