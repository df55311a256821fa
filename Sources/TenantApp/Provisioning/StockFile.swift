import CallKit
import HTTPCore
import TenantRegistry

/// Stock on its way in (O4): CSV with the one column `item`, what each order takes one of: a key, a login, a link. Read
/// a chunk at a time. A value: one thread at a time.
struct StockFile: Sendable {
    private static let shape = TableShape("a stock file", [.required("item")])
    static let itemCharactersMax = 2_000

    struct Row: Sendable {
        let line: Int
        let item: String
    }

    private var rows: TableRows

    init(_ body: [UInt8]) { rows = TableRows(body, Self.shape) }

    var isAtEnd: Bool { rows.isAtEnd }

    /// The next rows, at most `rowsMax`; none at the end. Faults of the rest join `errors`; false where what
    /// follows cannot be read at all.
    mutating func next(_ rowsMax: Int, errors: inout [FieldError], into read: inout [Row]) -> Bool {
        for _ in 0..<rowsMax {
            guard let row = rows.next(errors: &errors) else { break }
            var fields = FieldReader(row.json, at: "/line/\(row.line)", refusesUnknown: true)
            let item = fields.string("item", characters: 1...Self.itemCharactersMax)
            errors += fields.errors
            if let item { read.append(Row(line: row.line, item: item)) }
        }
        return rows.isReadable
    }
}
