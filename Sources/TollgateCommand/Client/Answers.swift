import Glibc
import HTTPClient
import HTTPCore
import TenantRegistry

/// Answers as people read them: an object as aligned lines, a list as a table; or as they came, with `--json`.
enum Answers {
    static func parsed(_ answer: HTTPClientResponse) throws(CommandFailure) -> JSON {
        do {
            return try JSON.parse(answer.body)
        } catch {
            throw .failed("the answer is not JSON: \(error); is this a Tollgate gateway?")
        }
    }

    /// Prints one object. `note` is a last line for people; `ifLost` says what is to be done where the answer, which
    /// holds a secret, cannot be shown.
    static func show(
        _ answer: HTTPClientResponse, _ invocation: Invocation, note: String? = nil, ifLost: String? = nil
    ) throws(CommandFailure) {
        do {
            try write(answer, invocation, note: note)
        } catch {
            throw ifLost.flatMap { error.losing($0) } ?? error
        }
    }

    private static func write(
        _ answer: HTTPClientResponse, _ invocation: Invocation, note: String?
    ) throws(CommandFailure) {
        if invocation.has("--json") { return try Output.bytes(answer.body + [0x0A]) }
        try lines(of: try parsed(answer))
        if let note { try Output.line(note) }
    }

    /// Prints one object and, as a table below it, one of its lists; without `empty` the list is left out.
    static func show(
        _ answer: HTTPClientResponse, _ invocation: Invocation, listing name: String, columns: [String], empty: String?
    ) throws(CommandFailure) {
        try show(answer, invocation, listings: [Listing(name: name, columns: columns, empty: empty)])
    }

    /// A list of an object, as a table below it; without `empty` it is left out.
    struct Listing: Sendable {
        let name: String
        let columns: [String]
        let empty: String?
    }

    /// The same of several lists, which stand apart.
    static func show(
        _ answer: HTTPClientResponse, _ invocation: Invocation, listings: [Listing]
    ) throws(CommandFailure) {
        let json = try parsed(answer)
        guard !invocation.has("--json"), case .object(let members) = json else { return try show(answer, invocation) }
        var tables: [(listing: Listing, rows: [JSON])] = []
        for listing in listings {
            if case .array(let rows)? = json[listing.name] { tables.append((listing, rows)) }
        }
        try lines(of: .object(members.filter { member in !tables.contains { $0.listing.name == member.name } }))
        for (number, table) in tables.enumerated() {
            guard let empty = table.listing.empty else { continue }
            if number > 0, !table.rows.isEmpty { try Output.line("") }
            try Self.table(table.rows, columns: table.listing.columns, empty: empty)
        }
    }

    private static func lines(of json: JSON) throws(CommandFailure) {
        var lines: [(name: String, value: String)] = []
        gather(json, "", &lines)
        let width = lines.map { Terminal.width($0.name) }.max() ?? 0
        for line in lines {
            let name = Terminal.styled(Terminal.padded(line.name, width), .faint)
            try Output.line(name + "  " + Terminal.styled(line.value, style(of: line.value, named: line.name)))
        }
    }

    /// An event in one line: when, which, of what, in which revision.
    static func tell(_ event: JSON) throws(CommandFailure) {
        let parts = [
            event["timestamp"], event["type"], event["id"] ?? event["_id"],
            event["data"]?["id"] ?? event["data"]?["_id"], event["data"]?["revision"],
        ]
        try Output.line(parts.map { text($0) }.joined(separator: "  "))
    }

    /// One thing that a command did and for which the gateway has no JSON.
    static func report(
        _ invocation: Invocation, _ text: String, _ body: (inout JSONWriter) -> Void
    ) throws(CommandFailure) {
        if invocation.has("--json") {
            try Output.bytes(JSONWriter.object(body) + [0x0A])
        } else {
            try Output.line(text)
        }
    }

    /// The same of what may have come out badly, which the exit code says, whether it can be shown or not.
    static func report(
        _ invocation: Invocation, _ text: String, code: Int32, _ body: (inout JSONWriter) -> Void
    ) throws(CommandFailure) -> Int32 {
        do throws(CommandFailure) {
            try report(invocation, text, body)
        } catch {
            throw error.insteadOf(code)
        }
        return code
    }

    /// What was tried elsewhere: where no answer came that can be read, the exit code says so, whether it can be shown
    /// or not.
    static func tried(_ answer: HTTPClientResponse, _ invocation: Invocation) throws(CommandFailure) -> Int32 {
        let json = try parsed(answer)
        let outcome = json["outcome"]?.text
        // It has none where nothing was sent.
        let isAnswered = outcome == nil || (json["status"] ?? .null) != .null
        do throws(CommandFailure) {
            try show(answer, invocation)
        } catch {
            throw isAnswered ? error : error.insteadOf(ExitCode.failed)
        }
        if let outcome, !isAnswered {
            throw .failed(outcome == "unanswered" ? "nothing answered" : "no answer came that can be read: \(outcome)")
        }
        return ExitCode.ok
    }

