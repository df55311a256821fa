import Foundation
import SQLite
import Synchronization
import TenantRegistry
import TestGateway
import TestTenants
import Testing

@testable import TenantApp

/// What a file may change that `verify` does not see (P5): nothing, but for what stands in `listed`, each with its
/// reason.
@Suite(.serialized) struct SweepTests {
    private static let blueprints = ["hosting", "panel", "licences", "codes", "proxies"]
    private static let extremes: [Int64] = [.min, 1 << 53 + 1, .max]
    private static let year = Timestamp.millisecondsPerDay * 365

    private static let time = "when something happened, which is shown; nothing is opened, charged or ended by it"
    private static let posted = "within a day of its audit row, or before the next one; days are totalled by it"
    private static let ended =
        "of a service that has ended, when; of one that is suspended, when it ends, at the latest with an hour"
    private static let notice = "of a service that does not run, whether it owes a notice, which moves no money"
    private static let both = "of a service that the operator has end, whether it still ends once that is taken back"
    private static let reference = "what a reseller calls its order, to find it by; nothing is charged by it"
    private static let copy = "follows from rows that are vouched for, or is only shown"
    private static let person = "what a reseller calls its customer; it opens nothing and is charged nothing"
    private static let stored = "an answer kept thirty days for the same call again; its key judges who may make that"
    private static let again =
        "whose call an answer is kept for; that an order has its own is seen, any other is made anew as a month later"
    private static let queue = "where a delivery stands; its event and endpoint are proved"
    private static let health =
        "how an endpoint has answered of late; it moves no money, and its endpoint is vouched for"
    private static let count = "calls counted for reports"
    private static let counter = "what the file counts on from; any number that it may hold will do"
    private static let chance = "drawn by chance, and anew at each hold"
    private static let who = "which key or account did it; the audit log, which is proved, says so too"
    private static let place = "from where a password was right lately; it opens nothing"
    private static let asked = "how far a unit is at its provisioner; its money and its service are proved"
    private static let staged = "an import under way, which a restore takes away"

    /// `table.column`: why a change of it within its bounds need not be seen. Its extremes are seen all the same.
    private static let listed: [String: String] = {
        var listed: [String: String] = [:]
        func add(_ reason: String, _ table: String, _ columns: String) {
            for column in columns.split(separator: " ") { listed["\(table).\(column)"] = reason }
        }
        add(counter, "meta", "commit_marker fencing_epoch projection_epoch")
        add(time, "meta", "created_at")
        add(queue, "meta", "outbound_held_at")
        add(person, "customer", "book created_at email external_folded external_id name public_id")
        add(time, "orders", "created_at decided_at")
        add(reference, "orders", "reference reference_folded")
        add(counter, "product_revision", "id n")
        add(who, "orders", "decided_by key_id")
        add(posted, "posting", "at")
        add(who, "posting", "key_id")
        add(time, "service", "anchor_day cancelled_at created_at")
        add(ended, "service", "ends_at")
        add(notice, "service", "is_announced")
        add(both, "service", "ends_for_reseller")
        add(time, "renewal", "at")
        add(time, "hourly_charge", "at")
        add(copy, "payable", "due_at reseller_id service_id")
        add(copy, "service", "id public_id")
        add(time, "event", "at")
        add(copy, "event", "id public_id")
        add(queue, "delivery", "id public_id created_at first_at next_at not_before replay_id updated_at")
        add(queue, "replay", "id public_id book reseller_id filter at finished_at count key_id account_id")
        add(queue, "replay_count", "replay_id outcome count")
        add(
            health, "endpoint_health",
            "endpoint_id failing_since failures_in_row last_failure_at last_success_at last_outcome last_status recent")
        add(queue, "attempt", "delivery_id n at ms outcome status excerpt address")
        add(stored, "idempotency", "body created_at status")
        add(again, "idempotency", "book key reseller_id")
        add(
            count, "usage_hour",
            "hour key_id reseller_id action requests unauthorized forbidden rate_limited other_refusals orders")
        add(
            count, "usage_day",
            "day key_id reseller_id action requests unauthorized forbidden rate_limited other_refusals orders "
                + "untold_refusals")
        add(count, "usage_mark", "id hour key_id reseller_id action")
        add(staged, "price_staging", "import_id line")
        add(chance, "licence", "lot held_until")
        add(place, "known_place", "realm person_id place at")
        add(count, "reseller_room", "bytes reseller_id")
        add(staged, "licence_staging", "import_id place reseller_id product_id key expires_at lot")
        add(staged, "stock_staging", "import_id place sealed fingerprint")
        add(
            staged, "product_staging",
            """
            import_id line sku name fulfilment hidden days retail_price wholesale_price list_monthly list_quarterly \
            list_semi_annual list_annual list_hourly list_setup_fee
            """)
        add(
            staged, "port_staging",
            "import_id place device server_ip http_port socks_port country_id city carrier exclusive_capable")
        add(
            asked, "provisioning",
            "actual verb n phase tries since next_at last_at last_outcome last_status last_excerpt callback_id wanted")
        add(time, "unit_decision", "at")
        add(copy, "order_outcome", "reason")
        return listed
    }()

