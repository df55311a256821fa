import CallKit
import HTML
import HTTPCore
import PageKit

/// What a file of prices would change, before it is applied to the very book that it was tried on (O4). A value: any
/// thread.
struct PriceReview: PageView {
    let visit: Visit
    private let call: FormCall
    private let trial: Row
    /// In the order of the file; of a long one those that the trial lists.
    private let lines: [Line]
    /// How many rows change or are new.
    private let rowCount: Int
    private let isOfSeveral: Bool
    private let warned: [SheetErrors.Fault]
    /// Of those whose rows are shown.
    private let names: ResellerNames

    /// So many rows are shown; all are counted.
    private static let rowsMax = 200

    /// Throws what a trial found wrong, which the form shows at its fields.
    @Sendable static func judge(_ visit: Visit, _ call: FormCall, _ row: Row) throws -> PageContent? {
        _ = try row.isSoundTrial()
        return nil
    }

    /// The answer to a trial; nil where the call was none.
    @Sendable static func content(_ view: View, _ call: FormCall, _ row: Row) throws -> PageContent? {
        guard try row.isSoundTrial() else { return nil }
        return try PriceReview(view, call, trial: row).content
    }

    private init(_ view: View, _ call: FormCall, trial: Row) throws {
        visit = view.visit
        self.call = call
        self.trial = trial
        let rows = (trial.rows("changed") + trial.rows("new")).sorted { $0.int("line") < $1.int("line") }
        lines = rows.map(Line.init)
        let counts = trial.row("counts") ?? trial
        rowCount = counts.int("changed") + counts.int("new")
        // Whose rows are those that are not listed is not known.
        isOfSeveral = rowCount > rows.count || Set(rows.map { $0["reseller"] }).count > 1
        let warned = SheetErrors(
            trial.rows("warnings").map { FieldError(pointer: $0["pointer"], code: $0["code"], detail: $0["detail"]) }
        ).faults
        self.warned = warned
        let told = Set(warned.prefix(Self.warningsMax).map(\.line))
        let named = Array(rows.prefix(Self.rowsMax)) + rows.filter { told.contains($0.int("line")) }
        names = try ResellerNames(of: named, view)
    }

    // MARK: The changes

    private struct Line {
        let number: Int
        let reseller: String
        let sku: String
        /// Nil of a new row.
        let old: Row?
        let new: Row

        init(_ row: Row) {
            number = row.int("line")
            reseller = row["reseller"]
            sku = row["sku"]
            old = row.row("old")
            new = row.row("new") ?? Row(.object([]))
        }

        var cells: Int { new.members.count }
    }

    private var content: PageContent {
        let sub: HTML = #"<a href="\#(visit.here())">Prices</a>\#(ofOne)"#
        if lines.isEmpty {
            return PageContent(
                "Review changes", sub: sub,
                "\(Empty("Nothing changes", "Every row says what the book says already.", actions: "\(again)"))")
        }
        let counts = trial.row("counts") ?? trial
        return PageContent(
            "Review changes", sub: sub,
            """
            \(Facts(isRow: true, [
                ("Cells", isWhole ? "\(Figure.grouped(lines.reduce(0) { $0 + $1.cells }))" : nil),
                ("Rows changed", "\(Figure.grouped(counts.int("changed")))"),
                ("Rows new", "\(Figure.grouped(counts.int("new")))"),
                ("Rows as before", "\(Figure.grouped(counts.int("same")))"),
            ]))\(warnings)\(table)\(effect)\(apply)
            """)
    }

    /// Whether each row that changes is listed.
    private var isWhole: Bool { lines.count == rowCount }

    /// Whose prices all of them are, where they are one reseller's.
    private var ofOne: HTML? {
        guard let first = lines.first, !isOfSeveral else { return nil }
        return " · of \(names.link(first.reseller, self))"
    }