    /// Columns by the paths of their values, say `counts.keys`; titles are the last name in capitals. A terminal that
    /// is too narrow for the table shows its rows one by one.
    static func table(_ rows: [JSON], columns: [String], empty: String) throws(CommandFailure) {
        guard !rows.isEmpty else { return try Output.line(empty) }
        let titles = columns.map { ($0.split(separator: ".").last ?? "").uppercased() }
        let values = rows.map { row in columns.map { value(row, at: $0) } }
        let cells = values.map { $0.map { text($0) } }
        let widths = columns.indices.map { column in
            ([titles[column]] + cells.map { $0[column] }).map { Terminal.width($0) }.max() ?? 0
        }
        if let room = Terminal.columns(of: STDOUT_FILENO), widths.reduce(-2, { $0 + $1 + 2 }) > room {
            return try list(cells, titles) { style(of: $0, named: columns[$1]) }
        }
        let isNumeric = columns.indices.map { column in areNumbers(values.map { $0[column] }) }
        func line(_ cells: [String], style: (Int) -> Terminal.Style?) -> String {
            // Nothing stands behind the last cell that has a text.
            let last = cells.lastIndex { !$0.isEmpty } ?? -1
            return cells.indices.prefix(last + 1).map { column in
                let cell = cells[column]
                let space = isNumeric[column] || column < last ? widths[column] : 0
                let placed = isNumeric[column] ? Terminal.indented(cell, space) : Terminal.padded(cell, space)
                return Terminal.styled(placed, style(column))
            }.joined(separator: "  ")
        }
        try Output.line(line(titles) { _ in .title })
        for row in cells {
            try Output.line(line(row) { style(of: row[$0], named: columns[$0]) })
        }
    }

    private static func list(
        _ rows: [[String]], _ titles: [String], style: (String, Int) -> Terminal.Style?
    ) throws(CommandFailure) {
        let width = titles.map { Terminal.width($0) }.max() ?? 0
        for (number, row) in rows.enumerated() {
            if number > 0 { try Output.line("") }
            for (column, cell) in row.enumerated() where !cell.isEmpty {
                let title = Terminal.styled(Terminal.padded(titles[column], width), .title)
                try Output.line(title + "  " + Terminal.styled(cell, style(cell, column)))
            }
        }
    }

    /// Numbers and amounts stand against the right edge of their column.
    private static func areNumbers(_ values: [JSON?]) -> Bool {
        var isSome = false
        for value in values {
            switch value {
            case nil, .null?: continue
            case .number?: isSome = true
            case .string(let text)? where isAmount(text): isSome = true
            default: return false
            }
        }
        return isSome
    }

    private static func isAmount(_ text: String) -> Bool {
        let parts = text.drop { $0 == "-" }.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 2 && parts.allSatisfy { !$0.isEmpty && $0.allSatisfy { ("0"..."9").contains($0) } }
    }

    /// Of members that are called a state, however they are nested.
    private static func style(of text: String, named name: String) -> Terminal.Style? {
        let last = name.split(separator: ".").last ?? ""
        let isState = ["state", "status", "standing", "outcome"].contains { last == $0 || last.hasSuffix("_\($0)") }
        return isState ? Terminal.style(ofState: text) : nil
    }

    /// One value with its name.
    static func line(_ name: String, _ value: JSON?) throws(CommandFailure) {
        try Output.line("\(name): \(text(value))")
    }

    private static func value(_ row: JSON, at path: String) -> JSON? {
        readable(path.split(separator: ".").reduce(Optional(row)) { value, name in value?[String(name)] }, at: path)
    }

    /// 1973 to 9999, in milliseconds: no count of an answer comes near it.
    private static let moments: ClosedRange<Int64> = 100_000_000_000...253_402_300_799_999

    /// A time that its API writes in milliseconds (L1), as the others write theirs.
    private static func readable(_ value: JSON?, at path: String) -> JSON? {
        let name = path.split(separator: ".").last ?? ""
        guard case .number(let number)? = value, let moment = number.integer(), moments.contains(moment),
            ["expiration", "from", "to"].contains(name) || name.hasSuffix("At") || name.hasSuffix("_at")
        else { return value }
        return .string(Timestamp(milliseconds: moment).text)
    }

    private static func gather(_ value: JSON, _ path: String, _ lines: inout [(name: String, value: String)]) {
        guard case .object(let members) = value else { return lines.append((path, text(readable(value, at: path)))) }
        for member in members {
            let name = Terminal.printable(member.name)
            gather(member.value, path.isEmpty ? name : "\(path).\(name)", &lines)
        }
    }

    private static func text(_ value: JSON?) -> String {
        switch value {
        case nil, .null?: "–"
        case .bool(let flag)?: flag ? "yes" : "no"
        case .number(let number)?: number.text
        case .string(let text)?: Terminal.printable(text)
        case .array(let elements)?: elements.isEmpty ? "–" : elements.map { text($0) }.joined(separator: ", ")
        case .object(let members)?:
            limit(members) ?? Terminal.printable(String(decoding: value?.encoded() ?? [], as: UTF8.self))
        }
    }

    /// A limit, as options take it; nil of anything else.
    private static func limit(_ members: [JSONMember]) -> String? {
        var numbers: [String: String] = [:]
        for member in members {
            guard ["requests", "window_seconds", "burst"].contains(member.name), case .number(let number) = member.value
            else { return nil }
            numbers[member.name] = number.text
        }
        guard let requests = numbers["requests"], let seconds = numbers["window_seconds"] else { return nil }
        guard let burst = numbers["burst"], burst != requests else { return "\(requests)/\(seconds)" }
        return "\(requests)/\(seconds)/\(burst)"
    }
}
