import CallKit
package import HTML
package import HTTPCore

/// The forms of a page: each is a call of an API, with the tokens that make it ours and make it happen once.
extension PageView {
    /// A form that makes this call, say `PATCH /resellers/res_1`. `said`: what the next page says. `next`: where that
    /// is; `{id}` in it is the id of what was made.
    package func form(
        _ call: String, said: Said = .saved, next: Link? = nil, swap: String? = nil, sendsFiles: Bool = false,
        isButton: Bool = false, _ content: () -> HTML
    ) -> Form {
        Form(
            call: call, tokens: visit.tokens, said: said.rawValue, next: next, swap: swap, sendsFiles: sendsFiles,
            isButton: isButton, content)
    }

    /// A form that is nothing but a button.
    package func button(
        _ text: String, _ call: String, said: Said = .saved, _ look: ButtonLook = .quiet, next: Link? = nil
    ) -> Form {
        form(call, said: said, next: next, isButton: true) { "\(Button(text, look))" }
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

    package func link(_ path: StaticString, _ parts: String..., query: [(String, String?)] = []) -> Link {
        visit.link(below: visit.site.basePath, path, parts, query)
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

    /// The same list from where this page of it ends; nil at its end.
    package func next(_ list: Row) -> Link? { list.optional("next_cursor").map { visit.here([("cursor", $0)]) } }

    /// The list from its beginning; nil where the page is its beginning.
    package func first() -> Link? { visit.asked("cursor") == nil ? nil : visit.here([("cursor", nil)]) }
}