    /// A tenant's file without its seal, and the tables of which it is the first to have rows.
    private final class File {
        let content: Data
        let triggers: [(name: String, table: String, sql: String)]
        let path: String

        init(_ export: String, as name: String, in folder: TestFolder) throws {
            path = try folder.copy(export, to: name)
            try ExportSeal.remove(from: path)
            content = try Data(contentsOf: URL(fileURLWithPath: path))
            triggers = try DataFolder.edit(path) { connection in
                try connection.rows("SELECT name, tbl_name, sql FROM sqlite_schema WHERE type = 'trigger'") {
                    try ($0.text(), $0.text(), $0.text())
                }
            }
            try restore()
        }

        func restore() throws { try content.write(to: URL(fileURLWithPath: path)) }

        /// By what the rows of a table differ in which of their columns matter, where it is not their state.
        private static let kinds = [
            "service": "state || iif(term = 'hourly', ' hourly', '') || coalesce(' ' || suspended_by, '')",
            "provisioning": "phase",
            "posting": "kind",
            "licence": "assigned_at IS NULL",
        ]

        /// A condition for each kind of row that a table has.
        func kinds(of table: String, _ columns: [String]) throws -> [String] {
            guard let kind = Self.kinds[table] ?? (columns.contains("state") ? "state" : nil) else { return ["1"] }
            return try DataFolder.edit(path) { connection in
                try connection.rows(dynamic: "SELECT DISTINCT quote(\(kind)) FROM \(table) ORDER BY 1") { row in
                    "(\(kind)) IS \(try row.text())"
                }
            }
        }

        /// Changes the last row of a kind; false where SQLite cannot hold that, or it says so already.
        func change(_ table: String, where kind: String, _ column: String, to value: String) throws -> Bool {
            try restore()
            let triggers = triggers.filter { $0.table == table }
            return try DataFolder.edit(path) { connection in
                try connection.execute("PRAGMA synchronous=OFF; PRAGMA ignore_check_constraints=ON; BEGIN")
                for trigger in triggers { try connection.execute("DROP TRIGGER \(trigger.name)") }
                let keys = try connection.rows(
                    dynamic: "SELECT name FROM pragma_table_info(?1) WHERE pk > 0 ORDER BY pk", [.text(table)]
                ) { try $0.text() }
                let place = keys.isEmpty ? "rowid" : keys.joined(separator: ", ")
                let order = (keys.isEmpty ? ["rowid"] : keys).map { "\($0) DESC" }.joined(separator: ", ")
                do {
                    let last = "(\(place)) = (SELECT \(place) FROM \(table) WHERE \(kind) ORDER BY \(order) LIMIT 1)"
                    let changes = try connection.row(
                        dynamic: "SELECT 1 FROM \(table) WHERE \(last) AND \(column) IS NOT \(value)"
                    ) { _ in true }
                    if changes == nil { return false }
                    try connection.run(dynamic: "UPDATE \(table) SET \(column) = \(value) WHERE \(last)")
                } catch is SQLiteError {
                    return false
                }
                for trigger in triggers { try connection.execute(trigger.sql) }
                try connection.execute("COMMIT")
                return true
            }
        }

