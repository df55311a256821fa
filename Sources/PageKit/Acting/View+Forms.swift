import CallKit
package import HTML
package import HTTPCore

/// The forms of a page: each is a call of an API, with the tokens that make it ours and make it happen once.
extension PageView {
    /// A form that makes this call, say `PATCH /resellers/res_1`. `said`: what the next page says. `next`: where that
    /// is; `{id}` in it is the id of what was made. `once`: what makes it happen once, where a page that comes back is
    /// to have the same.
    package func form(
        _ call: String, said: Said = .saved, next: Link? = nil, once: String? = nil, swap: String? = nil,
        sendsFiles: Bool = false, isButton: Bool = false, _ content: () -> HTML
    ) -> Form {
        let tokens = visit.tokens
        return Form(
            call: call, tokens: FormTokens(csrf: tokens.csrf, once: once ?? tokens.once), said: said.rawValue,
            next: next, swap: swap, sendsFiles: sendsFiles, isButton: isButton, content)
    }

    /// What makes a form happen once, for the address of the page that it will stand on.
    package var once: String { visit.tokens.once }

    /// A form that is nothing but a button.
    package func button(
        _ text: String, _ call: String, said: Said = .saved, _ look: ButtonLook = .quiet, next: Link? = nil
    ) -> Form {
        form(call, said: said, next: next, isButton: true) { "\(Button(text, look))" }
    }

    /// The page of a call that takes something away: it says first what happens. `button`: what is pressed there.
    /// `back`: where it leads, done or not.
    package func confirmation(
        _ title: String, sub: HTML? = nil, _ what: HTML, button: String, _ call: String, said: Said, back: Link,
        fields: HTML? = nil
    ) -> PageContent {
        let asked = form(call, said: said, next: back) {
            """
            \(fields)<div class="actions">\(Button(button, .danger))\(Button("Cancel", .quiet, leadsTo: back))</div>
            """
        }
        return PageContent(title, sub: sub, Panel("What happens") { "\(what)\(asked)" }.html)
    }

    /// A field of a form: what was typed when it was refused stands there again, with what is wrong with it.
    package func field(
        _ label: String, _ name: String, _ kind: FormField.Kind = .text, value: String? = nil, unit: String? = nil,
        hint: String? = nil, isRequired: Bool = true, autocomplete: String? = nil, size: FormField.Size? = nil,
        scope: String? = nil
    ) -> FormField {
        visit.attempt?.fields.note(label, of: name, id: FormField.id(name, scope: scope))
        return FormField(
            label, name: name, kind: kind, value: visit.attempt?.value(of: name) ?? value, unit: unit, hint: hint,
            error: visit.attempt?.error(of: name), isRequired: isRequired, autocomplete: autocomplete, size: size,
            scope: scope)
    }

    /// A list to choose from; where the page does not have all of it, a field to type in, which `hint` explains.
    package func choice(
        _ label: String, _ name: String, _ options: [FormField.Option], isWhole: Bool, hint: String,
        value: String? = nil
    ) -> FormField {
        field(label, name, isWhole ? .select(options) : .text, value: value, hint: isWhole ? nil : hint)
    }

    /// A box for each of some values, of which at least one is to be ticked: that none is ticked is said too. What was
    /// ticked when it was refused is ticked again.
    package func choices(_ legend: String, _ name: String, _ values: [String], chosen: Set<String>) -> HTML {
        visit.attempt?.fields.note(legend, of: name, id: FormField.id(name))
        let sent = visit.attempt.map { attempt in
            Set(attempt.pairs.compactMap { pair in pair.name == name ? pair.value : nil })
        }
        let boxes = Choices(
            legend, name: name, values, chosen: sent ?? chosen, error: visit.attempt?.error(of: name))
        return "\(FormField.hidden(name, ""))\(boxes)"
    }

    package func link(_ path: StaticString, _ parts: String..., query: [(String, String?)] = []) -> Link {
        visit.link(below: visit.site.basePath, path, parts, query)
    }

    /// The list as it was seen on the way here; without that, the one that is asked for so.
    package func seen(_ path: StaticString, or query: [(String, String?)]) -> Link {
        visit.cameFrom(path) ? link(path) : link(path, query: query)
    }

    /// Throws the refusal of whoever may not make this call: a page that is nothing but its form is not for them.
    package func expects(_ method: HTTPCore.Method, _ path: String, of api: String? = nil) throws {
        try visit.expects(method, path, of: api)
    }

    package func may(_ method: HTTPCore.Method, _ path: String, of api: String? = nil) -> Bool {
        visit.may(method, path, of: api)
    }
}

