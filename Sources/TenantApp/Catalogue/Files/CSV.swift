import CallKit
import HTTPCore

/// Why a CSV file cannot be read, and in which line (the first is 1).
package struct CSVError: Error, Equatable {
    package enum Reason: Equatable, Sendable {
        /// A quote within a field that did not begin with one, or text after a closing quote.
        case strayQuote
        case unterminatedQuote
        /// A carriage return without a line feed, outside quotes.
        case bareCarriageReturn
        case fieldTooLong
        case tooManyColumns
        case invalidUTF8
        /// A byte in the first row that no text has: it is a spreadsheet's own file, or in UTF-16.
        case noText
        case tooManyMarks
    }

    package let line: Int
    package let reason: Reason

    package init(line: Int, reason: Reason) {
        self.line = line
        self.reason = reason
    }
}

package struct CSVRow: Sendable, Equatable {
    /// The line on which it begins; a quoted field may span several.
    package let line: Int
    package let fields: [String]

    package init(line: Int, fields: [String]) {
        self.line = line
        self.fields = fields
    }
}

/// Reads RFC 4180 piece by piece, as a pure state machine. Lines end in CRLF or LF; a byte-order mark at the start and
/// empty lines are skipped; nothing is trimmed. Fields are separated by what separates those of the first row: a
/// comma, a semicolon or a tab, as spreadsheets write by their country. A line `sep=;` before it, which is Excel's own
/// hint, names the separator and is no row.
///
/// Invariant: it holds at most one row, of `columnsMax` fields of `fieldBytesMax` each. After an error it must not be
/// fed again. A value: one thread at a time.
package struct CSVReader: Sendable {
    package static let fieldBytesMax = 65_536
    package static let columnsMax = 256

    private enum State {
        case fieldStart, plain, quoted, quoteInQuoted, carriageReturn
    }

    private static let comma: UInt8 = 0x2C
    /// A tab.
    private static let textMin: UInt8 = 0x09
    private static let separators: [UInt8] = [comma, 0x3B, 0x09]

    /// Nil until the first row has one or ends.
    private var separator: UInt8?
    private var state = State.fieldStart
    private var line = 1
    private var rowLine = 1
    private var quoteLine = 1
    private var field: [UInt8] = []
    private var fields: [String] = []
    /// Whether this row's only field so far was quoted: `""` alone is a row, an empty line is none.
    private var hasQuotes = false
    private var isBeforeRows = true
    /// How much of the byte-order mark has been seen; nil once past the start.
    private var markBytesSeen: Int? = 0

    package init() {}

    /// The rows that this piece completes.
    package mutating func feed(_ piece: some Sequence<UInt8>) throws(CSVError) -> [CSVRow] {
        var rows: [CSVRow] = []
        try feed(piece, into: &rows)
        return rows
    }

    /// The same, where the rows before an error are wanted too.
    package mutating func feed(_ piece: some Sequence<UInt8>, into rows: inout [CSVRow]) throws(CSVError) {
        for byte in piece {
            if markBytesSeen != nil { try passMark(byte, &rows) } else { try step(byte, &rows) }
        }
    }

    /// The last row, where the file does not end in a line end.
    package mutating func finish() throws(CSVError) -> CSVRow? {
        var rows: [CSVRow] = []
        try endMark(&rows)
        switch state {
        case .quoted: throw CSVError(line: quoteLine, reason: .unterminatedQuote)
        case .carriageReturn: throw error(.bareCarriageReturn)
        case .fieldStart, .plain, .quoteInQuoted: try endRow(&rows)
        }
        return rows.first
    }

    // MARK: The byte-order mark

    private mutating func passMark(_ byte: UInt8, _ rows: inout [CSVRow]) throws(CSVError) {
        guard let seen = markBytesSeen else { return }
        if byte == ByteOrderMark.bytes[seen] {
            markBytesSeen = seen + 1 == ByteOrderMark.bytes.count ? nil : seen + 1
        } else {
            try endMark(&rows)
            try step(byte, &rows)
        }
    }

    /// What looked like the start of a mark was text.
    private mutating func endMark(_ rows: inout [CSVRow]) throws(CSVError) {
        let seen = markBytesSeen ?? 0
        markBytesSeen = nil
        for byte in ByteOrderMark.bytes.prefix(seen) { try step(byte, &rows) }
    }

    // MARK: The state machine

    private mutating func step(_ byte: UInt8, _ rows: inout [CSVRow]) throws(CSVError) {
        if state != .quoted && state != .carriageReturn && isSeparator(byte) { return try endField() }
        switch (state, byte) {
        case (.fieldStart, 0x22):
            state = .quoted
            quoteLine = line
            hasQuotes = true
        case (.fieldStart, 0x0A), (.plain, 0x0A), (.quoteInQuoted, 0x0A), (.carriageReturn, 0x0A): try endRow(&rows)
        case (.fieldStart, 0x0D), (.plain, 0x0D), (.quoteInQuoted, 0x0D): state = .carriageReturn
        case (.carriageReturn, _): throw error(.bareCarriageReturn)
        case (.plain, 0x22): throw error(.strayQuote)
        case (.fieldStart, _), (.plain, _):
            state = .plain
            try append(byte)
        case (.quoted, 0x22): state = .quoteInQuoted
        case (.quoted, _):
            if byte == 0x0A { line += 1 }
            try append(byte)
        case (.quoteInQuoted, 0x22):
            state = .quoted
            try append(byte)
        case (.quoteInQuoted, _): throw error(.strayQuote)
        }
    }

    private mutating func isSeparator(_ byte: UInt8) -> Bool {
        if let separator { return byte == separator }
        guard Self.separators.contains(byte) else { return false }
        separator = byte
        return true
    }

    private mutating func append(_ byte: UInt8) throws(CSVError) {
        guard field.count < Self.fieldBytesMax else { throw error(.fieldTooLong) }
        if isBeforeRows, byte < Self.textMin { throw error(.noText) }
        field.append(byte)
    }

    private mutating func endField() throws(CSVError) {
        guard fields.count < Self.columnsMax else { throw error(.tooManyColumns) }
        guard let text = String(validating: field, as: UTF8.self) else { throw error(.invalidUTF8) }
        if text.hasTooManyMarks { throw error(.tooManyMarks) }
        fields.append(text)
        field.removeAll(keepingCapacity: true)
        state = .fieldStart
    }

    private mutating func endRow(_ rows: inout [CSVRow]) throws(CSVError) {
        try endField()
        let isHint = isBeforeRows && !hasQuotes && fields.count == 2 && CSVCell.isHint(fields[0]) && fields[1].isEmpty
        if !isHint && (fields.count > 1 || fields[0] != "" || hasQuotes) {
            isBeforeRows = false
            rows.append(CSVRow(line: rowLine, fields: fields))
            separator = separator ?? Self.comma
        }
        fields = []
        hasQuotes = false
        line += 1
        rowLine = line
    }

    private func error(_ reason: CSVError.Reason) -> CSVError { CSVError(line: line, reason: reason) }
}

