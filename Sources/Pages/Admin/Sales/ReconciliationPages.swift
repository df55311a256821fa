import CallKit
import HTML
import HTTPCore
import PageKit

/// A reseller's ledger beside what it reported: what matches, what is missing on either side, what differs (O8).
extension AdminPages {
    static let reconciliations: [Page] = [
        Page("/reconciliations", "Reconciliations") { view in
            try view.visit.needs(dialect: creditReports)
            let found = try view.found("/reconciliations", view.asked("reseller", "status", "cursor"))
            let names = try ResellerNames(of: found.rows, view)
            let resellers = try ResellerChoice(view).filter(view)
            let upload: HTML? =
                view.may(.post, "/reconciliations")
                ? Button("Upload a ledger", .primary, leadsTo: view.link("/reconciliations/new")).html : nil
            let table = DataTable(
                caption: "Reconciliations, newest first",
                columns: [Column("Reconciliation", .id), Column("Reseller"), Column("Result"), Column("When")],
                rows: found.rows.map { row in
                    let result =
                        row["status"] == "running"
                        ? State("running")
                        : row.bool("agrees") ? State("agrees", tone: .good) : State("differs", tone: .bad)
                    return [
                        view.idLink("/reconciliations", row["id"]), names.link(row["reseller"], view), "\(result)",
                        "\(view.ago(row["at"]))",
                    ]
                },
                empty: view.nothing(
                    "No reconciliations", "Compare a reseller's own ledger with what it reported here.",
                    filters: ["status", "reseller"]),
                previous: view.first(), next: view.next(found.list))
            return PageContent(
                "Reconciliations", actions: upload,
                """
                \(view.tabs("State", "status", [("Done", nil, nil), ("Running", "running", nil)]))\
                \(view.filters("/reconciliations", keeping: ["status"], [resellers]))\
                \(found.shown(table.html))
                """)
        },
        Page("/reconciliations/new", "Upload a ledger", asks: "POST /reconciliations", bodyBytesMax: ledgerBytesMax) {
            view in
            try view.visit.needs(dialect: creditReports)
            return try upload(view)
        },
        Page("/reconciliations/{id}", "Reconciliation") { view in
            try view.visit.needs(dialect: creditReports)
            let report = try view.get("/reconciliations/\(view.visit.parameter())")
            return ReconciliationView(
                report: report, names: try ResellerNames(of: [report], view), view: view
            ).content
        },
        Page("/reviews", "Account reviews") { view in
            let found = try view.found("/reviews", view.asked("status", "reseller", "cursor"))
            let open = try view.ask("/attention")?.waiting("reviews_open", view)
            let names = try ResellerNames(of: found.rows, view)
            let resellers = try ResellerChoice(view).filter(view)
            let table = DataTable(
                caption: "Account reviews, newest first",
                columns: [
                    Column("Review", .id), Column("Reseller"), Column("Why"), Column("State"), Column("Opened"),
                    Column("Closed"),
                ],
                rows: found.rows.map { review in
                    [
                        view.idLink("/reviews", review["id"]), names.link(review["reseller"], view),
                        "\(cause(review["cause"]))",
                        "\(State(review["status"], tone: review["status"] == "open" ? .warn : .quiet))",
                        "\(view.ago(review["opened_at"]))", "\(view.ago(review.text("closed_at")))",
                    ]
                },
                empty: view.nothing(
                    "No account reviews", "Where numbers of a reseller do not fit, one is opened by itself.",
                    filters: ["reseller", "status"]),
                previous: view.first(), next: view.next(found.list))
            return PageContent(
                "Account reviews", sub: "A review changes nothing by itself: the reseller sees that there is one.",
                """
                \(view.tabs("State", "status", [("All", nil, nil), ("Open", "open", open), ("Closed", "closed", nil)]))\
                \(view.filters("/reviews", keeping: ["status"], [resellers]))\
                \(found.shown(table.html))
                """)
        },
        Page("/reviews/{id}", "Account review") { view in
            let review = try view.get("/reviews/\(view.visit.parameter())")
            return reviewPage(review, try ResellerNames(of: [review], view), view)
        },
    ]

    /// What a page takes; longer ledgers are streamed by the API.
    private static let ledgerBytesMax = 16 << 20

