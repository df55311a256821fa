import CallKit
package import HTTPCore
import TenantRegistry

/// A reseller's ledger as it comes in, piece by piece: CSV with a header row, or JSON Lines (O8) with `external_ref`,
/// `kind`, `amount` and `at`; other columns and members are its own affair. What binary fractions leave beside an
/// amount is no part of it, as where an event is reported (C3).
///
/// Invariant: it holds at most one line and `errorsMax` errors. A value: one thread at a time.
package struct LedgerFile: Sendable {
    private static let shape = TableShape(
        "a ledger",
        [.required("external_ref"), .required("kind"), .required("amount", .value), .required("at", .value)],
        ignoresOthers: true)
    package static let errorsMax = 100
    /// Of JSON Lines; a row of CSV is bounded by its fields.
    package static let lineBytesMax = 64 << 10

    private enum Source {
        /// No media type says it; what has come so far is white space.
        case unknown([UInt8])
        case csv(TableReader)
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
            source = .csv(TableReader(Self.shape))
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
            let first = ByteOrderMark.without(text).first { $0 > 0x20 }
            if (first == nil || ByteOrderMark.mayBegin(text)) && text.count <= Self.lineBytesMax {
                source = .unknown(text)
            } else {
                source = first == 0x7B ? .jsonLines(LineSplitter()) : .csv(TableReader(Self.shape))
                return feed(text)
            }
        case .csv(var reader):
            read(piece, &reader, &lines)
            source = .csv(reader)
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
        case .unknown(let text):
            // White space alone, or a mark cut short.
            var reader = TableReader(Self.shape)
            read(text, &reader, &lines)
            read(nil, &reader, &lines)
        case .csv(var reader):
            read(nil, &reader, &lines)
        case .jsonLines(var splitter):
            splitter.finish { number, text in take(text, number, &lines) }
        }
        return lines
    }

    // MARK: Lines

    /// `piece` is nil at the end.
    private mutating func read(_ piece: [UInt8]?, _ reader: inout TableReader, _ lines: inout [LedgerLine]) {
        var faults: [FieldError] = []
        let rows =
            if let piece { reader.feed(piece, errors: &faults) } else { reader.finish(errors: &faults) }
        for row in rows where !isOver { read(row.json, row.line, &lines) }
        for fault in faults where !isOver { fail(fault) }
        if reader.isBroken { isOver = true }
    }

    /// `text` is nil where the line is too long.
    private mutating func take(_ text: [UInt8]?, _ number: Int, _ lines: inout [LedgerLine]) {
        if isOver { return }
        guard let text else {
            return fail(FieldError.inLine(number, nil, "length", "is longer than \(Self.lineBytesMax) bytes"))
        }
        let line = number == 1 ? ByteOrderMark.without(text) : text
        if line.allSatisfy({ $0 <= 0x20 }) { return }
        do throws(JSONError) {
            read(try JSON.parse(sent: line), number, &lines)
        } catch {
            fail(FieldError.inLine(number, nil, "format", "is not valid JSON: \(error)"))
        }
    }

    private mutating func read(_ json: JSON, _ line: Int, _ lines: inout [LedgerLine]) {
        var fields = FieldReader(json, at: "/line/\(line)")
        let ref = fields.string("external_ref", characters: 1...CreditReport.externalRefCharactersMax, .id)
        let kind = fields.string("kind", characters: 1...64)
        let amount = fields.computedMoney("amount", in: AmountRule.movements)
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
