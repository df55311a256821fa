/// Several of some values: a box for each, all of one name. A value: any thread.
package struct Choices: MarkupPart {
    package let html: HTML

    /// `chosen`: those whose boxes are ticked.
    package init(_ legend: String, name: String, _ values: [String], chosen: Set<String>, error: String? = nil) {
        let note = "\(Field.id(name))-error"
        let wrong: HTML? = error.map { #"<p class="error" id="\#(note)">\#($0)</p>"# }
        let isWrong = error != nil
        let boxes: HTML = "\(each: values, { Self.box($0, name, isChosen: chosen.contains($0), isWrong: isWrong) })"
        var attributes = Attributes()
        attributes.set("id", Field.id(name))
        // The head of the page leads here: what takes the focus is read out with its error.
        attributes.set("tabindex", isWrong ? "-1" : nil)
        attributes.set("aria-describedby", isWrong ? note : nil)
        html = "<fieldset\(attributes)><legend>\(legend)</legend>\(boxes)\(wrong)</fieldset>"
    }

    private static func box(_ value: String, _ name: String, isChosen: Bool, isWrong: Bool) -> HTML {
        let id = Field.id(name, scope: value.replacing(".", with: "-").replacing(":", with: "-"))
        var attributes = Attributes()
        attributes.set("id", id)
        attributes.set("name", name)
        attributes.set("value", value)
        attributes.set("checked", if: isChosen)
        attributes.set("aria-invalid", isWrong ? "true" : nil)
        return """
            <div class="field check"><input type="checkbox"\(attributes)><label for="\(id)">\(value)</label></div>
            """
    }
}