    private static func upload(_ view: View) throws -> PageContent {
        let resellers = try ResellerChoice(view)
        let example = "external_ref,kind,amount,at\ntxn-1001,topup,25.00,2026-11-01T10:00:00Z"
        let form = view.form(
            "POST /reconciliations", said: .created, next: view.link("/reconciliations/{id}"), sendsFiles: true
        ) {
            """
            \(resellers.field("Reseller", hint: "Its id.", value: view.visit.asked("reseller"), view))\
            <div class="fields">\(view.field("From", "from", .date, hint: "The time that the ledger covers.", isRequired: false))\
            \(view.field("Before", "to", .date, isRequired: false))</div>\
            \(view.field("Format", "_type", .select([
                FormField.Option("text/csv", "CSV"), FormField.Option("application/jsonl", "JSON Lines"),
            ]), isRequired: false))\
            \(view.field("Ledger", "_body", .textarea(rows: 10), hint: "Paste it here, or choose a file.", isRequired: false,
                size: .wide))\
            \(view.field("File", "_file", .file(".csv,.jsonl,text/csv"), isRequired: false))\
            <div class="actions">\(Button("Compare", .primary))\
            \(Button("Cancel", .quiet, leadsTo: view.link("/reconciliations")))</div>
            """
        }
        return PageContent(
            "Upload a ledger", sub: #"<a href="\#(view.link("/reconciliations"))">Reconciliations</a>"#,
            """
            \(Panel("The reseller's own ledger") {
                """
                <p>Reference, kind and amount are compared, line by line; times are shown. A disagreement opens an account \
                review, and changes nothing else.</p><pre class="code"><code>\(example)</code></pre>\(form)
                """
            })
            """)
    }

    // MARK: Reviews

    private static func cause(_ word: String) -> String {
        switch word {
        case "credit_difference": "a reference reported again with another content"
        case "reconciliation": "a ledger that does not agree"
        case "payment": "a payment service's report that does not fit"
        default: word
        }
    }

    private static func reviewPage(_ review: Row, _ names: ResellerNames, _ view: View) -> PageContent {
        let subject = review["subject"]
        let link: HTML =
            switch review["cause"] {
            case "reconciliation": view.idLink("/reconciliations", subject)
            case "credit_difference": view.idLink("/credits", subject)
            default: view.idLink("/payments", subject)
            }
        let isOpen = review["status"] == "open"
        let close: HTML =
            isOpen && view.may(.post, "/reviews/\(review["id"])/close")
            ? Panel("Close it") {
                view.form("POST /reviews/\(review["id"])/close", said: .closed) {
                    """
                    \(view.field("Note", "note", .textarea(rows: 3), hint: "What was found, and what was agreed.", size: .wide))\
                    <div class="actions">\(Button("Close the review", .primary))</div>
                    """
                }.html
            }.html : ""
        return PageContent(
            "Account review",
            sub: """
                <a href="\(view.link("/reviews"))">Account reviews</a> · <code>\(review["id"])</code> · \
                \(State(review["status"], tone: isOpen ? .warn : .quiet))
                """,
            """
            \(Panel("Review") {
                Facts([
                    ("Reseller", names.link(review["reseller"], view)), ("Why", "\(cause(review["cause"]))"),
                    ("About", link), ("Opened", TimeText(review["opened_at"]).html),
                    ("Closed", review.text("closed_at").map { TimeText($0).html }),
                    ("Closed by", review.text("closed_by").map { "\($0)" }), ("Note", review.text("note").map { "\($0)" }),
                ]).html
            })\(close)
            """)
    }
}

/// One comparison. A value: any thread.
struct ReconciliationView {
    let report: Row
    let names: ResellerNames
    let view: View

    private var currency: String { report["currency"] }

    var content: PageContent {
        report["status"] == "running" ? running : done
    }

    private var sub: HTML {
        """
        <a href="\(view.link("/reconciliations"))">Reconciliations</a> · <code>\(report["id"])</code> · \
        \(names.link(report["reseller"], view))
        """
    }

    private var running: PageContent {
        PageContent(
            "Reconciliation", sub: sub,
            Panel("Under way", id: "running", live: 1) {
                """
                <p>\(report["stage"]): \(Figure.grouped(report.int("lines"))) lines read, \
                \(Figure.grouped(report.int("compared"))) compared.</p>
                """
            }.html)
    }

