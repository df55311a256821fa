import CallKit
import HTML
import PageKit
import TenantRegistry

/// A list as its filters find it. What they name that is not there is said above the list, and the filters stay as
/// they were typed. A value: any thread.
struct Found: Sendable {
    let list: Row?
    private let problem: String?

    fileprivate init(_ ask: () async throws -> Row) async throws {
        do { self.init(try await ask()) } catch let refusal as Refusal { self = try Found(refusal) }
    }

    fileprivate init(_ ask: () throws -> Row) throws {
        do { self.init(try ask()) } catch let refusal as Refusal { self = try Found(refusal) }
    }

    private init(_ list: Row) {
        self.list = list
        problem = nil
    }

    private init(_ refusal: Refusal) throws {
        guard [400, 404, 422].contains(refusal.status) else { throw refusal }
        list = nil
        problem = refusal.sentence
    }

    var rows: [Row] { list?.rows() ?? [] }
    /// Of the amounts in it.
    var currency: String? { rows.first?.optional("currency") }
    var notice: HTML? { problem.map { Notice(.bad, "<p>\($0)</p>").html } }
}

extension SlowView {
    func found(_ path: String, _ query: [(String, String?)]) async throws -> Found {
        try await Found { try await get(path, query) }
    }
}

extension View {
    func found(_ path: String, _ query: [(String, String?)]) throws -> Found { try Found { try get(path, query) } }
}

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
        return #"<a href="\#(view.link("/resellers", id))">\#(view.cut(names[id] ?? id))</a>"#
    }
}

extension PageView {
    /// How long ago, or how soon.
    func ago(_ text: String?) -> HTML? { text.map { TimeText($0, now: visit.call.now).html } }

    /// A text that strangers write, as far as a list has room for it.
    func cut(_ text: String) -> HTML {
        text.count > Self.cutCharacters ? "\(text.prefix(Self.cutCharacters))…" : "\(text)"
    }

    private static var cutCharacters: Int { 40 }

    func amount(_ row: Row, _ name: String) -> HTML {
        let text = row[name]
        return text.hasPrefix("-")
            ? #"<span class="n minus">−\#(text.dropFirst())</span>"# : #"<span class="n">\#(text)</span>"#
    }

    /// An id that is the way to what it names.
    func idLink(_ path: StaticString, _ id: String) -> HTML {
        #"<a href="\#(link(path, id))"><code>\#(id)</code></a>"#
    }

    /// The fields of a list's filters. `keeping`: what else is asked and stays, the tab that is open.
    func filters(_ path: StaticString, keeping: [String], _ fields: [FormField]) -> HTML {
        let kept = (keeping + ["mode"]).compactMap { name in visit.asked(name).map { (name: name, value: $0) } }
        let clear = link(path, query: keeping.map { ($0, visit.asked($0)) })
        return Form.get(link(path), keeping: kept) {
            """
            \(each: fields, { $0.html })<div class="actions">\(Button("Filter"))\(Button("Clear", .quiet, leadsTo: clear))\
            </div>
            """
        }
    }

    /// One of them: what is asked for stands in it.
    func filter(_ label: String, _ name: String, _ kind: FormField.Kind = .search) -> FormField {
        FormField(
            label, name: name, kind: kind, value: visit.asked(name), isRequired: false, size: .short, scope: "by")
    }

    /// The same list by one of a few values of a parameter; nil: by none.
    func tabs(_ label: String, _ name: String, _ values: [(title: String, value: String?, count: Int?)]) -> Tabs {
        let asked = visit.asked(name)
        return Tabs(
            label,
            values.map { title, value, count in
                Tabs.Tab(
                    title, visit.here([(name, value), ("cursor", nil)]), count: count, isCurrent: asked == value)
            })
    }

    /// Whether a filter is set besides the tab: a list that is empty then says so.
    func isFiltered(_ names: [String]) -> Bool { names.contains { visit.asked($0) != nil } }

    /// For a list that has nothing to show.
    func nothing(_ title: String, _ sentence: String, filters: [String]) -> HTML {
        isFiltered(filters)
            ? Empty(
                "Nothing found", "No row fits these filters.",
                actions: "\(Button("Clear the filters", leadsTo: visit.here((filters + ["cursor"]).map { ($0, nil) })))"
            ).html
            : Empty(title, "\(sentence)").html
    }
}

extension Row {
    /// How many lines of a kind wait for the operator, of `/attention`; nil where none do.
    func waiting(_ kind: String) -> Int? { rows().first { $0["kind"] == kind }?.int("count") }
}
