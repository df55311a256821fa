import CSQLite

/// Notes which rows of some tables are written on a connection, whoever writes them, by SQLite's own hook. What they
/// say is read afterwards, so that a row that was written and taken back again says what it said before.
///
/// On the connection's thread. It lives as long as the connection, which it outlives by nothing.
package final class RowWatch {
    /// One row, by its table's place among the watched ones and its key as `CanonicalValue` writes it.
    package struct Row: Hashable {
        package let table: Int
        package let key: [UInt8]
    }

    /// In the order in which they were first written, each once.
    package private(set) var written: [Row] = []
    private var known: Set<Row> = []
    private let places: [String: Int]
    private let keyCounts: [Int32]
    private let hasRowID: [Bool]
    private let connection: Connection
    private let hook = UnsafeMutablePointer<tollgate_row_watch>.allocate(capacity: 1)

    package init(_ connection: Connection, _ shapes: [RowShape]) {
        self.connection = connection
        places = Dictionary(uniqueKeysWithValues: shapes.enumerated().map { ($1.table, $0) })
        keyCounts = shapes.map { Int32($0.key.count) }
        hasRowID = shapes.map(\.hasRowID)
        hook.initialize(to: tollgate_row_watch())
        withUnsafeMutableBytes(of: &hook.pointee.slots) { slots in
            for shape in shapes { slots[Int(tollgate_row_slot(shape.table))] = 1 }
        }
        hook.pointee.context = Unmanaged.passUnretained(self).toOpaque()
        hook.pointee.written = { context, database, operation, table, before, after in
            guard let context, let table else { return }
            Unmanaged<RowWatch>.fromOpaque(context).takeUnretainedValue()
                .note(database, operation, String(cString: table), before, after)
        }
        tollgate_watch_rows(connection.database, hook)
    }

    deinit {
        if let database = connection.database { tollgate_watch_rows(database, nil) }
        hook.deallocate()
    }

    /// Forgets what was written since there were so many; whoever calls it has undone that.
    package func forget(from count: Int = 0) {
        guard written.count > count else { return }
        if count == 0 {
            known.removeAll(keepingCapacity: true)
        } else {
            for row in written[count...] { known.remove(row) }
        }
        written.removeSubrange(count...)
    }

    private func note(
        _ database: OpaquePointer?, _ operation: Int32, _ table: String, _ before: Int64, _ after: Int64
    ) {
        guard let place = places[table] else { return }
        if operation != SQLITE_INSERT { note(place, rowID: before) { sqlite3_preupdate_old(database, $0, &$1) } }
        if operation != SQLITE_DELETE { note(place, rowID: after) { sqlite3_preupdate_new(database, $0, &$1) } }
    }

    private func note(_ place: Int, rowID: Int64, _ column: (Int32, inout OpaquePointer?) -> Int32) {
        var key: [UInt8] = []
        if hasRowID[place] {
            CanonicalValue.append(.integer(rowID), to: &key)
        } else {
            for index in 0..<keyCounts[place] {
                var value: OpaquePointer?
                let status = column(index, &value)
                precondition(status == SQLITE_OK, "a watched row's key cannot be read")
                CanonicalValue.append(of: value, to: &key)
            }
        }
        let row = Row(table: place, key: key)
        if known.insert(row).inserted { written.append(row) }
    }
}

extension CanonicalValue {
    /// A value where SQLite keeps it.
    static func append(of value: OpaquePointer?, to bytes: inout [UInt8]) {
        switch sqlite3_value_type(value) {
        case SQLITE_INTEGER: append(.integer(sqlite3_value_int64(value)), to: &bytes)
        case SQLITE_FLOAT: append(.real(sqlite3_value_double(value)), to: &bytes)
        case SQLITE_TEXT:
            let start = sqlite3_value_text(value)
            append(text: UnsafeRawBufferPointer(start: start, count: Int(sqlite3_value_bytes(value))), to: &bytes)
        case SQLITE_BLOB:
            let start = sqlite3_value_blob(value)
            append(blob: UnsafeRawBufferPointer(start: start, count: Int(sqlite3_value_bytes(value))), to: &bytes)
        default: append(.null, to: &bytes)
        }
    }
}

extension RowReader {
    /// The next columns as `CanonicalValue` writes them.
    package mutating func canonical(_ columns: Int, into bytes: inout [UInt8]) {
        for _ in 0..<columns { CanonicalValue.append(of: next(), to: &bytes) }
    }

    /// All columns that are left.
    package mutating func canonicalRest(into bytes: inout [UInt8]) { canonical(columnsLeft, into: &bytes) }
}