/// What lists have in common.
extension PageView {
    /// Parameters of the page's own query that go on to the API as they are.
    package func asked(_ names: String...) -> [(String, String?)] { names.map { ($0, visit.asked($0)) } }

    /// The same list by one of a few values of a parameter; nil: by none.
    package func tabs(
        _ label: String, _ name: String, _ values: [(title: String, value: String?, count: Int?)]
    ) -> Tabs {
        let asked = visit.asked(name)
        return Tabs(
            label,
            values.map { title, value, count in
                Tabs.Tab(
                    title, visit.here([(name, value), ("cursor", nil)]), count: count, isCurrent: asked == value)
            })
    }

    /// Whether a filter is set besides the tab: a list that is empty then says so.
    package func isFiltered(_ names: [String]) -> Bool { names.contains { visit.asked($0) != nil } }

    /// Takes the filters of these parameters away, and the place in the list with them; nil where none is set.
    package func clear(_ names: [String]) -> HTML? {
        isFiltered(names)
            ? Button("Clear", .quiet, leadsTo: visit.here((names + ["cursor"]).map { ($0, nil) })).html : nil
    }

    /// A column that the API orders its list by, where it is told its `name`, or that behind a minus: by it, then the
    /// other way. `first`: which way it goes first. `own`: how the list is ordered where nothing is asked.
    package func column(
        _ title: String, _ kind: Column.Kind = .text, sortedBy name: String, first: Column.Order = .up, own: String
    ) -> Column {
        let downward = "-\(name)"
        let sort = visit.asked("sort") ?? own
        let order: Column.Order? = sort == name ? .up : sort == downward ? .down : nil
        let next: Column.Order = order == nil ? first : order == .up ? .down : .up
        let link = visit.here([("sort", next == .up ? name : downward), ("cursor", nil)])
        return Column(title, kind, sort: link, order: order)
    }

    /// For a list that has nothing to show.
    package func nothing(_ title: String, _ sentence: String, filters: [String]) -> HTML {
        isFiltered(filters)
            ? Empty(
                "Nothing found", "No row fits these filters.",
                actions: "\(Button("Clear the filters", leadsTo: visit.here((filters + ["cursor"]).map { ($0, nil) })))"
            ).html
            : Empty(title, "\(sentence)").html
    }

    /// An id that is the way to what it names. `book`: in which that is, `live` or `test`; nil: in the page's.
    package func idLink(_ path: StaticString, _ id: String, of book: String? = nil) -> HTML {
        #"<a href="\#(link(path, id, query: [("mode", book)]))"><code>\#(id)</code></a>"#
    }

    /// The same list from where this page of it ends; nil at its end.
    package func next(_ list: Row) -> Link? { list.optional("next_cursor").map(next(cursor:)) }

    /// The same list from a place on, which knows the way back to here.
    package func next(cursor: String) -> Link {
        visit.here([("cursor", cursor), ("back", WayBack(visit).longer.text)])
    }

    /// The pages before this one: nil where the page is the list's beginning.
    package func first() -> Earlier? {
        guard visit.asked("cursor") != nil else { return nil }
        let first = visit.here([("cursor", nil), ("back", nil)])
        let way = WayBack(visit)
        guard let last = way.places.last else { return .pages(first: first, previous: nil) }
        if last == WayBack.beginning { return .page(first) }
        return .pages(first: first, previous: visit.here([("cursor", last), ("back", way.shorter.text)]))
    }
}

/// The pages of a list that were passed on the way to this one, as the address keeps them: their cursors, the latest
/// last.
/// A value: any thread.
private struct WayBack {
    /// The page that has no cursor.
    static let beginning = "0"
    /// Cursors have no full stop.
    private static let separator: Character = "."
    private static let placesMax = 12
    private static let charactersMax = 1_024

    let places: [String]

    private let here: String

    init(_ visit: Visit) {
        here = visit.asked("cursor") ?? Self.beginning
        let text = here == Self.beginning ? "" : visit.asked("back") ?? ""
        places = text.split(separator: Self.separator).map(String.init)
    }

    private init(_ places: [String], here: String) {
        self.places = places
        self.here = here
    }

    /// Nil where there is none.
    var text: String? { places.isEmpty ? nil : places.joined(separator: String(Self.separator)) }

    var shorter: WayBack { WayBack(Array(places.dropLast()), here: here) }

    /// With this page. Of a long way the latest places are kept: an address has an end.
    var longer: WayBack {
        var kept = Array((places + [here]).suffix(Self.placesMax))
        while kept.count > 1, kept.reduce(0, { $0 + $1.count + 1 }) > Self.charactersMax { kept.removeFirst() }
        return WayBack(kept, here: here)
    }
}
