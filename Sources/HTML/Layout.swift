/// The frame of a page: its title, its stylesheet, who speaks, the content. A value: any thread.
package struct Layout: Sendable {
    private let title: String
    private let style: Stylesheet
    private let header: HTML
    private let content: HTML

    /// `name`, `logo`: who speaks, at the head of the page; without a name nobody does.
    package init(title: String, style: Stylesheet, name: String?, logo: Link?, content: HTML) {
        self.title = title
        self.style = style
        let image: HTML = logo.map { #"<img src="\#($0)" alt="">"# } ?? ""
        header = name.map { "<header>\(image)\($0)</header>" } ?? ""
        self.content = content
    }

    /// The whole document.
    package var html: HTML {
        """
        <!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
        <title>\(title)</title>\(style)
        <body>\(header)<main>\(content)</main></body></html>

        """
    }
}

extension Stylesheet {
    /// What all pages look like, in these colours.
    package static func page(background: CSSColour, primary: CSSColour) -> Stylesheet {
        """
        body{font:1rem/1.5 system-ui,sans-serif;max-width:26rem;margin:3rem auto;padding:0 1rem;\
        background:\(background)}
        header{font-weight:600}header img{height:2rem;margin-right:.5rem;vertical-align:middle}
        input,button{font:inherit;box-sizing:border-box;width:100%;padding:.5rem;margin:.25rem 0 .75rem}
        button{background:\(primary);color:#fff;border:0;border-radius:.25rem;cursor:pointer}
        """
    }
}
