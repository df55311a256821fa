/// Attributes that an element has or has not: `<input\(attributes)>`. Their values are escaped and quoted. A value: any
/// thread.
package struct Attributes: Sendable {
    private(set) var bytes: [UInt8] = []

    package init() {}

    /// Nil: the element does not have it. Addresses stand in literals, as `Link`s.
    package mutating func set(_ name: StaticString, _ value: String?) {
        guard let value else { return }
        assert(MarkupContext.takesText(name), "a text is no value of \(name)")
        add(name)
        bytes.append("=\"")
        bytes.appendEscaped(value)
        bytes.append("\"")
    }

    package mutating func set(_ name: StaticString, _ value: Int?) {
        set(name, value.map { String($0) })
    }

    /// One without a value, say `required`.
    package mutating func set(_ name: StaticString, if isThere: Bool) {
        if isThere { add(name) }
    }

    private mutating func add(_ name: StaticString) {
        bytes.append(" ")
        bytes.append(name)
    }
}
