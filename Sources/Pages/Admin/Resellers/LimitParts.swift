import HTML
import HTTPCore
import PageKit

/// A limit tried on the calls that the audit log has (O2). A value: any thread.
struct RehearsalPanel {
    /// The API's call, say `/api-keys/key_1/limit/rehearse`.
    let path: String
    /// The limit in force, as a beginning; nil where there is none.
    let limit: Row?
    /// Puts a limit in force: the call's method and path, and where its members stand in the body.
    let applies: (method: HTTPCore.Method, path: String, prefix: String)
    /// Whether what it limits still takes one: a key that has ended does not.
    let isOpen: Bool

    static let names = ["requests", "window_seconds", "burst", "days"]

    /// Of a page whose address holds what to try.
    func html(_ view: SlowView) async throws -> HTML? {
        guard view.may(.post, path) else { return nil }
        let asked = Self.names.compactMap { name in view.visit.asked(name).map { (name: name, value: $0) } }
        guard asked.contains(where: { $0.name == "requests" }) else {
            return panel(form([], view), nil)
        }
        let (report, view) = try await view.tried(path, asked)
        guard let report else { return panel(form(asked, view), nil) }
        return panel(form(asked, view), try await result(report, view))
    }

    private func panel(_ form: HTML, _ result: HTML?) -> HTML {
        Panel("Rehearse a limit", id: "rehearsal") {
            """
            <p class="sub">Tries a limit on the calls that the audit log has. Nothing is changed.</p>\(form)\(result)
            """
        }.html
    }

    private func form(_ asked: [(name: String, value: String)], _ view: SlowView) -> HTML {
        let attempt = asked.isEmpty ? nil : view.visit.attempt
        func value(_ name: String) -> String? {
            if !asked.isEmpty { return asked.first { $0.name == name }?.value }
            return name == "burst" ? LimitShown.burst(limit) : limit.map { $0[name] }
        }
        func field(
            _ label: String, _ name: String, unit: String? = nil, hint: String? = nil, isRequired: Bool = true
        ) -> FormField {
            FormField(
                label, name: name, kind: .number, value: value(name), unit: unit, hint: hint,
                error: attempt?.error(of: name), isRequired: isRequired, size: .short, scope: "try")
        }
        let days = FormField(
            "Over", name: "days",
            kind: .select([.init("1", "1 day"), .init("7", "7 days"), .init("14", "14 days"), .init("31", "31 days")]),
            value: asked.first { $0.name == "days" }?.value ?? "7", scope: "try")
        return Form.get(Link(fragment: "rehearsal"), keeping: view.visit.kept("mode", "list")) {
            """
            \(field("Requests", "requests"))\(field("In", "window_seconds", unit: "seconds"))\
            \(field("Burst", "burst", hint: LimitShown.burstHint, isRequired: false))\(days)\
            <div class="actions">\(Button("Rehearse"))</div>
            """
        }
    }

    private func result(_ report: Row, _ view: SlowView) async throws -> HTML {
        let tried = LimitShown(row: report.row("limit") ?? Row(.null))
        let refused = report.int("would_be_refused")
        let hours = RehearsedHours(report)
        let verdict = State(
            refused == 0 ? "nothing would be refused" : "\(Figure.grouped(refused)) would be refused",
            tone: refused == 0 ? .good : .bad)
        return """
            <h3>\(tried.words)</h3>\
            <p><b class="n" id="asked">\(Figure.grouped(report.int("asked")))</b> asked · \
            <span id="refused">\(verdict)</span> \
            <span class="sub">· \(Figure.grouped(report.int("refused_then"))) were refused then</span></p>\
            \(smallest(report, view))\(hours.chart)\(try await hours.keys(view))\(notes(report))
            """
    }

    /// The API's offer, as a button.
    private func smallest(_ report: Row, _ view: SlowView) -> HTML? {
        if report.int("asked") == 0 {
            return #"<p class="sub">No call came in this time: any limit would do.</p>"#
        }
        guard let row = report.row("smallest") else {
            return #"<p class="sub">No limit of this window refuses less than 0.1 % of these calls.</p>"#
        }
        let shown = LimitShown(row: row)
        guard isOpen, view.may(applies.method, applies.path) else {
            return "<p>Smallest limit that refuses less than 0.1 %: <b>\(shown.words)</b>.</p>"
        }
        let form = view.form(
            "\(applies.method.rawValue) \(applies.path)", next: view.visit.here(Self.names.map { ($0, nil) })
        ) {
            """
            \(shown.hidden(prefix: applies.prefix))<div class="actions">\(Button("Use \(shown.words)"))\
            <span class="sub">the smallest that refuses less than 0.1 %</span></div>
            """
        }
        return "\(form)"
    }

    private func notes(_ report: Row) -> HTML {
        let counted = report.int("counted_only")
        let begin: HTML =
            report["reaches_back_to"] == report["from"]
            ? "" : "The log reaches back to \(TimeText(report["reaches_back_to"])). "
        let more: HTML =
            counted == 0
            ? "" : "Of \(Figure.grouped(counted)) calls only the number is known; they are taken as evenly spread."
        return #"<p class="sub">\#(begin)\#(more)</p>"#
    }
}

/// A rehearsal's lines by hour and key, as a chart and as a list. A value: any thread.
private struct RehearsedHours {
    private struct Counts {
        var asked = 0
        var refused = 0

        mutating func add(_ row: Row) {
            asked += row.int("asked")
            refused += row.int("would_be_refused")
        }
    }

    private let labels: [String]
    private let hours: [Counts]
    private let byKey: [(key: String, counts: Counts)]

    init(_ report: Row) {
        let span = HourSpan(from: report["from"], until: report["until"])
        var hours = [Counts](repeating: Counts(), count: span.count)
        var byKey: [String: Counts] = [:]
        for row in report.rows("hours") {
            byKey[row["key"], default: Counts()].add(row)
            if let place = span.place(of: row["hour"]) { hours[place].add(row) }
        }
        self.hours = hours
        labels = span.labels
        self.byKey = byKey.map { ($0.key, $0.value) }.sorted { ($0.1.refused, $1.0) > ($1.1.refused, $0.0) }
    }

    var chart: BarChart {
        BarChart(
            id: "rehearsed", title: "Calls by hour", step: "Hour (UTC)", labels: labels,
            series: [
                Series("would pass", hours.map { $0.asked - $0.refused }),
                Series("would be refused", hours.map(\.refused)),
            ])
    }

    private static let keysMax = 50

    /// Whom it would hit, where there are several.
    func keys(_ view: SlowView) async throws -> HTML? {
        let hit = byKey.filter { $0.counts.refused > 0 }
        guard byKey.count > 1, !hit.isEmpty else { return nil }
        let first = hit.prefix(Self.keysMax)
        let paged = try await view.keysWithPages(first.map(\.key))
        let table = DataTable(
            caption: hit.count > first.count
                ? "The \(first.count) keys that it would hit most" : "Keys that it would hit",
            columns: [Column("Key"), Column("Asked", .number), Column("Would be refused", .number)],
            rows: first.map { key, counts in
                [
                    view.keyLink(key, in: paged),
                    "\(Figure.grouped(counts.asked))", "\(Figure.grouped(counts.refused))",
                ]
            },
            empty: "", isCaptionSeen: true)
        return table.html
    }
}