/// A cell of a table that leaves the house.
package enum CSVCell: Sendable, Equatable {
    /// Text that somebody chose. A spreadsheet would compute what begins like a formula: it gets a `'` before it, which
    /// `withoutGuard` takes off again.
    case text(String)
    /// A number, a time or a word of ours: as it is, so that a spreadsheet can compute with it.
    case value(String)

    var written: String {
        switch self {
        case .text(let text): Self.isFormula(text) ? "'" + text : text
        case .value(let text): text
        }
    }

    /// The text that was written. What begins with `'` and no formula behind it was never guarded.
    package static func withoutGuard(_ text: String) -> String {
        text.utf8.first == 0x27 && isFormula(text) ? String(text.utf8.dropFirst()) ?? text : text
    }

    /// Before a separator, at the beginning of a file, it names that.
    static func isHint(_ text: String) -> Bool { text.utf8.count == 4 && text.lowercased() == "sep=" }

    /// Behind any number of guards: then each text is told from every other.
    private static func isFormula(_ text: String) -> Bool {
        switch text.utf8.first(where: { $0 != 0x27 }) {
        case 0x3D, 0x2B, 0x2D, 0x40, 0x09, 0x0D: true
        default: false
        }
    }
}

/// The mark of UTF-8 that editors put before a text.
package enum ByteOrderMark {
    static let bytes: [UInt8] = [0xEF, 0xBB, 0xBF]

    package static func without(_ text: [UInt8]) -> [UInt8] {
        text.starts(with: bytes) ? Array(text.dropFirst(bytes.count)) : text
    }

    /// Whether more could still make it one.
    static func mayBegin(_ text: [UInt8]) -> Bool { text.count < bytes.count && bytes.starts(with: text) }
}

/// Writes RFC 4180 with CRLF. Fields are quoted where they must be: what was exported imports again. A value: one
/// thread at a time.
package struct CSVWriter: Sendable {
    package private(set) var bytes: [UInt8] = []

    package init() {}

    package mutating func row(_ cells: [CSVCell]) {
        for (index, cell) in cells.enumerated() {
            if index > 0 { bytes.append(0x2C) }
            let field = cell.written
            // A row of one empty field would be an empty line.
            if needsQuotes(field) || cells.count == 1 && field.isEmpty { quote(field) } else { bytes += field.utf8 }
        }
        bytes += [0x0D, 0x0A]
    }

    /// What has been written, leaving the writer empty: for streaming.
    package mutating func drain() -> [UInt8] {
        defer { bytes = [] }
        return bytes
    }

    private func needsQuotes(_ field: String) -> Bool {
        // Semicolons and tabs too: a reader may take the first for the separator.
        field.utf8.contains { [0x22, 0x2C, 0x3B, 0x09, 0x0D, 0x0A].contains($0) }
            || field.first?.isWhitespace == true
            || field.last?.isWhitespace == true || field.unicodeScalars.first == "\u{FEFF}" || CSVCell.isHint(field)
    }

    private mutating func quote(_ field: String) {
        bytes.append(0x22)
        for byte in field.utf8 {
            if byte == 0x22 { bytes.append(0x22) }
            bytes.append(byte)
        }
        bytes.append(0x22)
    }
}
