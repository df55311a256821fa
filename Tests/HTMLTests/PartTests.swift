import HTML
import PageKit
import TenantRegistry
import TestSeeds
import Testing

/// Tables, charts and boxes.
@Suite struct PageParts {
    private func text(_ part: some MarkupPart) -> String { String(decoding: part.html.bytes, as: UTF8.self) }

    @Test("U5 a table says what it is, what its columns are and how it is ordered, and each card says it again")
    func table() {
        let table = DataTable(
            caption: "Resellers",
            columns: [
                Column("Name"),
                Column("Balance", .number, sort: Link("/r", query: [("sort", "balance")]), order: .down),
                Column("Actions", .buttons),
            ],
            rows: [["<a href=\"/r/1\">\("<Gamma>")</a>", "120.00", "\(Button("Approve"))"]], empty: "<p>None</p>",
            isCaptionSeen: true, next: Link("/r", query: [("after", "x")]))
        let expected: HTML = """
            <table role="table" class="cards"><caption>Resellers</caption>
            <thead role="rowgroup"><tr role="row"><th scope="col" role="columnheader">Name</th>\
            <th scope="col" role="columnheader" class="n" aria-sort="descending"><a href="/r?sort=balance">Balance</a></th>\
            <th scope="col" role="columnheader" class="does"><span class="unseen">Actions</span></th></tr></thead>
            <tbody role="rowgroup"><tr role="row"><th scope="row" role="rowheader"><a href="/r/1">&lt;Gamma&gt;</a></th>\
            <td role="cell" class="n" data-label="Balance">120.00</td>\
            <td role="cell" class="does"><button class="button">Approve</button></td></tr>
            </tbody></table><nav class="pager" aria-label="Pages of Resellers">\
            <a class="button" rel="next" href="/r?after=x">Next</a></nav>
            """
        #expect(table.html == expected)
    }

