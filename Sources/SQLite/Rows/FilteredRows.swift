/// A list in the order of its rows' ids, by filters that no index serves. One read looks at a bounded number of rows,
/// whatever they hold, and says where the next one goes on: a list that finds little is short, and goes on (decision
/// 0044). A value: one thread.
package struct FilteredRows {
    /// So many rows are looked at in one read: well under a lane's 5 ms.
    package static let lookedAtMax = 1_000

    private let table: String
    /// What stands beside each row.
    private let joined: String
    /// The table's, as rules call it.
    private let id: String
    /// Of the rows that are looked at.
    private let bounds: [String]
    private let boundValues: [SQLValue]
    /// Of those of them that are found.
    private var rules: [String] = []
    private var values: [SQLValue]

    /// `table`: with the name that rules call it by, say `api_key k`. Only rows behind that of the id `place` are
    /// looked at, and only those of the owner, a column that has an index, of which `piece` is true, the condition of
    /// that index. `joining`: tables that each row stands once with, say `CROSS JOIN product p ON p.id = l.product_id`.
    package init(
        of table: String, joining joined: String = "", behind place: Int64,
        along owner: (column: String, value: SQLValue)? = nil, where piece: String? = nil
    ) {
        (self.table, self.joined) = (table, joined)
        id = "\(table.split(separator: " ").last ?? "").id"
        bounds = ["\(id) > ?1"] + [owner.map { "\($0.column) = ?2" }, piece].compactMap { $0 }
        boundValues = [.integer(place)] + (owner.map { [$0.value] } ?? [])
        values = boundValues
    }

    /// What stands for the value in a rule.
    package mutating func bind(_ value: SQLValue) -> String {
        values.append(value)
        return "?\(values.count)"
    }

    /// Only rows are found of which this is true: fixed pieces, and what `bind` gave.
    package mutating func expect(_ rule: String) { rules.append(rule) }

    /// What `read` makes of each row, `limit` at most; nil: it is not meant after all. `next`: the id behind which the
    /// list goes on; nil at its end.
    package func page<Row>(
        _ connection: Connection, _ columns: String, limit: Int, read: (inout RowReader) throws -> Row?
    ) throws -> (rows: [Row], next: Int64?) {
        let bound = bounds.joined(separator: " AND ")
        let beyond = try connection.row(
            dynamic: "SELECT \(id) FROM \(table) WHERE \(bound) ORDER BY \(id) LIMIT 1 OFFSET \(Self.lookedAtMax)",
            boundValues
        ) { try $0.int() }
        let end = beyond ?? .max
        let expected = (["\(id) < ?\(values.count + 1)", bound] + rules).joined(separator: " AND ")
        var (rows, last, next) = ([Row](), Int64?.none, beyond.map { $0 - 1 })
        try connection.forEach(
            dynamic: "SELECT \(id), \(columns) FROM \(table) \(joined) WHERE \(expected) ORDER BY \(id)",
            values + [.integer(end)]
        ) { reader in
            let id = try reader.int()
            guard let row = try read(&reader) else { return true }
            // One more than is given: whether there are more shows by it.
            if rows.count == limit {
                next = last
                return false
            }
            rows.append(row)
            last = id
            return true
        }
        return (rows, next)
    }
}