        var tables: [String: [(name: String, type: String)]] {
            get throws {
                try DataFolder.edit(path) { connection in
                    let names = try connection.rows("SELECT name FROM sqlite_schema WHERE type = 'table'") {
                        try $0.text()
                    }
                    var tables: [String: [(name: String, type: String)]] = [:]
                    for name in names
                    where try connection.row(dynamic: "SELECT 1 FROM \(name)", read: { _ in true }) != nil {
                        tables[name] = try connection.rows(
                            dynamic: "SELECT name, type FROM pragma_table_info(?1) ORDER BY cid", [.text(name)]
                        ) { try ($0.text(), $0.text()) }
                    }
                    return tables
                }
            }
        }
    }

    /// Something else of the same type, near by.
    private static func other(_ column: String, _ type: String) -> String {
        switch type {
        case "INTEGER": "iif(\(column) IS NULL, 1, iif(\(column) IN (0, 1), 1 - \(column), \(column) + 1))"
        case "BLOB": "CAST(coalesce(\(column), x'') || x'01' AS BLOB)"
        default: "coalesce(\(column), '') || 'x'"
        }
    }

    private static let timeNames = ["at", "since", "from", "until"]

    /// Values near by, which may be listed, and extremes, which are seen all the same.
    private static func values(
        of column: (name: String, type: String), in table: String, isFirst: Bool
    ) -> (near: [String], far: [String]) {
        var near = [other(column.name, column.type)]
        if column.type == "INTEGER", let last = column.name.split(separator: "_").last, timeNames.contains("\(last)") {
            near.append("\(column.name) + \(year)")
        }
        // They are seen whatever the row is of.
        guard isFirst else { return (near, []) }
        switch column.type {
        case "INTEGER":
            // A row that is vouched for is compared as a whole, whatever is in it.
            let extremes = VouchedStates.tables.contains(table) ? [Int64.max] : Self.extremes
            return (near, extremes.map(String.init))
        case "TEXT": return (near, ["CAST(x'ff' AS TEXT)"])
        default: return (near, [])
        }
    }

    /// What the tenants have of services at least: columns that matter in one state may not in another.
    private static let services = [
        "pending", "active", "active hourly", "past_due", "suspended operator", "suspended hourly operator",
        "suspended hourly unpaid", "cancelled", "cancelled hourly",
    ]

    /// What was changed, and what came of it.
    private struct Swept {
        var kinds: Set<String> = []
        var tables: Set<String> = []
        /// Of every schema, with rows or without.
        var all: Set<String> = []
        var counts: [String: Int] = [:]
        var unseen: Set<String> = []
    }

    private static func sweep(
        _ tenant: TestTenant, as name: String, in folder: TestFolder, _ swept: inout Swept
    ) async throws {
        let file = try File(try await tenant.gateway.export(tenant.record), as: name, in: folder)
        let found = try findings(file.path)
        #expect(found.isEmpty, "\(name) is not sound before it is changed")
        swept.all.formUnion(
            try DataFolder.edit(file.path) { connection in
                try connection.rows("SELECT name FROM sqlite_schema WHERE type = 'table'") { try $0.text() }
            })
        try sweep(file, &swept)
    }

    /// Changes one row of each kind that no file before had, column by column.
    private static func sweep(_ file: File, _ swept: inout Swept) throws {
        for (table, columns) in try file.tables.sorted(by: { $0.key < $1.key }) {
            // The file as it came: the changes of the table before are undone.
            try file.restore()
            for kind in try file.kinds(of: table, columns.map { $0.name }) {
                let isFirst = swept.tables.insert(table).inserted
                guard swept.kinds.insert("\(table) \(kind)").inserted else { continue }
                for column in columns {
                    let (near, far) = values(of: column, in: table, isFirst: isFirst)
                    for (index, value) in (near + far).enumerated() {
                        guard try file.change(table, where: kind, column.name, to: value) else {
                            swept.counts["impossible", default: 0] += 1
                            continue
                        }
                        let findings = try Self.findings(file.path)
                        let isSeen = findings.contains { $0.contains(table) }
                        swept.counts[isSeen ? "seen" : findings.isEmpty ? "unseen" : "elsewhere", default: 0] += 1
                        if !findings.isEmpty { continue }
                        let place = "\(table).\(column.name)"
                        swept.unseen.insert(place)
                        let what = "\(place) = \(value) where \(kind)"
                        #expect(index < near.count || place == "licence.lot", "\(what) is not seen")
                        #expect(listed[place] != nil, "\(what) is neither seen nor listed")
                    }
                }
            }
        }
    }

