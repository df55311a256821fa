package import HTML

/// Numbers of one kind, one for each step of a chart.
package struct Series: Sendable {
    let name: String
    let values: [Int]

    package init(_ name: String, _ values: [Int]) {
        self.name = name
        self.values = values
    }

    /// The sum of each `width` neighbours; of fewer at the end.
    fileprivate func gathered(by width: Int) -> Series {
        let sums = stride(from: 0, to: values.count, by: width).map { start in
            values[start..<min(start + width, values.count)].reduce(0, +)
        }
        return Series(name, sums)
    }
}

/// Numbers of one kind over time, piled up: what they come to together says something. What a chart shows, its table
/// has: both are written from this.
private struct Piles {
    let series: [Series]
    let labels: [String]
    let decimals: Int
    private let totals: [Int]
    let most: Int
    /// Whether all numbers are zero. One may be less: what was given back may be more than what was sold.
    let isNothing: Bool

    init(_ series: [Series], labels: [String], decimals: Int) {
        assert(series.allSatisfy { $0.values.count == labels.count }, "each label has one value of each series")
        self.series = series
        self.labels = labels
        self.decimals = decimals
        totals = labels.indices.map { index in series.reduce(0) { $0 + $1.values[index] } }
        most = max(0, totals.max() ?? 0)
        isNothing = series.allSatisfy { $0.values.allSatisfy { $0 == 0 } }
    }

    func total(_ index: Int) -> Int { totals[index] }

    func text(_ number: Int) -> String { Figure.grouped(number, decimals: decimals) }

    /// `1,173 answered · 31 refused`
    func words(_ index: Int) -> String {
        series.map { "\(text($0.values[index])) \($0.name)" }.joined(separator: " · ")
    }

    /// Its parts from the bottom up, in hundredths of a percent of the height. What is there is seen, however little.
    func heights(_ index: Int) -> [(bottom: Int, height: Int)] {
        var bottom = 0
        return series.map { one in
            let value = max(0, one.values[index])
            let height = value == 0 ? 0 : max(Self.least, Figure.share(value, of: most, times: Self.whole - spare))
            defer { bottom += height }
            return (bottom, height)
        }
    }

    static let whole = 10_000
    private static let least = 100
    private var spare: Int { (series.count - 1) * Self.least }

    /// Least, most and last, for those who hear it.
    var description: String {
        guard let last = labels.indices.last, let least = labels.indices.min(by: { total($0) < total($1) }),
            let most = labels.indices.max(by: { total($0) < total($1) })
        else { return "no numbers" }
        return """
            least \(text(total(least))) at \(labels[least]); most \(text(total(most))) at \(labels[most]); \
            last \(text(total(last))) at \(labels[last])
            """
    }
}