    private var table: HTML {
        let changed = Set(lines.flatMap { $0.new.members.map(\.name) })
        let columns = SheetColumn.all.filter { changed.contains($0.name) }
        let more: HTML? =
            rowCount > Self.rowsMax
            ? #"<p class="sub">And \#(Figure.grouped(rowCount - Self.rowsMax)) rows more.</p>"# : nil
        return """
            <section class="panel" aria-labelledby="what"><h2 id="what">What changes</h2>\
            <div class="scroll" tabindex="0" role="region" aria-label="Changes"><table><caption \
            class="unseen">Changes</caption>\
            <thead><tr><th scope="col">Product</th>\(if: isOfSeveral, "<th scope=\"col\">Reseller</th>")\
            \(each: columns, { #"<th scope="col" class="n">\#($0.title)</th>"# })</tr></thead>
            <tbody>\(each: lines.prefix(Self.rowsMax), { row($0, columns) })</tbody></table></div>\(more)\
            </section>
            """
    }

    private func row(_ line: Line, _ columns: [SheetColumn]) -> HTML {
        let link = link("/prices", line.reseller, line.sku)
        let whose: HTML? = isOfSeveral ? "<td>\(names.link(line.reseller, self))</td>" : nil
        return """
            <tr><th scope="row"><a href="\(link)">\(line.sku)</a></th>\(whose)\
            \(each: columns, { #"<td class="n">\#(cell($0, line))</td>"# })</tr>

            """
    }

    private func cell(_ column: SheetColumn, _ line: Line) -> HTML? {
        guard line.new.json[column.name] != nil else { return nil }
        return PriceChangeText(column, from: line.old?.optional(column.name), to: line.new.optional(column.name)).html
    }

    // MARK: What it means

    /// So many are listed.
    private static let warningsMax = 8

    private var warnings: HTML? {
        if warned.isEmpty { return nil }
        let known = Dictionary(lines.map { ($0.number, $0) }) { first, _ in first }
        let items = warned.prefix(Self.warningsMax).map { fault -> HTML in
            let row = known[fault.line].map { line in
                isOfSeveral ? "\(line.sku) of \(names.name(of: line.reseller))" : line.sku
            }
            let place = [row ?? "line \(fault.line)", fault.column?.title ?? ""]
            return "<li>\(place.joined(separator: ", ")): \(fault.detail)</li>"
        }
        let rest = warned.count - Self.warningsMax
        return Notice(
            .warn,
            """
            <p><b>Look twice.</b> These would be taken as they \
            are.</p><ul>\(items)\(if: rest > 0, "<li>and \(rest) more</li>")</ul>
            """
        ).html
    }

    private var effect: HTML? {
        guard let effect = trial.row("effect") else { return nil }
        let panel = Panel("What it means") {
            effect.int("orders") == 0
                ? "<p>No order of the last \(effect["days"]) days is of a row that changes.</p>" : effectTable(effect)
        }
        return panel.html
    }

    private func effectTable(_ effect: Row) -> HTML {
        let notSold = effect.int("not_sold")
        let gone: HTML? =
            notSold == 0
            ? nil
            : """
            <p>\(Figure.grouped(notSold)) of them could not be placed any more: their term would have no price. They \
            are \
            not in the sums.</p>
            """
        let part: HTML? =
            effect.bool("is_partial") ? "<p>There are more orders than are looked at: these are the latest.</p>" : nil
        return """
            <p>The orders of the last \(effect["days"]) days, at the new prices. Amounts in \(effect["currency"]).</p>\
            \(gone)\(part)\(DataTable(
                caption: "Orders at the new prices",
                columns: [
                    Column("Reseller"), Column("Orders", .number), Column("Paid", .number), Column("New", .number),
                    Column("Difference", .number),
                ],
                rows: effect.rows("resellers").map { row in
                    [#"<a href="\#(link("/resellers", row["reseller"]))">\#(row["name"])</a>"#] + sums(row)
                } + [["<b>All</b>"] + sums(effect)], empty: "", narrow: .cards))
            """
    }

    private func sums(_ row: Row) -> [HTML] {
        [
            "\(Figure.grouped(row.int("orders")))", "\(Amount(row["paid"]))", "\(Amount(row["repriced"]))",
            "\(Signed(row["difference"]))",
        ]
    }

    // MARK: What to do

    private var apply: HTML {
        let form = form("POST /price-book.csv", said: .applied) {
            """
            \(FormField.hidden("_body", file))\(FormField.hidden("_type", "text/csv"))\
            \(FormField.hidden("_if_match", "\"\(trial["hash"])\""))\
            \(FormField.hidden(Self.reviewedAt, visit.call.now.text))\(sheet)\
            \(Button("Apply changes", .primary))
            """
        }
        return #"<div class="actions stuck">\#(form)\#(again)</div>"#
    }

