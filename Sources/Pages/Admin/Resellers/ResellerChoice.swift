import HTML
import PageKit

/// The resellers to choose from, by their names; where one page of the API does not have them all, a field takes an id.
/// A value: any thread.
struct ResellerChoice: Sendable {
    private let known: [(id: String, name: String)]
    private let isWhole: Bool

    init(_ view: View) throws {
        let list = try view.ask("/resellers", [("limit", "100")])
        let rows = list?.rows() ?? []
        known = rows.map { row in (id: row["id"], name: Self.cut(row.text("company") ?? row["name"])) }
        isWhole = list.map { view.next($0) == nil } ?? false
    }

    init(_ view: SlowView) async throws { self = try await view.reading { try ResellerChoice($0) } }

    /// Of a list. What is asked for stands in it, also where no reseller has that id.
    func filter(_ view: some PageView) -> FormField {
        guard isWhole else { return view.filter("Reseller", "reseller", hint: "Its id") }
        return view.filter("Reseller", "reseller", .select(offered("Any", view.visit.asked("reseller"))))
    }

    /// Of a form. `none`: what it means to choose none; nil where one is to be chosen.
    func field(
        _ label: String, none: String? = nil, hint: String, value: String? = nil, _ view: some PageView
    ) -> FormField {
        let isRequired = none == nil
        guard isWhole else { return view.field(label, "reseller", value: value, hint: hint, isRequired: isRequired) }
        return view.field(
            label, "reseller", .select(offered(none ?? "Choose one", value)), value: value, isRequired: isRequired)
    }

    /// A name as far as a list to choose from has room for it.
    private static func cut(_ name: String) -> String {
        name.count > nameCharacters ? "\(name.prefix(nameCharacters))…" : name
    }

    private static let nameCharacters = 40

    private func offered(_ none: String, _ value: String?) -> [FormField.Option] {
        var options = [FormField.Option("", none)] + known.map { FormField.Option($0.id, $0.name) }
        if let value, !known.contains(where: { $0.id == value }) { options.append(FormField.Option(value)) }
        return options
    }
}
