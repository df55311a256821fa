import CallKit
import HTML
import PageKit
import TenantRegistry

/// What resellers of a list are called. A value: any thread.
struct ResellerNames: Sendable {
    private let names: [String: String]

    /// `rows`: each with its `reseller`, or none.
    init(of rows: [Row], _ view: View) throws {
        self.init(try Self.ask(Set(rows.map { $0["reseller"] }.filter { !$0.isEmpty }), view))
    }

    init(of rows: [Row], _ view: SlowView) async throws {
        let ids = Set(rows.map { $0["reseller"] }.filter { !$0.isEmpty })
        self.init(try await view.reading { try Self.ask(ids, $0) })
    }

    private init(_ names: [String: String]) { self.names = names }

    private static func ask(_ ids: Set<String>, _ view: View) throws -> [String: String] {
        var names: [String: String] = [:]
        for id in ids {
            guard let reseller = try view.ask("/resellers/\(id)") else { continue }
            names[id] = reseller.text("company") ?? reseller["name"]
        }
        return names
    }

    func link(_ id: String, _ view: some PageView) -> HTML {
        if id.isEmpty { return "" }
        return #"<a href="\#(view.link("/resellers", id))">\#(view.cut(name(of: id)))</a>"#
    }

    func name(of id: String) -> String { names[id] ?? id }
}

extension PageView {
    /// Whether a page of this book changes the object: one of the test book moves nothing that is live (X7).
    func moves(_ object: Row) -> Bool { !visit.isTest || object["mode"] == "test" }

    /// How long ago, or how soon.
    func ago(_ text: String?) -> HTML? { text.map { TimeText($0, now: visit.call.now).html } }

    /// When something was used last, as counts tell it: by the hour, so that of the hour that runs no more is known.
    func lastUse(_ hour: String?) -> HTML {
        guard let hour else { return #"<span class="sub">never</span>"# }
        let now = visit.call.now
        let isNow = hour.prefix(Self.hourCharacters) == now.text.prefix(Self.hourCharacters)
        return isNow ? "this hour" : TimeText(hour, now: now).html
    }

    /// `2026-11-28T14`
    private static var hourCharacters: Int { 13 }

    /// A text that strangers write, as far as a list has room for it.
    func cut(_ text: String) -> HTML {
        text.count > Self.cutCharacters ? "\(text.prefix(Self.cutCharacters))…" : "\(text)"
    }

    private static var cutCharacters: Int { 40 }

    /// To the customer of an order or a service, which say its id at the reseller.
    func customerLink(of row: Row) -> HTML {
        let name = row["customer_external_id"]
        let link = self.link("/customers", query: [("reseller", row["reseller"]), ("q", name)])
        return #"<a href="\#(link)">\#(cut(name))</a>"#
    }

    /// A tenant's amounts are all in its one currency.
    var currency: String { visit.call.tenant.profile.currency }

    /// A column of amounts: its head says the currency, as it stands in no cell.
    func money(_ title: String) -> Column { Column("\(title), \(currency)", .number) }

    func amount(_ row: Row, _ name: String) -> HTML { Amount(row[name]).html }
}

extension Row {
    /// How many lines of a kind wait for the operator, of `/attention`, which counts the live book; nil where none do,
    /// and on a page of the test book.
    func waiting(_ kind: String, _ view: some PageView) -> Int? {
        view.visit.isTest ? nil : rows().first { $0["kind"] == kind }?.int("count")
    }
}
