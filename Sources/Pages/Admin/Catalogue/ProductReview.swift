import CallKit
import HTML
import HTTPCore
import PageKit

/// What a file of products would change (O4). A value: any thread.
struct ProductReview: PageView {
    let visit: Visit
    private let call: FormCall
    private let trial: Row

    private static let rowsMax = 200

    static func content(_ visit: Visit, _ call: FormCall, _ row: Row) throws -> PageContent? {
        guard try row.isSoundTrial() else { return nil }
        return ProductReview(visit: visit, call: call, trial: row).content
    }

    private var content: PageContent {
        let rows = trial.rows("changed") + trial.rows("new")
        let counts = trial.row("counts") ?? trial
        let file = String(decoding: call.body, as: UTF8.self)
        let again = form(FormCall.none) { "\(FormField.hidden("_body", file))\(Button("Change something", .quiet))" }
        let apply = form("POST /products.csv", said: .applied, next: link("/products")) {
            """
            \(FormField.hidden("_body", file))\(FormField.hidden("_type", "text/csv"))\
            \(FormField.hidden("_if_match", "\"\(trial["hash"])\""))\(Button("Apply changes", .primary))
            """
        }
        let facts = Facts(
            isRow: true,
            [
                ("Products changed", "\(Figure.grouped(counts.int("changed")))"),
                ("Products new", "\(Figure.grouped(counts.int("new")))"),
                ("As before", "\(Figure.grouped(counts.int("same")))"),
            ])
        let table = DataTable(
            caption: "Changes", columns: [Column("SKU"), Column("Changes")],
            rows: rows.prefix(Self.rowsMax).map(line),
            empty: Empty("Nothing changes", "Every row says what the catalogue says already.").html)
        return PageContent(
            "Review products", sub: #"<a href="\#(visit.here())">Import products</a>"#,
            """
            \(facts)\(table)<div class="actions stuck">\(rows.isEmpty ? nil : apply.html)\(again)</div>
            """)
    }

    private func line(_ row: Row) -> [HTML] {
        let old = row.row("old")
        let changes = (row.row("new")?.members ?? []).map { name, value -> HTML in
            let was: HTML? = old.flatMap { $0.optional(name) }.map { "<del>\($0)</del> " }
            return "\(name.replacing("_", with: " ")) \(was)<ins>\(value.value.isEmpty ? "–" : value.value)</ins>"
        }
        let state: HTML? = old == nil ? "\(State("new", tone: .info)) " : nil
        return [
            "<code>\(row["sku"])</code>",
            "\(state)\(each: changes.enumerated(), { $0.offset == 0 ? $0.element : "; \($0.element)" })",
        ]
    }
}
