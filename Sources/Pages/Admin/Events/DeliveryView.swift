import HTML
import HTTPCore
import PageKit
import TenantRegistry

/// One delivery: each attempt with its answer, the body as it is signed, and whether a signature is ours. A value: any
/// thread.
struct DeliveryView {
    let delivery: Row
    let names: ResellerNames
    let view: View

    private var id: String { delivery["id"] }

    var content: PageContent {
        let isOver = delivery["state"] != "dropped" && !delivery.bool("test")
        let retry: HTML? =
            isOver && view.may(.post, "/deliveries/\(id)/retry")
            ? view.button(
                delivery["state"] == "pending" ? "Send now" : "Send again", "POST /deliveries/\(id)/retry",
                said: .retried,
                .primary
            ).html : nil
        return PageContent(
            delivery["type"],
            sub: """
                <a href="\(view.link("/events"))">Events</a> · <code>\(id)</code> · \
                \(State(delivery["state"], tone: AdminPages.deliveryTone(delivery)))\(if: delivery.bool("test"), " · a test")
                """,
            actions: retry,
            """
            <div class="cols wide"><div>\(attempts)\(body)</div><div>\(facts)\(check)</div></div>
            """)
    }

    private var attempts: Panel {
        Panel("Attempts", id: "attempts", live: delivery["state"] == "pending" ? 5 : nil) {
            DataTable(
                caption: "Attempts, newest first",
                columns: [
                    Column("Attempt", .number), Column("When"), Column("Outcome"), Column("Answer"),
                    Column("Took, ms", .number), Column("Address"),
                ],
                rows: delivery.rows("attempts").map { attempt in
                    let isGood = attempt["outcome"] == "delivered"
                    let status: HTML? = attempt.text("status").map { "<code>\($0)</code> " }
                    return [
                        "\(attempt["n"])", "\(TimeText(attempt["at"]))",
                        "\(State(Outcome.text(attempt["outcome"]), tone: isGood ? .good : .bad))",
                        "\(status)\(attempt.text("excerpt").map { view.cut($0) })", "\(attempt["ms"])",
                        "\(attempt.text("address") ?? "")",
                    ]
                },
                empty: Empty("Not tried yet").html
            ).html
        }
    }

    private var body: Panel {
        Panel("Body") {
            """
            <p class="sub">\(delivery["body"].utf8.count) bytes, the same at every attempt. Signed is \
            <code>\(delivery["event"]).{webhook-timestamp}.</code> and these bytes.</p>\
            \(CopyBox(delivery["body"], id: "body", label: "body", isBlock: true))
            """
        }
    }

    private var facts: Panel {
        Panel("Delivery") {
            Facts([
                (
                    "Endpoint",
                    #"<a href="\#(view.link("/endpoints", delivery["endpoint"]))">\#(delivery["endpoint_name"])</a>"#
                ), ("Reseller", names.link(delivery["reseller"], view)), ("Address", "<code>\(delivery["url"])</code>"),
                (
                    "Event",
                    """
                    <a href="\(view.link("/events", query: [("event", delivery["event"])]))"><code>\(delivery["event"])\
                    </code></a>
                    """
                ), ("Queued", TimeText(delivery["created_at"]).html),
                ("First attempt", delivery.text("first_attempt_at").map { TimeText($0).html }),
                ("Next attempt", view.ago(delivery.text("next_attempt_at"))),
                ("Attempts", "\(delivery["tries"]), \(delivery["failures"]) of them failures of this schedule"),
            ]).html
        }
    }

    /// A receiver that says the signature is wrong is told who is right.
    private var check: HTML? {
        guard view.may(.post, "/deliveries/\(id)/signature") else { return nil }
        return Panel("Signature check", id: "check") {
            """
            <p>Paste two headers that the receiver got: whether the signature is ours for this body.</p>\
            \(view.form("POST /deliveries/\(id)/signature", swap: "check") {
                """
                \(view.field("webhook-timestamp", "timestamp", .number))\
                \(view.field("webhook-signature", "signature", size: .wide))\
                <div class="actions">\(Button("Check"))</div>
                """
            })
            """
        }.html
    }

    static func checked(_ row: Row, _ view: View) -> PageContent {
        let notice =
            row.bool("matches")
            ? Notice(
                .good,
                """
                <p><b>It is ours</b>: made for this body and that time with the \(row["secret"]) secret. A receiver that \
                refuses it has another secret, or reads the body before it checks it.</p>
                """)
            : Notice(
                .bad,
                """
                <p><b>It is not ours</b> for this body and that time, with any secret that is in force now.</p>
                """)
        return PageContent(
            "Signature check", sub: #"<a href="\#(view.visit.here())">Delivery</a>"#,
            Panel("Signature check", id: "check") {
                "\(notice)<p>\(Button("Check another", leadsTo: view.visit.here()))</p>"
            }.html)
    }
}

