/// Attributes that an element has or has not: `<input\(attributes)>`. Their values are escaped and quoted. A value: any
/// thread.
package struct Attributes: Sendable {
    private(set) var bytes: [UInt8] = []

    package init() {}

    /// Nil: the element does not have it.
    package mutating func set(_ name: StaticString, _ value: String?) {
        assert(MarkupContext.takesText(name), "a text is no value of \(name)")
        if let value { add(name, value) }
    }

    package mutating func set(_ name: StaticString, _ link: Link?) {
        assert(MarkupContext.takesLink(name), "an address is no value of \(name)")
        if let link { add(name, link.text) }
    }

    package mutating func set(_ name: StaticString, _ value: Int?) {
        set(name, value.map { String($0) })
    }

    /// Of what is drawn, which takes no text.
    package mutating func set(_ name: StaticString, colour: CSSColour) {
        assert(MarkupContext.takesColour(name), "a colour is no value of \(name)")
        add(name, colour.text)
    }

    /// One without a value, say `required`.
    package mutating func set(_ name: StaticString, if isThere: Bool) {
        if isThere { add(name, nil) }
    }

    package static func + (first: Attributes, second: Attributes) -> Attributes {
        var all = first
        all.bytes += second.bytes
        return all
    }

    private mutating func add(_ name: StaticString, _ value: String?) {
        bytes.append(" ")
        bytes.append(name)
        guard let value else { return }
        bytes.append("=\"")
        bytes.appendEscaped(value)
        bytes.append("\"")
    }
}
