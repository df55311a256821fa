package import HTML

/// One cell of a sheet, which heads of rows and columns name. A value: any thread.
package struct SheetCell: MarkupPart {
    package let html: HTML

    /// `error`: the id that its field has then, and what is wrong with it.
    package init(_ name: String, _ attributes: Attributes, error: (id: String, text: String)?) {
        guard let error else {
            html = #"<td><input name="\#(name)"\#(attributes)></td>"#
            return
        }
        var marked = attributes
        marked.set("id", error.id)
        marked.set("aria-invalid", "true")
        marked.set("aria-describedby", error.id + "-e")
        html = """
            <td class="error"><input name="\(name)"\(marked)>\
            <p class="error" id="\(error.id)-e">\(error.text)</p></td>
            """
    }
}