    private static let reviewedAt = "_reviewed"

    /// What goes along to the change. Of a sheet the rows that change: the others are what somebody saw, and no wish.
    private var file: String {
        let whole = String(decoding: call.body, as: UTF8.self)
        guard SheetInput(call.form) != nil, isWhole else { return whole }
        let numbers = Set(lines.map(\.number))
        // A form sends line ends of its own.
        return whole.split(whereSeparator: \.isNewline).enumerated()
            .filter { $0.offset == 0 || numbers.contains($0.offset + 1) }.map { $0.element + "\n" }.joined()
    }

    /// Back to the fields as they were sent.
    private var again: HTML {
        let form = form(FormCall.none) {
            "\(FormField.hidden("_body", file))\(sheet)\(Button("Change something", .quiet))"
        }
        return form.html
    }

    /// What makes a sheet of the file again, where it was one.
    private var sheet: HTML {
        guard let sheet = SheetInput(call.form.filter { $0.name != "_body" }) else { return "" }
        return sheet.hidden
    }

    // MARK: The book has moved

    /// Somebody else changed a price since the trial: what, and the trial again.
    static func moved(_ attempt: Attempt, _ view: View) throws -> PageContent {
        let changes = try view.get("/price-history", [("from", attempt.value(of: reviewedAt)), ("limit", "50")])
        let names = try ResellerNames(of: changes.rows(), view)
        let again = view.form(PriceSheetPages.trial) {
            """
            \(FormField.hidden("_body", attempt.value(of: "_body") ?? ""))\(FormField.hidden("_type", "text/csv"))\
            \(SheetInput(attempt.pairs)?.hidden ?? "")\(Button("Review once more", .primary))
            """
        }
        return PageContent(
            "Prices have moved", sub: #"<a href="\#(view.visit.here())">Prices</a>"#,
            problem: Problems("Nothing was applied: somebody changed prices after you looked at them."),
            """
            \(Panel("What changed meanwhile") { PriceHistoryPages.history(changes, names, view) })\
            <div class="actions">\(again)\(Button("Leave it", .quiet, leadsTo: view.visit.here()))</div>
            """)
    }
}

/// A cell's change: what it was, what it is, and by how much. A value: any thread.
struct PriceChangeText: MarkupPart {
    let html: HTML

    init(_ column: SheetColumn, from old: String?, to new: String?) {
        func word(_ text: String) -> String { column == .on ? (text == "true" ? "on" : "off") : Amount.grouped(text) }
        let was: HTML? = old.map { "<del>\(word($0))</del> " }
        let now: HTML = new.map { "<ins>\(word($0))</ins>" } ?? "<ins>–</ins>"
        let share: HTML? = Self.percent(column, old, new).map { " <small>\($0)</small>" }
        html = "\(was)\(now)\(share)"
    }

    /// Of amounts alone: a discount has its own percent.
    private static func percent(_ column: SheetColumn, _ old: String?, _ new: String?) -> String? {
        guard column != .on, column != .cap, column != .override, let old = old.flatMap(Double.init),
            let new = new.flatMap(Double.init), old > 0
        else { return nil }
        let tenths = Int(((new - old) / old * 1000).rounded())
        return (tenths > 0 ? "+" : "") + Figure.grouped(tenths, decimals: 1) + " %"
    }
}

/// An amount with its sign. A value: any thread.
struct Signed: MarkupPart {
    let html: HTML

    init(_ amount: String) {
        let text = Amount.grouped(amount)
        html =
            amount.hasPrefix("-")
            ? #"<span class="minus">\#(text)</span>"# : "\(Double(amount) == 0 ? text : "+\(text)")"
    }
}

extension Row {
    /// Whether it is the answer to a trial. What the trial found wrong is thrown: the form shows it at its fields.
    func isSoundTrial() throws -> Bool {
        guard optional("dry_run") == "true" else { return false }
        let errors = rows("errors").map { FieldError(pointer: $0["pointer"], code: $0["code"], detail: $0["detail"]) }
        if !errors.isEmpty { throw Refusal.invalid(errors) }
        return true
    }
}
