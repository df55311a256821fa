import CallKit
import SQLite
import TenantRegistry

/// Every CHECK of the schema holds for every row. SQLite ignores the CHECKs of a file that it may not write, so its own
/// integrity check passes over them here.
enum ConstraintCheck {
    /// Tables that have one row, always.
    private static let neverEmpty: Set = ["product_revision", "usage_mark"]

    /// Asks the rules of this program's schema, and those of no table that was altered: what a foreign file calls a
    /// rule is run by nobody. A row that another check has named is not told again.
    static func run(_ file: inout VerifiedFile) throws {
        for (table, rules) in try SchemaComparison.rules(of: file) {
            try check(rules, of: RowShape(of: table, in: file.connection), &file)
            guard neverEmpty.contains(table) else { continue }
            let row = try file.connection.row(dynamic: "SELECT 1 FROM \(table)") { _ in true }
            if row == nil { file.report.add(.structure, table, nil, "Its one row is missing.") }
        }
    }

    private static func check(_ rules: [String], of shape: RowShape, _ file: inout VerifiedFile) throws {
        // A rule that comes to NULL holds.
        let broken = rules.enumerated().map { "WHEN NOT \($1) THEN \($0)" }.joined(separator: " ")
        let list = shape.key.joined(separator: ", ") + ", CASE \(broken) END"
        let isBroken = rules.map { "NOT \($0)" }.joined(separator: " OR ")
        let connection = file.connection
        var left = VerificationReport.findingsMax
        try connection.forEach(dynamic: "SELECT \(list) FROM \(shape.table) WHERE \(isBroken)") { row in
            var key: [UInt8] = []
            row.canonical(shape.key.count, into: &key)
            let number = try row.int()
            let (id, place) = VouchedStateWalk.place(shape, key)
            let isNamed = id != nil && file.report.findings.contains { $0.table == shape.table && $0.row == id }
            if isNamed { return true }
            let rule = rules[Int(number)].split(whereSeparator: \.isWhitespace).joined(separator: " ")
            file.report.add(.structure, shape.table, id, "\(place)It breaks a rule of its table: CHECK \(rule).")
            left -= 1
            return left > 0
        }
    }
}

/// The CHECKs in the text of a CREATE TABLE.
enum CheckClauses {
    /// Each with its parentheses, in the order in which they stand. Strings, quoted names and comments are passed over.
    /// For texts of this program's own schema: one that does not end where it should has no more.
    static func of(_ sql: String) -> [String] {
        var clauses: [String] = []
        var rest = Substring(sql)
        var isAwaited = false
        while let piece = next(&rest) {
            if isAwaited, piece == "(" {
                guard let end = close(of: rest) else { return clauses }
                clauses.append("(" + rest[..<end])
                rest = rest[end...]
                isAwaited = false
            } else if !isBlank(piece) {
                isAwaited = piece == "CHECK"
            }
        }
        return clauses
    }

    /// Behind the parenthesis that closes the one before `text`.
    private static func close(of text: Substring) -> Substring.Index? {
        var rest = text
        var depth = 1
        while let piece = next(&rest) {
            if piece == "(" { depth += 1 }
            if piece == ")" { depth -= 1 }
            if depth == 0 { return rest.startIndex }
        }
        return nil
    }

    private static func isBlank(_ piece: Substring) -> Bool {
        piece.first?.isWhitespace == true || piece.hasPrefix("--")
    }

    /// The next word, quoted text, comment up to its line's end, or single character.
    private static func next(_ rest: inout Substring) -> Substring? {
        guard let first = rest.first else { return nil }
        let end: Substring.Index
        if first == "'" || first == "\"" {
            // A quote that stands twice is two texts in a row, which comes to the same.
            let close = rest.dropFirst().firstIndex(of: first)
            end = close.map { rest.index(after: $0) } ?? rest.endIndex
        } else if rest.hasPrefix("--") {
            end = rest.firstIndex(of: "\n") ?? rest.endIndex
        } else if isOfWord(first) {
            end = rest.firstIndex { !isOfWord($0) } ?? rest.endIndex
        } else {
            end = rest.index(after: rest.startIndex)
        }
        defer { rest = rest[end...] }
        return rest[..<end]
    }

    private static func isOfWord(_ character: Character) -> Bool {
        character.isLetter || character.isNumber || character == "_"
    }
}
