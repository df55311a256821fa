/// A whole document: its head, and a body that a surface fills. A value: any thread.
package struct Layout: Sendable {
    /// Chosen by the reader; without one the reader's device decides.
    package enum Light: String, CaseIterable, Sendable {
        case light, dark
    }

    /// How high the rows of tables are; without a choice between the two.
    package enum Rows: String, CaseIterable, Sendable {
        case comfortable, compact
    }

    private let title: String
    private let light: Light?
    private let rows: Rows?
    private let head: HTML
    private let body: Attributes
    private let content: HTML

    /// What it loads stands in files: nothing is styled or run by the document itself. `body`: of that element.
    package init(
        title: String, stylesheets: [Link], scripts: [Link] = [], icon: Link? = nil, light: Light? = nil,
        rows: Rows? = nil, body: Attributes = Attributes(), content: HTML
    ) {
        self.title = title
        self.light = light
        self.rows = rows
        self.body = body
        self.content = content
        head = """
            <meta name="color-scheme" content="light dark">\
            \(each: stylesheets, { #"<link rel="stylesheet" href="\#($0)">"# })\
            \(each: scripts, { #"<script src="\#($0)" defer></script>"# })\
            \(icon.map { #"<link rel="icon" href="\#($0)">"# as HTML })
            """
    }

    /// A page of one card, for whoever is not signed in. `name`, `logo`: who speaks, above it; without a name nobody
    /// does.
    package init(
        card title: String, stylesheets: [Link], scripts: [Link] = [], icon: Link? = nil, light: Light? = nil,
        rows: Rows? = nil, name: String? = nil, logo: Link? = nil, isWide: Bool = false, _ content: HTML
    ) {
        var plain = Attributes()
        plain.set("class", isWide ? "plain wide" : "plain")
        let image: HTML? = logo.map { #"<img src="\#($0)" alt="">"# }
        let brand: HTML? = name.map { #"<header class="brand">\#(image)<b dir="auto">\#($0)</b></header>"# }
        self.init(
            title: title, stylesheets: stylesheets, scripts: scripts, icon: icon, light: light, rows: rows,
            body: plain, content: #"\#(brand)<main id="main" class="panel">\#(content)</main>"#)
    }

    package var html: HTML {
        var attributes = Attributes()
        attributes.set("lang", "en")
        attributes.set("data-theme", light?.rawValue)
        attributes.set("data-rows", rows?.rawValue)
        return """
            <!doctype html><html\(attributes)><head><meta charset="utf-8">\
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <title>\(title)</title>\(head)</head>
            <body\(body)>\(content)</body></html>

            """
    }
}
