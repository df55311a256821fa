import CallKit
package import HTTPCore
import TenantRegistry

/// A reseller's ledger as it comes in, piece by piece: CSV with a header row, or JSON Lines (O8) with `external_ref`,
/// `kind`, `amount` and `at`; other columns and members are its own affair.
///
/// Invariant: it holds at most one line and `errorsMax` errors. A value: one thread at a time.
package struct LedgerFile: Sendable {
    package static let columns = ["external_ref", "kind", "amount", "at"]
    package static let errorsMax = 100
    /// Of JSON Lines; a row of CSV is bounded by its fields.
    package static let lineBytesMax = 64 << 10

    private enum Source {
        /// No media type says it; what has come so far is white space.
        case unknown([UInt8])
        case csv(CSVReader, places: [Int?]?)
        case jsonLines(LineSplitter)
    }

    private var source: Source
    package private(set) var errors: [FieldError] = []
    /// The file cannot be read on from where it is, or has had enough errors.
    private var isOver = false

    /// The format is told by the media type, else by how the body begins.
    package init(contentType: String?) {
        let type = contentType?.prefix { $0 != ";" }.lowercased() ?? ""
        if type == "text/csv" {
            source = .csv(CSVReader(), places: nil)
        } else if type.contains("json") {
            source = .jsonLines(LineSplitter())
        } else {
            source = .unknown([])
        }
    }

    /// The lines that this piece completes and that are sound; of the others `errors` tells.
    package mutating func feed(_ piece: [UInt8]) -> [LedgerLine] {
        if isOver { return [] }
        var lines: [LedgerLine] = []
        switch source {
        case .unknown(let before):
            let text = before + piece
            let first = text.first { $0 > 0x20 }
            if first == nil && text.count <= Self.lineBytesMax {
                source = .unknown(text)
            } else {
                source = first == 0x7B ? .jsonLines(LineSplitter()) : .csv(CSVReader(), places: nil)
                return feed(text)
            }
        case .csv(var reader, var places):
            var rows: [CSVRow] = []
            var fault: CSVError?
            do throws(CSVError) { try reader.feed(piece, into: &rows) } catch { fault = error }
            for row in rows { take(row, &places, &lines) }
            if let fault { end(fault.fieldError) }
            source = .csv(reader, places: places)
        case .jsonLines(var splitter):
            splitter.feed(piece) { number, text in take(text, number, &lines) }
            source = .jsonLines(splitter)
        }
        return lines
    }

    /// The last line, where the file does not end in a line end.
    package mutating func finish() -> [LedgerLine] {
        if isOver { return [] }
        var lines: [LedgerLine] = []
        switch source {
        case .unknown: end(FieldError.inLine(1, nil, "required", "must be the header row"))
        case .csv(var reader, var places):
            do throws(CSVError) {
                if let row = try reader.finish() { take(row, &places, &lines) }
                if places == nil { end(FieldError.inLine(1, nil, "required", "must be the header row")) }
            } catch {
                end(error.fieldError)
            }
        case .jsonLines(var splitter):
            splitter.finish { number, text in take(text, number, &lines) }
        }
        return lines
    }

    private mutating func end(_ error: FieldError) {
        errors.append(error)
        isOver = true
    }

    // MARK: Lines

    private mutating func take(_ row: CSVRow, _ places: inout [Int?]?, _ lines: inout [LedgerLine]) {
        if isOver { return }
        guard let known = places else {
            let found = Self.columns.map { row.fields.firstIndex(of: $0) }
            places = found
            for (name, place) in zip(Self.columns, found) where place == nil {
                errors.append(.inLine(row.line, name, "required", "the column is missing"))
            }
            return
        }
        let members = zip(Self.columns, known).compactMap { name, place -> JSONMember? in
            guard let place, place < row.fields.count, !row.fields[place].isEmpty else { return nil }
            return JSONMember(name: name, value: .string(row.fields[place]))
        }
        read(.object(members), row.line, &lines)
    }

    /// `text` is nil where the line is too long.
    private mutating func take(_ text: [UInt8]?, _ number: Int, _ lines: inout [LedgerLine]) {
        if isOver { return }
        guard let text else {
            return fail(FieldError.inLine(number, nil, "length", "is longer than \(Self.lineBytesMax) bytes"))
        }
        if text.allSatisfy({ $0 <= 0x20 }) { return }
        do throws(JSONError) {
            read(try JSON.parse(text), number, &lines)
        } catch {
            fail(FieldError.inLine(number, nil, "format", "is not valid JSON: \(error)"))
        }
    }

    private mutating func read(_ json: JSON, _ line: Int, _ lines: inout [LedgerLine]) {
        var fields = FieldReader(json, at: "/line/\(line)")
        let ref = fields.string("external_ref", characters: 1...CreditReport.externalRefCharactersMax, .id)
        let kind = fields.string("kind", characters: 1...64)
        let amount = fields.money("amount", in: AmountRule.movements)
        let at = fields.time("at")
        for error in fields.errors { fail(error) }
        guard let ref, let kind, let amount, let at, fields.errors.isEmpty else { return }
        lines.append(LedgerLine(line: line, externalRef: ref, kind: kind, amount: amount, at: at))
    }

    private mutating func fail(_ error: FieldError) {
        if errors.count < Self.errorsMax { errors.append(error) }
        isOver = errors.count >= Self.errorsMax
    }
}

/// Splits a text that comes in pieces at its line feeds; lines count from 1.
struct LineSplitter: Sendable {
    private var line: [UInt8] = []
    private var number = 1
    private var isTooLong = false

    /// `take` is given each line that ends in this piece; nil for one that is longer than may be.
    mutating func feed(_ piece: [UInt8], _ take: (Int, [UInt8]?) -> Void) {
        var rest = piece[...]
        while let end = rest.firstIndex(of: 0x0A) {
            append(rest[..<end])
            finish(take)
            rest = rest[(end + 1)...]
        }
        append(rest)
    }

    mutating func finish(_ take: (Int, [UInt8]?) -> Void) {
        take(number, isTooLong ? nil : line)
        number += 1
        line.removeAll(keepingCapacity: true)
        isTooLong = false
    }

    private mutating func append(_ bytes: ArraySlice<UInt8>) {
        if isTooLong || line.count + bytes.count > LedgerFile.lineBytesMax {
            isTooLong = true
            line = []
        } else {
            line += bytes
        }
    }
}
