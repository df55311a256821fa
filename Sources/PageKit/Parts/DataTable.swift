package import HTML

/// How a column is written: its values begin at the left, or they are numbers, ids that may be cut, buttons.
package struct Column: Sendable {
    package enum Kind: String, Sendable {
        case text
        case number = "n"
        case id = "key"
        case buttons = "does"
    }

    package enum Order: String, Sendable {
        case up = "ascending"
        case down = "descending"
    }

    let title: String
    let kind: Kind
    let sort: Link?
    let order: Order?

    /// `sort`: the same list, ordered by this column; `order`: how it is ordered now.
    package init(_ title: String, _ kind: Kind = .text, sort: Link? = nil, order: Order? = nil) {
        self.title = title
        self.kind = kind
        self.sort = sort
        self.order = order
    }

    var classed: Attributes {
        var attributes = Attributes()
        attributes.set("class", kind == .text ? nil : kind.rawValue)
        return attributes
    }

    fileprivate var head: HTML {
        var attributes = classed
        attributes.set("aria-sort", order?.rawValue)
        let name: HTML =
            switch (sort, kind) {
            case (let sort?, _): #"<a href="\#(sort)">\#(title)</a>"#
            // A column of buttons has a name for those who do not see it.
            case (nil, .buttons): #"<span class="unseen">\#(title)</span>"#
            case (nil, _): "\(title)"
            }
        return #"<th scope="col" role="columnheader"\#(attributes)>\#(name)</th>"#
    }
}

/// A list. The first cell of a row is its head: the link to what the row is about. Where there are no rows it says what
/// to do instead; where more may be behind them, as a filter looks through so many rows at a time, to look there. A
/// value: any thread.
package struct DataTable: MarkupPart {
    /// What becomes of it on a narrow screen.
    package enum Narrow: Sendable {
        /// Each row is a card.
        case cards
        /// It can be moved sideways.
        case scroll
        /// It is narrow itself.
        case same
    }

    private let caption: String
    private let columns: [Column]
    private let rows: [[HTML]]
    private let empty: HTML
    private let isCaptionSeen: Bool
    private let narrow: Narrow
    private let previous: Earlier?
    private let next: Link?

    /// `isCaptionSeen`: false where a heading says the same.
    package init(
        caption: String, columns: [Column], rows: [[HTML]], empty: HTML, isCaptionSeen: Bool = false,
        narrow: Narrow = .cards, previous: Earlier? = nil, next: Link? = nil
    ) {
        assert(rows.allSatisfy { $0.count == columns.count }, "a row of \(caption) has other columns")
        self.caption = caption
        self.columns = columns
        self.rows = rows
        self.empty = empty
        self.isCaptionSeen = isCaptionSeen
        self.narrow = narrow
        self.previous = previous
        self.next = next
    }

    package var html: HTML {
        let isEmpty = rows.isEmpty
        let pager = Pager("Pages of \(caption)", previous: previous, next: isEmpty ? nil : next)
        if isEmpty {
            let said: HTML = next.map(Self.further) ?? empty
            return "\(said)\(pager)"
        }
        var attributes = Attributes()
        attributes.set("class", narrow == .cards ? "cards" : nil)
        var captioned = Attributes()
        captioned.set("class", isCaptionSeen ? nil : "unseen")
        let cells = Array(zip(columns, columns.map(cellAttributes)).dropFirst())
        let table: HTML = """
            <table role="table"\(attributes)><caption\(captioned)>\(caption)</caption>
            <thead role="rowgroup"><tr role="row">\(each: columns, { $0.head })</tr></thead>
            <tbody role="rowgroup">\(each: rows, { line($0, cells.map(\.1)) })</tbody></table>
            """
        guard narrow == .scroll else { return "\(table)\(pager)" }
        return #"<div class="scroll" tabindex="0" role="region" aria-label="\#(caption)">\#(table)</div>\#(pager)"#
    }

    private static func further(_ next: Link) -> HTML {
        Empty(
            "None among those looked through so far", "There is more to look through.",
            actions: Button("Look further", .primary, leadsTo: next).html
        ).html
    }

    /// A card says what each of its values is.
    private func cellAttributes(_ column: Column) -> Attributes {
        var attributes = column.classed
        attributes.set("data-label", narrow == .cards && column.kind != .buttons ? column.title : nil)
        return attributes
    }

    private func line(_ cells: [HTML], _ attributes: [Attributes]) -> HTML {
        """
        <tr role="row"><th scope="row" role="rowheader">\(cells.first)</th>\
        \(each: zip(attributes, cells.dropFirst()), { #"<td role="cell"\#($0)>\#($1)</td>"# })</tr>

        """
    }
}

/// What of a list stands before this page of it: the page before, and the first one where that is another. A value: any
/// thread.
package struct Earlier: Sendable {
    let first: Link?
    let previous: Link?

    private init(first: Link?, previous: Link?) {
        self.first = first
        self.previous = previous
    }

    /// The page before is the first one, or of those whose number is in their address.
    package static func page(_ previous: Link) -> Earlier { Earlier(first: nil, previous: previous) }

    /// `previous`: nil where nothing is known of the page before.
    package static func pages(first: Link, previous: Link?) -> Earlier { Earlier(first: first, previous: previous) }
}

/// Links to what comes before and behind; nothing where all is on the page. A value: any thread.
package struct Pager: MarkupPart {
    package let html: HTML

    package init(_ label: String, previous: Earlier?, next: Link?) {
        guard previous != nil || next != nil else {
            html = ""
            return
        }
        let first: HTML? = previous?.first.map { #"<a class="button" rel="first" href="\#($0)">First page</a>"# }
        let back: HTML? = previous?.previous.map { #"<a class="button" rel="prev" href="\#($0)">Previous</a>"# }
        let onward: HTML? = next.map { #"<a class="button" rel="next" href="\#($0)">Next</a>"# }
        html = #"<nav class="pager" aria-label="\#(label)">\#(first)\#(back)\#(onward)</nav>"#
    }
}

/// The same list by what its rows have in common, each with how many there are. A value: any thread.
package struct Tabs: MarkupPart {
    package struct Tab: Sendable {
        let title: String
        let link: Link
        let count: Int?
        let isCurrent: Bool

        package init(_ title: String, _ link: Link, count: Int? = nil, isCurrent: Bool) {
            self.title = title
            self.link = link
            self.count = count
            self.isCurrent = isCurrent
        }

        fileprivate var html: HTML {
            var attributes = Attributes()
            attributes.set("aria-current", isCurrent ? "page" : nil)
            let number: HTML? = count.map { #" <span class="count">\#(Figure.grouped($0))</span>"# }
            return #"<a href="\#(link)"\#(attributes)>\#(title)\#(number)</a>"#
        }
    }

    package let html: HTML

    package init(_ label: String, _ tabs: [Tab]) {
        html = #"<nav class="tabs" aria-label="\#(label)">\#(each: tabs, { $0.html })</nav>"#
    }
}