    @Test("P5 a column that is changed is seen by verify, or listed with its reason; no value ends the process")
    func sweep() async throws {
        try await withGateway(.inProcess) { gateway in
            let folder = try TestFolder()
            var swept = Swept()
            for blueprint in Self.blueprints {
                let tenant = try await gateway.tenant(blueprint)
                try await Self.fill(tenant, blueprint)
                try await Self.sweep(tenant, as: blueprint, in: folder, &swept)
                guard blueprint == "hosting" else { continue }
                try await Self.spend(tenant)
                try await Self.sweep(tenant, as: "spent", in: folder, &swept)
            }
            let missing = Self.services.filter { kind in
                !swept.kinds.contains { $0.hasPrefix("service ") && $0.hasSuffix("IS '\(kind)'") }
            }
            #expect(missing.isEmpty, "no service of these kinds was changed")
            // What no tenant here has a row of is vouched for as a whole, or each of its columns is listed.
            for table in swept.all.subtracting(swept.tables) {
                let isVouched = VouchedStates.tables.contains(table) || VouchedTable(rawValue: table) != nil
                let isListed = Self.listed.keys.contains { $0.hasPrefix(table + ".") }
                #expect(isVouched || isListed, "\(table) has no row to change")
            }
            let counts = swept.counts.sorted { $0.key < $1.key }
            print("sweep: \(counts); no row of \(swept.all.subtracting(swept.tables).sorted())")
            for place in swept.unseen.sorted() { print("listed: \(place): \(Self.listed[place] ?? "NO REASON")") }
            for place in Self.listed.keys.sorted() where !swept.unseen.contains(place) {
                print("seen after all: \(place)")
            }
        }
    }

    private static func findings(_ path: String) throws -> [String] {
        do {
            return try Verifier(path: path).run().findings.map { "\($0.place): \($0.text)" }
        } catch let error as VerificationError {
            return ["meta: \(error)"]
        }
    }

