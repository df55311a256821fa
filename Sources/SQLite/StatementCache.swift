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
    var isFull: Bool { statements.count >= capacity }

    mutating func find(_ key: Key) -> PreparedStatement? {
        guard let statement = statements[key] else { return nil }
        note(statement)
        return statement
    }

    /// It is used now, however it was found.
    mutating func note(_ statement: PreparedStatement) {
        uses &+= 1
        statement.lastUse = uses
    }

    mutating func insert(_ statement: PreparedStatement, for key: Key) {
        if isFull { evict() }
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

/// The statements that were found last, by the addresses of their texts: looking there costs a tenth of a dictionary.
/// Owned by one Connection, on its thread.
///
/// Invariant: it holds only statements that its `StatementCache` has.
struct RecentStatements {
    private static let slotsLog2 = 7

    private var slots = [(address: UnsafePointer<UInt8>?, statement: PreparedStatement?)](
        repeating: (nil, nil), count: 1 << slotsLog2)

    private static func slot(_ address: UnsafePointer<UInt8>) -> Int {
        // Fibonacci hashing: the upper bits of the product are spread well.
        Int((UInt64(UInt(bitPattern: address)) &* 0x9E37_79B9_7F4A_7C15) >> UInt64(64 - slotsLog2))
    }

    func find(_ address: UnsafePointer<UInt8>) -> PreparedStatement? {
        let slot = slots[Self.slot(address)]
        return slot.address == address ? slot.statement : nil
    }

    mutating func insert(_ statement: PreparedStatement, for address: UnsafePointer<UInt8>) {
        slots[Self.slot(address)] = (address, statement)
    }

    mutating func removeAll() {
        for index in slots.indices { slots[index] = (nil, nil) }
    }
}