    private var done: PageContent {
        let agrees = report.bool("agrees")
        let review: HTML? = report.text("review").map { " See \(view.idLink("/reviews", $0))." }
        let notice =
            agrees
            ? Notice(.good, "<p><b>It agrees</b>: every line was reported here, with the same amount.</p>")
            : Notice(.bad, "<p><b>It does not agree.</b> An account review is open.\(review)</p>")
        return PageContent(
            "Reconciliation", sub: sub,
            """
            \(notice)\(figures)\(differing)\(missing("missing_here", "Missing here", "In the ledger, and not reported here."))\
            \(missing("missing_there", "Missing there", "Reported here, and not in the ledger."))
            """)
    }

    private var figures: Panel {
        let parts = ["matched", "missing_here", "missing_there"].map { name in
            let part = report.row(name)
            return (part?["count"] ?? "", part?["amount"] ?? "")
        }
        let differing = report.row("differing")
        return Panel("Lines") {
            Facts(
                isRow: true,
                [
                    ("In the ledger", #"<span class="n">\#(Figure.grouped(report.int("lines")))</span>"#),
                    ("Matched", sum(parts[0])), ("Missing here", sum(parts[1])), ("Missing there", sum(parts[2])),
                    ("Differing", #"<span class="n">\#(differing?["count"] ?? "")</span>"#),
                ]
            ).html
        }
    }

    private func sum(_ part: (count: String, amount: String)) -> HTML {
        #"<span class="n">\#(part.count)</span> <span class="sub">\#(Amount(part.amount, currency: currency))</span>"#
    }

    /// Both sides of each, side by side.
    private var differing: HTML? {
        guard let part = report.row("differing"), part.int("count") > 0 else { return nil }
        return Panel("Differing") {
            """
            <p>\(Amount(part["amount_here"], currency: currency)) here, \
            \(Amount(part["amount_there"], currency: currency)) there.</p>\
            \(DataTable(
                caption: "Lines that differ",
                columns: [
                    Column("Reference"), Column("Kind here"), Column("Kind there"), Column("Here, \(currency)", .number),
                    Column("There, \(currency)", .number), Column("At, here"), Column("At, there"), Column("Line", .number),
                ],
                rows: part.rows("items").map { pair in
                    let (here, there) = (pair.row("here"), pair.row("there"))
                    let kinds = Differing.marked(here?["kind"] ?? "", there?["kind"] ?? "")
                    let amounts = Differing.marked(here?["amount"] ?? "", there?["amount"] ?? "")
                    return [
                        """
                        <a href="\(view.link("/credits", here?["event"] ?? ""))"><code>\
                        \(view.cut(here?["external_ref"] ?? ""))</code></a>
                        """,
                        kinds.here, kinds.there, amounts.here, amounts.there, "\(TimeText(here?["at"] ?? ""))",
                        "\(TimeText(there?["at"] ?? ""))", "\(there?["line"] ?? "")",
                    ]
                }, empty: ""))\(rest(part))
            """
        }.html
    }

    private func missing(_ name: String, _ title: String, _ sentence: String) -> HTML? {
        guard let part = report.row(name), part.int("count") > 0 else { return nil }
        return Panel(title) {
            """
            <p>\(sentence)</p>\
            \(DataTable(
                caption: title,
                columns: [
                    Column("Reference"), Column("Kind"), Column("Amount, \(currency)", .number), Column("At"),
                    Column(name == "missing_here" ? "Line" : "Event", name == "missing_here" ? .number : .id),
                ],
                rows: part.rows("items").map { line in
                    [
                        "<code>\(view.cut(line["external_ref"]))</code>", "\(line["kind"])", view.amount(line, "amount"),
                        "\(TimeText(line["at"]))",
                        line.optional("line").map { "\($0)" } ?? view.idLink("/credits", line["event"]),
                    ]
                }, empty: ""))\(rest(part))
            """
        }.html
    }

    private func rest(_ part: Row) -> HTML? {
        let more = part.int("count") - part.rows("items").count
        return more > 0 ? #"<p class="sub">And \#(Figure.grouped(more)) more.</p>"# : nil
    }
}