/// A replay: what it was to send, and how far it is. Its address may be handed on. A value: any thread.
enum ReplayView {
    static func page(_ replay: Row, _ view: View) -> PageContent {
        let isUnderWay = replay["state"] == "running" || replay.int("waiting") > 0
        return PageContent(
            "Replay of \(Figure.counted(replay.int("count"), "delivery", "deliveries"))",
            sub: """
                <a href="\(view.link("/events/replays"))">Replays</a> · <code>\(replay["id"])</code>\
                \(if: replay["mode"] == "test", " · test")
                """,
            """
            \(Panel("Progress", id: "progress", live: isUnderWay ? 1 : nil) { progress(replay, view) })\
            \(Panel("What was sent again") { filter(replay, view) })
            """)
    }

    private static func progress(_ replay: Row, _ view: View) -> HTML {
        let (count, delivered) = (replay.int("count"), replay.int("delivered"))
        let failed = replay.int("failing") + replay.int("dead")
        let words =
            "\(Figure.grouped(delivered)) of \(Figure.grouped(count)) delivered, \(Figure.grouped(failed)) failed again"
        let figures = [
            ("Delivered", delivered), ("Failed again", failed), ("Waiting", replay.int("waiting")),
            ("Held", replay.int("held")), ("Dropped", replay.int("dropped")),
            ("In a later replay", replay.int("superseded")),
        ]
        return """
            \(Progress(good: delivered, bad: failed, of: count, words: words))\
            \(if: replay["state"] == "interrupted",
                Notice(.warn, "<p>The node stopped before it had found all. Replay the rest.</p>").html)\
            \(Facts(isRow: true, figures.enumerated().map { place, figure in
                (figure.0, place < 3 || figure.1 > 0 ? #"<span class="n">\#(Figure.grouped(figure.1))</span>"# : nil)
            }))\(if: replay.int("dead") > 0, dead(replay, view))
            """
    }

    /// The way to those of its filter that were given up on.
    private static func dead(_ replay: Row, _ view: View) -> HTML {
        let asked = replay.row("filter")
        let types = (asked?.texts("types") ?? []).joined(separator: ",")
        let query: [(String, String?)] = [
            ("type", types.isEmpty ? nil : types), ("reseller", replay.text("reseller")),
            ("endpoint", asked?.text("endpoint")), ("since", asked?.text("since")), ("until", asked?.text("until")),
            ("state", "dead"),
        ]
        return "<p>\(Button("Those that are dead now", leadsTo: view.link("/events", query: query)))</p>"
    }

    private static func filter(_ replay: Row, _ view: View) -> HTML {
        let asked = replay.row("filter")
        let states = (asked?.texts("states") ?? []).joined(separator: ",")
        let types = (asked?.texts("types") ?? []).joined(separator: ",")
        return """
            \(Facts([
                ("State before", states.isEmpty ? nil : "\(states)"), ("Type", types.isEmpty ? nil : "\(types)"),
                ("Endpoint", asked?.text("endpoint").map { view.idLink("/endpoints", $0) }),
                ("Reseller", replay.text("reseller").map { view.idLink("/resellers", $0) }),
                ("Status", asked?.text("status_class").map { "\($0)" }),
                ("Queued since", asked?.text("since").map { TimeText($0).html }),
                ("Until", asked?.text("until").map { TimeText($0).html }), ("Begun", TimeText(replay["at"]).html),
                ("Found all", replay.text("finished_at").map { TimeText($0).html }), ("By", "\(replay["by"])"),
            ]))
            """
    }

    static func list(_ view: View) throws -> PageContent {
        let list = try view.get("/replays", view.asked("cursor"))
        let table = DataTable(
            caption: "Replays, newest first",
            columns: [
                Column("Replay", .id), Column("Begun"), Column("By"), Column("Deliveries", .number),
                Column("Delivered", .number), Column("Failed again", .number), Column("Waiting", .number),
                Column("State"),
            ],
            rows: list.rows().map { replay in
                let failed = replay.int("failing") + replay.int("dead")
                return [
                    view.idLink("/events/replays", replay["id"]), "\(view.ago(replay["at"]))", "\(replay["by"])",
                    "\(Figure.grouped(replay.int("count")))", "\(Figure.grouped(replay.int("delivered")))",
                    "\(Figure.grouped(failed))", "\(Figure.grouped(replay.int("waiting")))",
                    "\(State(replay["state"], tone: replay["state"] == "interrupted" ? .bad : nil))",
                ]
            },
            empty: Empty(
                "No replays yet", "Filter the events, then send again what they find.",
                actions: "\(Button("Events", leadsTo: view.link("/events")))"
            ).html, previous: view.first(), next: view.next(list))
        return PageContent("Replays", sub: #"<a href="\#(view.link("/events"))">Events</a>"#, table.html)
    }
}
