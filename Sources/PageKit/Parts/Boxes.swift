package import HTML

/// A part of a page under a heading of its own. A value: any thread.
package struct Panel: MarkupPart {
    package let html: HTML

    /// `id`: of the panel, for a link or a script; its heading's follows from it. `live`: the seconds after which a
    /// script takes it anew, `from` a smaller page than the one that it stands on.
    package init(
        _ title: String, id: String? = nil, actions: HTML? = nil, live: Int? = nil, from source: Link? = nil,
        _ content: () throws -> HTML
    ) rethrows {
        let heading = "\(id ?? Field.id(title, scope: "panel"))-h"
        var attributes = Attributes()
        attributes.set("id", id)
        attributes.set("data-live", live)
        attributes.set("data-from", source?.text)
        let name: HTML = #"<h2 id="\#(heading)">\#(title)</h2>"#
        let head: HTML = actions.map { #"<header>\#(name)<div class="actions">\#($0)</div></header>"# } ?? name
        html = """
            <section class="panel" aria-labelledby="\(heading)"\(attributes)>\(head)
            \(try content())</section>
            """
    }
}

/// What there is to know about one thing, name by name. A value: any thread.
package struct Facts: MarkupPart {
    package let html: HTML

    /// `isRow`: side by side, as figures. A fact that is nil is left out.
    package init(isRow: Bool = false, _ facts: [(name: String, value: HTML?)]) {
        let known = facts.compactMap { fact in fact.value.map { (fact.name, $0) } }
        html = """
            <dl class="\(isRow ? "facts row" : "facts")">\
            \(each: known, { "<div><dt>\($0.0)</dt><dd>\($0.1)</dd></div>" })</dl>
            """
    }
}

/// What was done, or what to know first. A value: any thread.
package struct Notice: MarkupPart {
    package let html: HTML

    package init(_ tone: Tone, _ content: HTML) {
        html = #"<div class="notice \#(tone.rawValue)" role="\#(tone == .bad ? "alert" : "status")">\#(content)</div>"#
    }
}

/// Why nothing was done, at the head of the page, with the fields that are to blame. It has the focus when the page
/// comes. A value: any thread.
package struct Problems: MarkupPart {
    package let html: HTML

    /// `fields`: the field's label, its id (`Field.id`) and what was wrong.
    package init(_ sentence: String, fields: [(label: String, id: String, error: String)] = []) {
        let list: HTML = """
            <ul>\(each: fields, { #"<li><a href="\#(Link(fragment: $0.id))">\#($0.label): \#($0.error)</a></li>"# })</ul>
            """
        html = """
            <div class="notice bad" role="alert" id="problem" tabindex="-1" autofocus><p>\(sentence)</p>\
            \(if: !fields.isEmpty, list)</div>
            """
    }
}

/// There is nothing yet: what to do about it. A value: any thread.
package struct Empty: MarkupPart {
    package let html: HTML

    package init(_ title: String, _ sentence: HTML? = nil, actions: HTML? = nil) {
        let more: HTML? = sentence.map { "<p>\($0)</p>" }
        let does: HTML? = actions.map { #"<div class="actions">\#($0)</div>"# }
        html = #"<div class="empty"><p><b>\#(title)</b></p>\#(more)\#(does)</div>"#
    }
}

/// A text to take along, with a button where scripts run. A value: any thread.
package struct CopyBox: MarkupPart {
    package let html: HTML

    /// `label`: what it is, for the button. `isBlock`: it has several lines.
    package init(_ value: String, id: String, label: String, isBlock: Bool = false) {
        let text: HTML =
            isBlock
            ? #"<pre class="code" id="\#(id)">\#(value)</pre>"# : #"<code id="\#(id)">\#(value)</code>"#
        html = """
            <div class="copy">\(text)<button type="button" class="button" data-copy="\(id)" hidden>Copy\
            <span class="unseen"> \(label)</span></button></div>
            """
    }
}
