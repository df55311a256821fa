import CallKit
import HTML
import HTTPCore
import PageKit

/// The cluster's nodes: who has how many tenants, and who was heard of when (N3, N4).
extension ConsolePages {
    static let nodes: [Page] = [
        Page(inSteps: "/nodes", "Nodes") { view in
            let list = try await view.get("/nodes")
            guard let name = list.text("answered_by") else {
                return PageContent(
                    "Nodes", Empty("This node is by itself", "A cluster begins with “serve --cluster”.").html)
            }
            let table = DataTable(
                caption: "Nodes of the cluster",
                columns: [
                    Column("Node"), Column("Address", .id), Column("State"), Column("Tenants", .number),
                    Column("Last heard of", .number), Column("Actions", .buttons),
                ], rows: list.rows().map { node($0, view) }, empty: Empty("No nodes").html)
            let behind = Figure.counted(list.int("records_since_snapshots"), "commit", "commits")
            let hasLag = list.text("standby_lag_bytes") != nil
            let lacking = ConsoleText.bytes(list.int("standby_lag_bytes"))
            let lag = hasLag ? "; the log's slowest standby lacks \(lacking)" : ""
            return PageContent(
                "Nodes", sub: "as \(name) knows them; \(behind) since its tenants' snapshots\(lag)",
                """
                <div id="nodes" data-live="5">\(table)</div>
                """)
        }
    ]

    private static func node(_ node: Row, _ view: SlowView) -> [HTML] {
        let (name, state) = (node["name"], node["state"])
        let tone: Tone =
            switch state {
            case "serving": .good
            case "silent": .bad
            case "draining": .warn
            default: .quiet
            }
        let path = "/nodes/\(name)/drain"
        let isHeard = state == "serving" || state == "draining"
        let does: HTML =
            state == "draining"
            ? "\(view.button("Let it take tenants", "DELETE \(path)", said: .confirmed))"
            : "\(view.button("Drain", "POST \(path)", said: .confirmed))"
        return [
            "\(name)", "<code>\(node["address"])</code>", "\(State(state, tone: tone))",
            "\(Figure.grouped(node.int("tenants")))",
            "\(Figure.grouped(node.int("silent_milliseconds"))) ms ago", "\(if: isHeard, does)",
        ]
    }
}
