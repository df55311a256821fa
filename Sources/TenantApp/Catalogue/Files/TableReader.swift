import CallKit
package import HTTPCore

/// Which columns a table that comes in has, and what they hold.
package struct TableShape: Sendable {
    package enum Kind: Sendable {
        /// Somebody's own text.
        case text
        /// A decimal number or a time, as a text.
        case value
        case integer
        /// `true` or `false` in any case: spreadsheets write capitals.
        case flag
    }

    package struct Column: Sendable {
        let name: String
        let kind: Kind
        let isRequired: Bool

        package static func required(_ name: String, _ kind: Kind = .text) -> Column {
            Column(name: name, kind: kind, isRequired: true)
        }

        package static func optional(_ name: String, _ kind: Kind = .text) -> Column {
            Column(name: name, kind: kind, isRequired: false)
        }
    }

    /// What the table is, say `a price book`.
    let noun: String
    let columns: [Column]
    /// The table must have one of these at least.
    let oneOf: [String]
    /// Columns of other names are the sender's own affair, and so is whether a row goes on to the last of them.
    let ignoresOthers: Bool

    /// Of its columns; the members of a row in JSON have them too.
    package var names: [String] { columns.map(\.name) }

    package init(_ noun: String, _ columns: [Column], oneOf: [String] = [], ignoresOthers: Bool = false) {
        self.noun = noun
        self.columns = columns
        self.oneOf = oneOf
        self.ignoresOthers = ignoresOthers
    }
}

/// A row by the names of its columns. An empty field is null; a column that the file does not have is left out.
package struct TableRow: Sendable {
    package let line: Int
    package let members: [JSONMember]

    package var json: JSON { .object(members) }
}

/// Reads a table that comes in as CSV, piece by piece: a header row with the columns in any order, then the rows. Rows
/// whose fields are all blank are skipped, and so are blank fields behind the last column: spreadsheets write both.
///
/// Invariant: as `CSVReader`. A value: one thread at a time.
package struct TableReader: Sendable {
    private let shape: TableShape
    private var csv = CSVReader()
    /// Where each column stands, once the header is read.
    private var places: [(column: TableShape.Column, place: Int)]?
    private var width = 0
    /// Nothing that follows can be read.
    package private(set) var isBroken = false

    package init(_ shape: TableShape) { self.shape = shape }

    /// The columns that the file has.
    package var columns: [String] { places?.map(\.column.name) ?? [] }

    /// The rows that this piece completes; what is wrong with others joins `errors`.
    package mutating func feed(_ piece: some Sequence<UInt8>, errors: inout [FieldError]) -> [TableRow] {
        if isBroken { return [] }
        var rows: [CSVRow] = []
        var fault: CSVError?
        do throws(CSVError) { try csv.feed(piece, into: &rows) } catch { fault = error }
        let read = take(rows, &errors)
        // What follows a broken quote cannot be told into rows.
        if let fault { fail(fault.fieldError, &errors) }
        return read
    }

    /// The last row, where the file does not end in a line end.
    package mutating func finish(errors: inout [FieldError]) -> [TableRow] {
        if isBroken { return [] }
        var read: [TableRow] = []
        do throws(CSVError) {
            if let last = try csv.finish() { read = take([last], &errors) }
        } catch {
            fail(error.fieldError, &errors)
        }
        if places == nil { fail(.inLine(1, nil, "required", "must be the header row"), &errors) }
        return read
    }

    private mutating func fail(_ error: FieldError, _ errors: inout [FieldError]) {
        if isBroken { return }
        errors.append(error)
        isBroken = true
    }

    private mutating func take(_ rows: [CSVRow], _ errors: inout [FieldError]) -> [TableRow] {
        var read: [TableRow] = []
        for row in rows where !isBroken && !row.fields.allSatisfy(Self.isBlank) {
            if let places {
                if let row = self.row(row, places, &errors) { read.append(row) }
            } else {
                readHeader(row, &errors)
            }
        }
        return read
    }

    private static func isBlank(_ field: String) -> Bool { field.utf8.allSatisfy { $0 == 0x20 || $0 == 0x09 } }

    private mutating func readHeader(_ row: CSVRow, _ errors: inout [FieldError]) {
        var found: [(column: TableShape.Column, place: Int)] = []
        let before = errors.count
        width = (row.fields.lastIndex { !Self.isBlank($0) } ?? 0) + 1
        for (place, name) in row.fields.prefix(width).enumerated() {
            guard let column = shape.columns.first(where: { $0.name == name }) else {
                if shape.ignoresOthers { continue }
                errors.append(
                    .inLine(row.line, name.quoted, "unknown_column", "is not a column of \(shape.noun)"))
                continue
            }
            if found.contains(where: { $0.column.name == name }) {
                errors.append(.inLine(row.line, name, "duplicate_column", "stands twice"))
            } else {
                found.append((column, place))
            }
        }
        let names = Set(found.map(\.column.name))
        for column in shape.columns where column.isRequired && !names.contains(column.name) {
            errors.append(.inLine(row.line, column.name, "required", "the column is missing"))
        }
        if !shape.oneOf.isEmpty, names.isDisjoint(with: shape.oneOf) {
            let list = shape.oneOf.joined(separator: ", ")
            errors.append(.inLine(row.line, nil, "required", "needs at least one of the columns \(list)"))
        }
        places = found
        isBroken = errors.count > before
    }

    private func row(
        _ row: CSVRow, _ places: [(column: TableShape.Column, place: Int)], _ errors: inout [FieldError]
    ) -> TableRow? {
        let fields = row.fields
        // More than the header names are an amount like 25,50 in two pieces.
        guard fields.count >= width || shape.ignoresOthers, fields.dropFirst(width).allSatisfy(Self.isBlank) else {
            errors.append(.inLine(row.line, nil, "count", "has \(fields.count) fields, the header has \(width)"))
            return nil
        }
        let members = places.map { column, place in
            JSONMember(name: column.name, value: place < fields.count ? Self.json(fields[place], column.kind) : .null)
        }
        return TableRow(line: row.line, members: members)
    }

    /// The rules of the JSON body are the rules of the file: what is no number and no flag is refused as a text.
    private static func json(_ field: String, _ kind: TableShape.Kind) -> JSON {
        if field.isEmpty { return .null }
        switch kind {
        case .text: return .string(CSVCell.withoutGuard(field))
        case .value: return .string(field)
        case .integer: return JSONNumber(plain: field).map { .number($0) } ?? .string(field)
        case .flag:
            let word = field.lowercased()
            return word == "true" ? .bool(true) : word == "false" ? .bool(false) : .string(field)
        }
    }
}
