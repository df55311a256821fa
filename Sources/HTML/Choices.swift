/// Several of some values: a box for each, all of one name. A value: any thread.
package struct Choices: MarkupPart {
    package let html: HTML

    /// `chosen`: those whose boxes are ticked.
    package init(_ legend: String, name: String, _ values: [String], chosen: Set<String>, error: String? = nil) {
        let wrong: HTML? = error.map { #"<p class="error" id="\#(Field.id(name))-error">\#($0)</p>"# }
        let boxes: HTML = "\(each: values, { Self.box($0, name, isChosen: chosen.contains($0)) })"
        html = #"<fieldset id="\#(Field.id(name))"><legend>\#(legend)</legend>\#(boxes)\#(wrong)</fieldset>"#
    }

    private static func box(_ value: String, _ name: String, isChosen: Bool) -> HTML {
        let id = Field.id(name, scope: value.replacing(".", with: "-").replacing(":", with: "-"))
        var attributes = Attributes()
        attributes.set("id", id)
        attributes.set("name", name)
        attributes.set("value", value)
        attributes.set("checked", if: isChosen)
        return """
            <div class="field check"><input type="checkbox"\(attributes)><label for="\(id)">\(value)</label></div>
            """
    }
}
