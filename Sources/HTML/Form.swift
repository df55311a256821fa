/// What a form carries so that a page of somebody else cannot send it, and so that pressing twice does it once. They
/// are made for the reader's session, or for the cookie that an open page sets. A value: any thread.
package struct FormTokens: Sendable {
    package let csrf: String
    package let once: String

    package init(csrf: String, once: String) {
        self.csrf = csrf
        self.once = once
    }
}

/// A form. One that posts cannot be made without tokens. A value: any thread.
package struct Form: MarkupPart {
    /// What the frame puts into a form, beside the fields of the operation.
    package enum Hidden: String, CaseIterable, Sendable {
        /// The call that it makes: `PATCH /resellers/res_1`.
        case call = "_call"
        case token = "_token"
        case once = "_once"
        /// The word for what was done, for the page that follows.
        case said = "_said"
        /// Where to go then; the page's own address otherwise.
        case next = "_next"
    }

    package let html: HTML

    /// `swap`: ids of the parts that a script takes from the answer; without a script the whole page comes.
    /// `isButton`: there is nothing but a button in it.
    package init(
        call: String, tokens: FormTokens, said: String? = nil, next: Link? = nil, to action: Link? = nil,
        swap: String? = nil, sendsFiles: Bool = false, isButton: Bool = false, _ content: () -> HTML
    ) {
        var attributes = Self.posting(to: action)
        attributes.set("class", isButton ? "one" : nil)
        attributes.set("enctype", sendsFiles ? "multipart/form-data" : nil)
        attributes.set("data-swap", swap)
        let hidden: [(Hidden, String?)] = [
            (.call, call), (.token, tokens.csrf), (.once, tokens.once), (.said, said), (.next, next?.text),
        ]
        html = "<form\(attributes)>\(Self.inputs(hidden))\(content())</form>"
    }

    /// Of a page that anybody may open. It makes no call of an API.
    package init(open tokens: FormTokens, next: Link? = nil, to action: Link? = nil, _ content: () -> HTML) {
        let hidden: [(Hidden, String?)] = [(.token, tokens.csrf), (.once, tokens.once), (.next, next?.text)]
        html = "<form\(Self.posting(to: action))>\(Self.inputs(hidden))\(content())</form>"
    }

    /// How a form looks that asks for a page.
    package enum Asking: String, Sendable {
        case filters, search
        /// As one that posts.
        case plain
    }

    /// Asks for a page: filters, a search. What it asks stands in the address. `keeping`: what else was asked.
    package static func get(
        _ action: Link, keeping: [(name: String, value: String)] = [], _ look: Asking = .filters,
        _ content: () -> HTML
    ) -> HTML {
        var attributes = Attributes()
        attributes.set("method", "get")
        attributes.set("action", action)
        attributes.set("class", look == .plain ? nil : look.rawValue)
        attributes.set("role", look == .search ? look.rawValue : nil)
        let kept: HTML = "\(each: keeping, { Field.hidden($0.name, $0.value) })"
        return "<form\(attributes)>\(kept)\(content())</form>"
    }

    private static func posting(to action: Link?) -> Attributes {
        var attributes = Attributes()
        attributes.set("method", "post")
        attributes.set("action", action)
        return attributes
    }

    private static func inputs(_ hidden: [(Hidden, String?)]) -> HTML {
        "\(each: hidden, { name, value in value.map { Field.hidden(name.rawValue, $0) } ?? "" })"
    }
}

package enum ButtonLook: String, Sendable {
    case plain, primary, quiet, danger

    fileprivate var classes: String { self == .plain ? "button" : "button \(rawValue)" }
}

/// A button that sends its form, with this name and value. A value: any thread.
package struct Button: MarkupPart {
    package let html: HTML

    package init(_ text: String, _ look: ButtonLook = .plain, name: String? = nil, value: String? = nil) {
        var attributes = Attributes()
        attributes.set("class", look.classes)
        attributes.set("name", name)
        attributes.set("value", value)
        html = "<button\(attributes)>\(text)</button>"
    }

    /// One that leads to a page.
    package init(_ text: String, _ look: ButtonLook = .plain, leadsTo link: Link) {
        html = #"<a class="\#(look.classes)" href="\#(link)">\#(text)</a>"#
    }
}