    @Test("a list without rows says what to do, and still leads back")
    func emptyTable() {
        let empty = Empty(
            "No resellers yet", "Invite one.", actions: "\(Button("Invite", .primary, leadsTo: Link("/i")))")
        let table = DataTable(
            caption: "R", columns: [Column("Name")], rows: [], empty: empty.html, previous: .page(Link("/r")))
        #expect(
            text(table)
                == "<div class=\"empty\"><p><b>No resellers yet</b></p><p>Invite one.</p><div class=\"actions\">"
                + "<a class=\"button primary\" href=\"/i\">Invite</a></div></div>"
                + "<nav class=\"pager\" aria-label=\"Pages of R\">"
                + "<a class=\"button\" rel=\"prev\" href=\"/r\">Previous</a></nav>")
    }

    @Test("U5 the page before and the first one are two links, and one where they are one")
    func pager() {
        let both = text(Pager("R", previous: .pages(first: Link("/r"), previous: Link("/r/2")), next: nil))
        #expect(
            both == "<nav class=\"pager\" aria-label=\"R\"><a class=\"button\" rel=\"first\" href=\"/r\">First page</a>"
                + "<a class=\"button\" rel=\"prev\" href=\"/r/2\">Previous</a></nav>")
        let unknown = text(Pager("R", previous: .pages(first: Link("/r"), previous: nil), next: nil))
        #expect(unknown.contains("First page") && !unknown.contains("Previous"))
    }

    @Test("a list that has found nothing so far offers to look further, once")
    func emptySoFar() {
        let table = text(
            DataTable(
                caption: "R", columns: [Column("Name")], rows: [], empty: Empty("No resellers yet").html,
                next: Link("/r", query: [("after", "x")])))
        #expect(table.contains("<a class=\"button primary\" href=\"/r?after=x\">Look further</a>"))
        #expect(!table.contains("No resellers yet") && !table.contains("rel=\"next\""))
    }

    @Test("U5 a table that is moved sideways is a region that keys reach")
    func wideTable() {
        let table = DataTable(
            caption: "Audit", columns: [Column("At"), Column("Who")], rows: [["a", "b"]], empty: "", narrow: .scroll)
        #expect(
            text(table).hasPrefix("<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Audit\"><table"))
        #expect(!text(table).contains("data-label"))
    }

    @Test("U5 the table behind a chart has the chart's numbers, and its heights are in their proportion")
    func chart() {
        var numbers = Seeded(state: 7)
        let answered = (0..<24).map { _ in Int.random(in: 0...100_000, using: &numbers) }
        let refused = (0..<24).map { _ in Int.random(in: 0...9_000, using: &numbers) }
        let chart = BarChart(
            id: "c", title: "Requests", step: "Hour", labels: (0..<24).map { "\($0):00" },
            series: [Series("answered", answered), Series("refused", refused)])
        let tokens = LaxReader.read(chart.html.bytes)
        var said: [String: [Int]] = [:]
        var heights: [Double] = []
        for case .start(let name, let attributes) in tokens {
            if name == "g", let label = attributes["data-label"], let words = attributes["data-text"] {
                said[label] = words.split(separator: "·").map { number($0.split(separator: " ")[0]) }
                heights.append(0)
            }
            if name == "rect" { heights[heights.count - 1] += Double((attributes["height"] ?? "").dropLast()) ?? 0 }
        }
        let cells = tokens.indices.filter { tokens[$0] == .end("td") || tokens[$0] == .end("th") }
            .map { content(tokens[$0 - 1]) }
        let rows = stride(from: 4, to: cells.count, by: 4).map { Array(cells[$0..<$0 + 4]) }
        #expect(rows.count == 24)
        for (index, row) in rows.enumerated() {
            let sum = answered[index] + refused[index]
            #expect(row.dropFirst().map { number($0) } == [answered[index], refused[index], sum])
            #expect(said[row[0]] == [answered[index], refused[index]])
            let most = zip(answered, refused).map(+).max() ?? 1
            #expect(abs(heights[index] - Double(sum) / Double(most) * 100) < 2.1)
        }
        #expect(
            text(chart).contains("<span class=\"max\">\(Figure.grouped(zip(answered, refused).map(+).max() ?? 0))<"))
    }

    private func number(_ text: some StringProtocol) -> Int { Int(String(text.filter(\.isNumber))) ?? -1 }

    private func content(_ token: LaxReader.Token) -> String {
        if case .text(let text) = token { return text }
        return ""
    }

    @Test("U5 a chart says its least, its most and its last number; what is little is seen, and nothing has no bar")
    func chartWords() {
        let chart = text(
            BarChart(
                id: "c", title: "Sold", unit: "EUR", step: "Day", labels: ["Mo", "Tu", "We"],
                series: [Series("sold", [0, 1_000_000, 1])], decimals: 2))
        #expect(chart.contains("<desc id=\"c-d\">least 0.00 at Mo; most 10,000.00 at Tu; last 0.01 at We</desc>"))
        #expect(chart.contains("aria-labelledby=\"c-t c-d\"") && chart.contains("<span class=\"max\">10,000.00</span>"))
        #expect(chart.contains("<g data-label=\"Mo\" data-text=\"0.00 sold\"></g>"))
        #expect(chart.contains("x=\"66.67%\" width=\"26.67%\" y=\"99%\" height=\"1%\""))
        #expect(chart.contains("<div class=\"axis\"><span>Mo</span><span>Tu</span><span>We</span></div>"))
        #expect(!chart.contains("style=") && !chart.contains("class=\"key\""))
    }

    @Test(
        "U5 a chart of 35 days by hour, or of a year, takes 80 KB of a page at most, and no number is lost",
        arguments: [(840, "Hour (UTC)", 4), (744, "Hour (UTC)", 2), (366, "Day", 4), (366, "Day", 1)])
    func chartOfMany(count: Int, step: String, kinds: Int) {
        var numbers = Seeded(state: 11)
        let values = (0..<kinds).map { _ in (0..<count).map { _ in Int.random(in: 1_000...999_999, using: &numbers) } }
        let series = values.enumerated().map { Series("kind \($0.offset)", $0.element) }
        let chart = BarChart(
            id: "c", title: "Calls", step: step, labels: (0..<count).map { "28 Oct \($0)" }, series: series)
        #expect(chart.html.bytes.count <= 80_000)
        var sums = [Int](repeating: 0, count: kinds)
        for case .start("g", let attributes) in LaxReader.read(chart.html.bytes) {
            guard let words = attributes["data-text"] else { continue }
            for (kind, part) in words.split(separator: "·").enumerated() {
                sums[kind] += number(part.split(separator: " ")[0])
            }
        }
        #expect(sums == values.map { $0.reduce(0, +) })
        #expect(text(chart).contains(step == "Day" ? " days a bar" : " hours a bar"))
    }

    @Test("U5 a week by hour has a bar and a row an hour")
    func chartOfWeek() {
        let ones = [Int](repeating: 1, count: 169)
        let chart = text(
            BarChart(
                id: "c", title: "Calls", step: "Hour (UTC)", labels: (0..<169).map { "\($0)" },
                series: [Series("passed", ones), Series("refused", ones)]))
        #expect(chart.ranges(of: "<g data-label").count == 169 && !chart.contains("a bar"))
    }

    @Test("U5 a chart of zeros, or of nothing, is one line that says so, without an empty picture")
    func chartOfNothing() {
        for labels in [[], ["Mo", "Tu"]] {
            let chart = BarChart(
                id: "c", title: "Calls", step: "Day", labels: labels, series: [Series("a", labels.map { _ in 0 })],
                none: "No calls in this time.")
            #expect(
                text(chart)
                    == "<figure class=\"chart\"><figcaption><b>Calls</b></figcaption>"
                    + "<p class=\"sub\">No calls in this time.</p></figure>")
        }
    }

    @Test("U5 a chart of which each number is below zero shows the numbers, without bars")
    func chartBelowZero() {
        let chart = text(
            BarChart(
                id: "c", title: "Turnover", step: "Day", labels: ["Mo", "Tu"],
                series: [Series("turnover", [0, -4_000])], decimals: 2))
        #expect(chart.contains("<g data-label=\"Tu\" data-text=\"−40.00 turnover\"></g>"))
        #expect(chart.contains("<desc id=\"c-d\">least −40.00 at Tu; most 0.00 at Mo; last −40.00 at Tu</desc>"))
    }

    @Test("U5 charts name a day as people write it")
    func days() {
        #expect(HourSpan.day("2026-12-02") == "2 Dec" && HourSpan.day("2026-11-28") == "28 Nov")
        #expect(HourSpan.day("2026-13-01") == "2026-13-01" && HourSpan.day("soon") == "soon")
    }

    @Test("a small chart says its sums")
    func sparkline() {
        let spark = text(Sparkline("24 h", series: [Series("answered", [10, 0, 5]), Series("refused", [0, 0, 5])]))
        #expect(spark.contains("aria-label=\"24 h: 15 answered, 5 refused\""))
        #expect(spark.contains("viewbox=\"0 0 12 20\"") && spark.components("<rect") == 3)
        #expect(text(Strip([.good, .bad], label: "Last 2")).contains("<i class=\"good\"></i><i class=\"bad\"></i>"))
    }

    @Test("a meter says how much of what, and never more than all of it is filled")
    func meter() {
        let bytes = text(Meter(3_700_000, of: 107_000_000_000) { $0 < 1_000_000_000 ? "3.7 MB" : "107 GB" })
        #expect(bytes.contains("<p><b class=\"n\">3.7 MB</b> of 107 GB</p>"))
        let meter = text(Meter(412, of: 1_000, unit: "requests", note: "free again in 25 s"))
        #expect(
            meter.contains("<b class=\"n\">412</b> of 1,000 requests <span class=\"sub\">free again in 25 s</span>"))
        #expect(
            meter.contains("aria-label=\"412 of 1,000 requests\"") && meter.contains("fill good\" width=\"41.20%\""))
        #expect(text(Meter(80, of: 100)).contains("fill warn\" width=\"80%\""))
        #expect(text(Meter(300, of: 100)).contains("fill bad\" width=\"100%\""))
        #expect(text(Meter(0, of: 0)).contains("width=\"0%\""))
        #expect(text(Meter(80, of: 100, isInList: true)).contains("<p>80 of 100</p>"))
        #expect(text(Meter(-5, of: 100)).contains("<b class=\"n\">−5</b> of 100</p>"))
    }

    @Test(
        "numbers have their groups and their decimals",
        arguments: [
            (0, 0, "0"), (999, 0, "999"), (1_000, 0, "1,000"), (-1_234_567, 0, "−1,234,567"), (5, 2, "0.05"),
            (-5, 2, "−0.05"), (123_456_789, 2, "1,234,567.89"), (100, 3, "0.100"),
            (Int.min, 0, "−9,223,372,036,854,775,808"),
        ])
    func figures(number: Int, decimals: Int, expected: String) {
        #expect(Figure.grouped(number, decimals: decimals) == expected)
    }

    @Test("a time is near or far, exact in its title, and what is no time stays a text")
    func times() throws {
        let now = try #require(Timestamp(parsing: "2026-03-22T10:30:00.000Z"))
        let times = [
            ("2026-03-22T10:29:58Z", "just now"), ("2026-03-22T10:29:20Z", "40 s ago"),
            ("2026-03-22T10:00:00Z", "30 min ago"), ("2026-03-21T10:30:00Z", "24 h ago"),
            ("2026-03-22T10:32:40Z", "in 3 min"), ("2026-04-21T10:29:20Z", "in 30 days"),
            ("2026-03-12T10:30:00Z", "10 days ago"), ("2026-01-02T10:30:00Z", "2 Jan 2026"),
            ("2026-03-22T12:30:00Z", "in 2 h"), ("2027-03-22T12:30:00Z", "22 Mar 2027"),
        ]
        for (time, expected) in times { #expect(text(TimeText(time, now: now)).contains(">\(expected)</time>")) }
        #expect(
            text(TimeText("2026-03-05T09:08:07+01:00"))
                == "<time datetime=\"2026-03-05T08:08:07.000Z\" title=\"5 March 2026, 08:08:07 UTC\">"
                + "5 Mar 2026, 08:08 UTC</time>"
        )
        #expect(text(TimeText("<soon>", now: now)) == "&lt;soon&gt;")
    }

    @Test(
        "a wait is said in the unit that fits it",
        arguments: [(1, "1 s"), (59, "59 s"), (60, "1 min"), (3_391, "57 min"), (3_601, "1 h"), (172_801, "2 days")])
    func waits(seconds: Int, expected: String) {
        #expect(TimeText.wait(seconds: seconds) == expected)
    }

    @Test(
        "a time is chosen as browsers have it, a day is its first instant, and what is no time stays as it was typed",
        arguments: [
            ("2026-11-28T14:00:05.123Z", "datetime-local", "2026-11-28T14:00:05"),
            ("2026-11-28T14:00:05Z", "datetime-local", "2026-11-28T14:00:05"),
            ("2026-11-28T14:00", "datetime-local", "2026-11-28T14:00:00"),
            ("2026-11-28", "datetime-local", "2026-11-28T00:00:00"), ("", "datetime-local", nil),
            ("2026-11-28T14:00:05+01:00", "text", "2026-11-28T14:00:05+01:00"), ("yesterday", "text", "yesterday"),
        ] as [(String, String, String?)])
    func moments(value: String, type: String, shown: String?) {
        let field = text(Field("From", name: "from", kind: .moment, value: value, isRequired: false))
        #expect(field.contains("type=\"\(type)\""))
        #expect(shown.map { field.contains("value=\"\($0)\"") } ?? !field.contains("value="))
    }

    @Test(
        "a day is chosen as browsers have it, and what is none stays as it was typed, which no browser warns of",
        arguments: [("2026-11-28", "date"), ("", "date"), ("2026-11-28T14:00", "text"), ("yesterday", "text")])
    func days(value: String, type: String) {
        let field = text(Field("From", name: "from", kind: .date, value: value, isRequired: false))
        #expect(field.contains("type=\"\(type)\""))
        #expect(field.contains("value=\"\(value)\"") != value.isEmpty)
    }

    @Test("U5 problems have the focus and lead to their fields")
    func problems() {
        let problems = text(Problems("Nothing was saved.", fields: [("Name", Field.id("name"), "is <empty>")]))
        #expect(
            problems.hasPrefix("<div class=\"notice bad\" role=\"alert\" id=\"problem\" tabindex=\"-1\" autofocus>"))
        #expect(problems.contains("<li><a href=\"#f-name\">Name: is &lt;empty&gt;</a></li>"))
        #expect(!text(Problems("No.")).contains("<ul>"))
        #expect(
            text(Notice(.good, "<p>Saved.</p>")) == "<div class=\"notice good\" role=\"status\"><p>Saved.</p></div>")
    }

    @Test("a state has the colour of its word, and a word that nobody knows is quiet")
    func states() {
        #expect(text(State("past_due")) == "<span class=\"state warn\">past due</span>")
        #expect(text(State("active")).contains("good") && text(State("dead")).contains("bad"))
        #expect(text(State("<x>")) == "<span class=\"state quiet\">&lt;x&gt;</span>")
        #expect(text(State("whatever", tone: .info)).contains("info"))
    }

    @Test("a panel is named by its heading; facts that are not known are left out; tabs say which is there")
    func boxes() {
        #expect(
            text(Panel("Use now", id: "use", live: 2) { "<p>x</p>" })
                == "<section class=\"panel\" aria-labelledby=\"use-h\" id=\"use\" data-live=\"2\">"
                + "<h2 id=\"use-h\">Use now</h2>\n<p>x</p></section>")
        #expect(
            text(Facts([("Balance", "1"), ("None", nil)]))
                == "<dl class=\"facts\"><div><dt>Balance</dt><dd>1</dd></div></dl>")
        #expect(
            text(
                Tabs(
                    "State",
                    [
                        .init("All", Link("/a"), count: 1_200, isCurrent: true),
                        .init("New", Link("/b"), isCurrent: false),
                    ]))
                == "<nav class=\"tabs\" aria-label=\"State\"><a href=\"/a\" aria-current=\"page\">All "
                + "<span class=\"count\">1,200</span></a><a href=\"/b\">New</a></nav>")
        #expect(
            text(CopyBox("tgh_live_x", id: "k", label: "the key"))
                == "<div class=\"copy\"><code id=\"k\">tgh_live_x</code><button type=\"button\" class=\"button\" "
                + "data-copy=\"k\" hidden>Copy<span class=\"unseen\"> the key</span></button></div>")
    }

    @Test("hostile texts stay texts in each part", arguments: Hostile.texts + [String(repeating: "W", count: 10_000)])
    func hostile(text hostile: String) {
        let link = Link("/x", hostile)
        let parts: [any MarkupPart] = [
            DataTable(
                caption: hostile, columns: [Column(hostile, sort: link), Column(hostile)],
                rows: [["\(hostile)", "\(hostile)"]], empty: ""),
            BarChart(
                id: "c", title: hostile, unit: hostile, step: hostile, labels: [hostile],
                series: [Series(hostile, [1]), Series(hostile, [2])]),
            Sparkline(hostile, series: [Series(hostile, [1])]), State(hostile), TimeText(hostile),
            Strip([.good], label: hostile),
            Panel(hostile) { "\(hostile)" }, Facts([(hostile, "\(hostile)")]), Empty(hostile, "\(hostile)"),
            Problems(hostile, fields: [(hostile, Field.id(hostile), hostile)]),
            CopyBox(hostile, id: "i", label: hostile),
            Tabs(hostile, [.init(hostile, link, isCurrent: true)]), Meter(1, of: 2, unit: hostile, note: hostile),
            Pager(hostile, previous: .pages(first: link, previous: link), next: link),
        ]
        for part in parts {
            for token in LaxReader.read(part.html.bytes) {
                guard case .start(let name, let attributes) = token else { continue }
                #expect(!["script", "img", "b-hostile", "style"].contains(name))
                #expect(attributes.keys.allSatisfy { !$0.hasPrefix("on") && $0 != "style" })
                if let address = attributes["href"] {
                    #expect(address.hasPrefix("/x/") || address.hasPrefix("#f-") || address == "/x/")
                }
            }
        }
    }

    @Test("a list of 100 rows is a small page")
    func size() {
        let rows = (0..<100).map { index -> [HTML] in
            let id = "res_\(index)"
            return [
                #"<a href="\#(Link("/admin/resellers", id))">\#("Reseller \(index)")</a>"#, "\(State("active"))",
                "\(Figure.grouped(index * 1_000, decimals: 2))", "\(TimeText("2026-03-22T10:30:00Z"))", "\(id)",
            ]
        }
        let columns = [Column("Name"), Column("State"), Column("Balance", .number), Column("Since"), Column("Id", .id)]
        let table = DataTable(caption: "Resellers", columns: columns, rows: rows, empty: "")
        #expect(table.html.bytes.count < 60_000)
    }
}

extension String {
    /// How often it is there.
    fileprivate func components(_ part: String) -> Int {
        indices.filter { self[$0...].hasPrefix(part) }.count
    }
}
