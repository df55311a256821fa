package import HTML

/// What a search found: one thing, and the way to its page. A value: any thread.
package struct Find: Sendable {
    package let link: Link
    private let kind: String
    private let name: String
    private let state: String?
    private let about: String

    package init(kind: String, name: String, link: Link, state: String?, about: String) {
        self.kind = kind
        self.name = name
        self.link = link
        self.state = state
        self.about = about
    }

    /// All that was found; `empty` where that is nothing.
    package static func table(_ finds: [Find], caption: String, empty: Empty) -> DataTable {
        DataTable(
            caption: caption, columns: [Column("Found"), Column("Kind"), Column("State"), Column("About")],
            rows: finds.map { find in
                [
                    #"<a href="\#(find.link)">\#(find.name)</a>"#, "\(find.kind)",
                    find.state.map { "\(State($0))" } ?? "", "\(find.about)",
                ]
            }, empty: empty.html)
    }
}
