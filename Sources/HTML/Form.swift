/// A form that posts to the page's own address. A value: any thread.
package struct Form: MarkupPart {
    private let content: HTML

    package init(_ content: HTML) { self.content = content }

    package var html: HTML { #"<form method="post">\#(content)</form>"# }
}

/// An input with its label. Its name is the operation's own. A value: any thread.
package struct Field: MarkupPart {
    package enum Kind: String, Sendable {
        case email, password
    }

    private let label: String
    private let attributes: Attributes

    /// `characters`: how many there may be, as the page says; the operation judges them again.
    package init(
        _ label: String, name: String, kind: Kind, charactersMin: Int? = nil, charactersMax: Int? = nil,
        isRequired: Bool = true, autocomplete: String? = nil
    ) {
        self.label = label
        var attributes = Attributes()
        attributes.set("type", kind.rawValue)
        attributes.set("name", name)
        attributes.set("minlength", charactersMin)
        attributes.set("maxlength", charactersMax)
        attributes.set("required", if: isRequired)
        attributes.set("autocomplete", autocomplete)
        self.attributes = attributes
    }

    package var html: HTML { "<label>\(label)<input\(attributes)></label>" }
}

/// A button that sends its form, with this name and value. A value: any thread.
package struct Button: MarkupPart {
    private let text: String
    private let attributes: Attributes

    package init(_ text: String, name: String? = nil, value: String? = nil) {
        self.text = text
        var attributes = Attributes()
        attributes.set("name", name)
        attributes.set("value", value)
        self.attributes = attributes
    }

    package var html: HTML { "<button\(attributes)>\(text)</button>" }
}