    /// An order of three units that a provisioner is asked for: one is ready, one is given up, one waits.
    private static func fillProvisioning(_ tenant: TestTenant) async throws {
        func owner(_ method: String, _ path: String, _ json: String) async throws -> TestResponse {
            let answer = try await tenant.asOwner(method, path, json)
            #expect(answer.status < 300, "\(path): \(answer.text)")
            return answer
        }
        _ = try await owner("PUT", "/provisioning", #"{"url":"https://units.example/"}"#)
        for (sku, fulfilment) in [("made", "http"), ("stocked", "stock")] {
            _ = try await owner("POST", "/products", #"{"sku":"\#(sku)","name":"P","fulfilment":"\#(fulfilment)"}"#)
            let price = "/resellers/\(tenant.reseller.id)/products/\(sku)"
            _ = try await owner("PUT", price, #"{"wholesale_monthly":1}"#)
            _ = try await owner("PUT", "\(price)?mode=test", #"{"wholesale_monthly":1}"#)
        }
        let stock = TestRequest("POST", tenant.path("/api/admin/products/stocked/stock"))
            .with("Content-Type", "text/csv").bearer(tenant.ownerKey).idempotent("stock")
            .carrying(Array("item\none\ntwo\n".utf8))
        #expect(try await tenant.gateway.send(stock).status == 201)
        #expect(try await tenant.gateway.send(tenant.order("o-3", product: "stocked")).status == 201)
        let placed = try await tenant.gateway.send(tenant.order("o-4", quantity: 3, product: "made"))
        let units = placed.text.matches(of: #/svc_\w+/#).map { String($0.0) }
        try #require(units.count == 3, "\(placed.text)")
        _ = try await owner(
            "POST", "/provisioning/\(units[0])/confirm", #"{"details":{"host":{"value":"h","secret":true}}}"#)
        _ = try await owner("POST", "/provisioning/\(units[1])/give_up", #"{"reason":"no room"}"#)
    }

    /// What the demo does not have.
    private static func fill(_ tenant: TestTenant, _ blueprint: String) async throws {
        if blueprint == "hosting" {
            let hook = #"{"url":"https://shop.example/hook","events":["order.created"]}"#
            #expect(try await tenant.gateway.send(tenant.partner("PUT", "/webhook", hook)).status == 200)
            #expect(try await tenant.gateway.send(tenant.order("o-1")).status == 201)
            #expect(try await tenant.gateway.send(tenant.order("o-2", quantity: 2)).status == 201)
            try await fillProvisioning(tenant)
            try await fillPeriods(tenant)
            // Totals and days follow where somebody looks.
            for path in ["/reports/balances", "/usage"] {
                let asked = TestRequest("GET", tenant.path("/api/admin\(path)")).bearer(tenant.ownerKey)
                #expect(try await tenant.gateway.send(asked).status == 200)
            }
        }
    }

    /// Forty days of monthly and hourly services, with a price that was changed: some were suspended or cancelled.
    private static func fillPeriods(_ tenant: TestTenant) async throws {
        let gateway = tenant.gateway
        let prices = #"{"wholesale_monthly":"3.80","wholesale_hourly":"0.0105"}"#
        try await done(tenant, "PUT", "/resellers/\(tenant.reseller.id)/products/vps-1", prices)
        for term in ["monthly", "hourly"] {
            let body = #"{"product":"vps-1","term":"\#(term)","quantity":4,"customer":{"external_id":"c-1"}}"#
            let order = TestRequest("POST", tenant.path("/api/partner/v1/orders"), body).bearer(tenant.key)
                .idempotent("o-\(term)").signed(with: tenant.reseller.webhookSecret, at: gateway.clock.now())
            let placed = try await gateway.send(order)
            #expect(placed.status == 201, "\(placed.text)")
            let units = placed.text.matches(of: #/svc_\w+/#).map { String($0.0) }
            try #require(units.count == 4, "\(placed.text)")
            try await done(tenant, "POST", "/services/\(units[0])/suspend")
            try await done(tenant, "POST", "/services/\(units[1])/cancel", #"{"at":"now"}"#)
            try await done(tenant, "POST", "/services/\(units[2])/cancel", #"{"at":"term_end"}"#)
        }
        try await done(tenant, "POST", "/services/reprice", #"{"price":"3.90","term":"monthly"}"#)
        try await live(40, tenant)
    }

    /// There is no money any more: hours are past due at once and suspended a week later; by then the month is due,
    /// too.
    private static func spend(_ tenant: TestTenant) async throws {
        let balance = try await tenant.gateway.send(
            TestRequest("GET", tenant.path("/api/partner/v1/balance")).bearer(tenant.key))
        let rest = try #require(balance["available"], "\(balance.text)")
        try await done(
            tenant, "POST", "/resellers/\(tenant.reseller.id)/balance",
            #"{"amount":"-\#(rest)","reference":"spent"}"#)
        for days: Int64 in [20, 8] { try await live(days, tenant) }
    }

    private static func done(
        _ tenant: TestTenant, _ method: String, _ path: String, _ json: String? = nil
    ) async throws {
        let answer = try await tenant.asOwner(method, path, json)
        #expect(answer.status < 300, "\(path): \(answer.text)")
    }

    private static func live(_ days: Int64, _ tenant: TestTenant) async throws {
        tenant.gateway.clock.advance(seconds: days * 86_400)
        for kind in [DueKind.renewal, .hourly, .end] {
            try await handedOver { done in
                tenant.record.onLane(
                    writes: true, { while try DueWorks.schema.run($0.transaction, kind, 100) == 100 {} },
                    then: { done.resume(with: $0) })
            }
        }
    }
}