/// Bars over time, with a table of the same numbers behind them; a line where there is nothing to draw. Where the steps
/// are too many for a page, a bar and a row stand for several neighbours. A value: any thread.
package struct BarChart: MarkupPart {
    /// What a bar and its row take, less what each series adds, and what it adds: bytes.
    private static let stepBytes = 200
    private static let seriesBytes = 130

    private let id: String
    private let title: String
    private let unit: String?
    private let step: String
    private let piles: Piles
    private let none: String
    private let isTitleSeen: Bool

    /// `step`: the kind of a label, say “Hour”. `decimals`: how many of a number's digits are behind the point. `none`:
    /// what it says where all numbers are zero. `isTitleSeen`: false where a heading says the same. `bytesMax`: what
    /// the chart and its table may take of a page, about.
    package init(
        id: String, title: String, unit: String? = nil, step: String, labels: [String], series: [Series],
        decimals: Int = 0, none: String = "Nothing in this time.", isTitleSeen: Bool = true, bytesMax: Int = 80_000
    ) {
        self.id = id
        self.title = title
        self.none = none
        self.isTitleSeen = isTitleSeen
        let barsMax = max(1, bytesMax / (Self.stepBytes + Self.seriesBytes * series.count))
        let width = max(1, (labels.count + barsMax - 1) / barsMax)
        if width == 1 {
            self.unit = unit
            self.step = step
            piles = Piles(series, labels: labels, decimals: decimals)
            return
        }
        let word = step.prefix { $0 != " " }.lowercased()
        let several = "\(width) \(word)s a bar"
        self.unit = unit.map { "\($0), \(several)" } ?? several
        self.step = "\(step), the first of \(width)"
        piles = Piles(
            series.map { $0.gathered(by: width) },
            labels: stride(from: 0, to: labels.count, by: width).map { labels[$0] }, decimals: decimals)
    }

    package var html: HTML {
        let units: HTML? = unit.map { #" <span class="sub">\#($0)</span>"# }
        let name: HTML = isTitleSeen ? "<b>\(title)</b>\(units)" : "\(units)"
        if piles.isNothing {
            return """
                <figure class="chart">\(if: isTitleSeen, "<figcaption>\(name)</figcaption>")<p class="sub">\(none)</p></figure>
                """
        }
        let most = piles.text(piles.most)
        return """
            <figure class="chart" data-chart><figcaption>\(name)\(if: piles.series.count > 1, keys)</figcaption>
            <div class="plot"><span class="max">\(most)</span>\
            <svg role="img" aria-labelledby="\(id)-t \(id)-d" width="100%" height="160">\
            <title id="\(id)-t">\(title)</title><desc id="\(id)-d">\(piles.description)</desc>\
            <line class="grid" x1="0" x2="100%" y1="0" y2="0"></line>\(each: piles.labels.indices, bar)\
            <line class="zero" x1="0" x2="100%" y1="100%" y2="100%"></line></svg></div>
            <div class="axis">\(each: axis, { "<span>\($0)</span>" })</div>
            <details><summary>Numbers</summary>\(table)</details></figure>
            """
    }

    /// The first label, the middle one and the last: there is room for them on a phone.
    private var axis: [String] {
        guard let last = piles.labels.indices.last else { return [] }
        var places = [0, last / 2, last]
        if last < 2 { places = Array(0...last) }
        return places.map { piles.labels[$0] }
    }

    private var keys: HTML {
        "\(each: piles.series.enumerated(), { #" <span class="key"><i class="s\#($0 + 1)"></i>\#($1.name)</span>"# })"
    }

    private func bar(_ index: Int) -> HTML {
        let count = piles.labels.count * 5
        let left = Figure.percent(index * 5, of: count)
        let width = Figure.percent(4, of: count)
        let parts = piles.heights(index).enumerated().filter { $1.height > 0 }.map { number, part -> HTML in
            let top = Figure.percent(Piles.whole - part.bottom - part.height, of: Piles.whole)
            let height = Figure.percent(part.height, of: Piles.whole)
            return """
                <rect class="s\(number + 1)" x="\(left)" width="\(width)" y="\(top)" height="\(height)"></rect>
                """
        }
        return #"<g data-label="\#(piles.labels[index])" data-text="\#(piles.words(index))">\#(parts)</g>"#
    }

    private var table: DataTable {
        let several = piles.series.count > 1
        let columns =
            [Column(step)] + piles.series.map { Column($0.name, .number) }
            + (several ? [Column("all", .number)] : [])
        let rows = piles.labels.indices.map { index -> [HTML] in
            let numbers = piles.series.map { $0.values[index] } + (several ? [piles.total(index)] : [])
            return ["\(piles.labels[index])"] + numbers.map { "\(piles.text($0))" }
        }
        return DataTable(caption: title, columns: columns, rows: rows, empty: "<p>No numbers.</p>", narrow: .same)
    }
}

/// A few bars in a line of text or a cell. A value: any thread.
package struct Sparkline: MarkupPart {
    package let html: HTML

    private static let height = 20
    private static let step = 4

    /// `label`: what it is, say “24 h”; the sums are said behind it.
    package init(_ label: String, series: [Series]) {
        let count = series.first?.values.count ?? 0
        let piles = Piles(series, labels: Array(repeating: "", count: count), decimals: 0)
        let sums = series.map { "\(Figure.grouped($0.values.reduce(0, +))) \($0.name)" }.joined(separator: ", ")
        let bars = (0..<count).flatMap { index in
            piles.heights(index).enumerated().filter { $1.height > 0 }.map { number, part -> HTML in
                let bottom = part.bottom * Self.height / Piles.whole
                let height = max(1, part.height * Self.height / Piles.whole)
                return """
                    <rect class="s\(number + 1)" x="\(index * Self.step)" y="\(Self.height - bottom - height)" \
                    width="3" height="\(height)"></rect>
                    """
            }
        }
        html = """
            <svg class="spark" viewbox="0 0 \(count * Self.step) \(Self.height)" width="\(count * Self.step)" \
            height="\(Self.height)" role="img" aria-label="\(label): \(sums)">\(bars)</svg>
            """
    }
}
