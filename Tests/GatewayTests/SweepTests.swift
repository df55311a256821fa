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

    private static let time = "when something happened or is due; nothing is opened or charged by it"
    private static let copy = "follows from rows that are vouched for, or is only shown"
    private static let person = "what a reseller calls its customer; it opens nothing and is charged nothing"
    private static let stored = "an answer kept thirty days for the same call again; its key judges who may make that"
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
        add(person, "orders", "reference reference_folded")
        add(counter, "product_revision", "id n")
        add(who, "orders", "decided_by key_id")
        add(time, "posting", "at")
        add(who, "posting", "key_id")
        add(time, "service", "accrues_from anchor_day cancelled_at created_at ends_at past_due_since")
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
        add(stored, "idempotency", "body content_type created_at status")
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
        let triggers: [(name: String, sql: String)]
        let path: String

        init(_ export: String, as name: String, in folder: TestFolder) throws {
            path = try folder.copy(export, to: name)
            try ExportSeal.remove(from: path)
            content = try Data(contentsOf: URL(fileURLWithPath: path))
            triggers = try DataFolder.edit(path) { connection in
                try connection.rows("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'") {
                    try ($0.text(), $0.text())
                }
            }
            try restore()
        }

        func restore() throws { try content.write(to: URL(fileURLWithPath: path)) }

        /// Changes the last row of a table; false where SQLite cannot hold that, or it says so already.
        func change(_ table: String, _ column: String, to value: String) throws -> Bool {
            try restore()
            return try DataFolder.edit(path) { connection in
                try connection.execute("PRAGMA synchronous=OFF; PRAGMA ignore_check_constraints=ON; BEGIN")
                for trigger in triggers { try connection.execute("DROP TRIGGER \(trigger.name)") }
                let keys = try connection.rows(
                    dynamic: "SELECT name FROM pragma_table_info(?1) WHERE pk > 0 ORDER BY pk", [.text(table)]
                ) { try $0.text() }
                let place = keys.isEmpty ? "rowid" : keys.joined(separator: ", ")
                let order = (keys.isEmpty ? ["rowid"] : keys).map { "\($0) DESC" }.joined(separator: ", ")
                do {
                    let last = "(\(place)) = (SELECT \(place) FROM \(table) ORDER BY \(order) LIMIT 1)"
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

    @Test("P5 a column that is changed is seen by verify, or listed with its reason; no value ends the process")
    func sweep() async throws {
        try await withGateway(.inProcess) { gateway in
            let folder = try TestFolder()
            var swept: Set<String> = []
            var all: Set<String> = []
            var counts: [String: Int] = [:]
            var unseen: Set<String> = []
            for blueprint in Self.blueprints {
                let tenant = try await gateway.tenant(blueprint)
                try await Self.fill(tenant, blueprint)
                let file = try File(try await gateway.export(tenant.record), as: blueprint, in: folder)
                let tables = try file.tables
                all.formUnion(
                    try DataFolder.edit(file.path) { connection in
                        try connection.rows("SELECT name FROM sqlite_schema WHERE type = 'table'") { try $0.text() }
                    })
                for (table, columns) in tables.sorted(by: { $0.key < $1.key }) where !swept.contains(table) {
                    swept.insert(table)
                    for column in columns {
                        let place = "\(table).\(column.name)"
                        var values = [Self.other(column.name, column.type)]
                        if column.type == "INTEGER" {
                            // A row that is vouched for is compared as a whole, whatever is in it.
                            let extremes = VouchedStates.tables.contains(table) ? [Int64.max] : Self.extremes
                            values += extremes.map(String.init)
                        }
                        if column.type == "TEXT" { values.append("CAST(x'ff' AS TEXT)") }
                        for (index, value) in values.enumerated() {
                            guard try file.change(table, column.name, to: value) else {
                                counts["impossible", default: 0] += 1
                                continue
                            }
                            let findings = try Self.findings(file.path)
                            let isSeen = findings.contains { $0.contains(table) }
                            counts[isSeen ? "seen" : findings.isEmpty ? "unseen" : "elsewhere", default: 0] += 1
                            if !findings.isEmpty { continue }
                            unseen.insert(place)
                            #expect(index == 0 || place == "licence.lot", "\(place) = \(value) is not seen")
                            #expect(Self.listed[place] != nil, "\(place) is neither seen nor listed")
                        }
                    }
                }
            }
            // What no tenant here has a row of is vouched for as a whole, or each of its columns is listed.
            for table in all.subtracting(swept) {
                let isVouched = VouchedStates.tables.contains(table) || VouchedTable(rawValue: table) != nil
                let isListed = Self.listed.keys.contains { $0.hasPrefix(table + ".") }
                #expect(isVouched || isListed, "\(table) has no row to change")
            }
            print("sweep: \(counts.sorted { $0.key < $1.key }); no row of \(all.subtracting(swept).sorted())")
            for place in unseen.sorted() { print("listed: \(place): \(Self.listed[place] ?? "NO REASON")") }
            for place in Self.listed.keys.sorted() where !unseen.contains(place) { print("seen after all: \(place)") }
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

    /// Forty days of a monthly service and an hourly one, with a price that was changed.
    private static func fillPeriods(_ tenant: TestTenant) async throws {
        let gateway = tenant.gateway
        let prices = #"{"wholesale_monthly":"3.80","wholesale_hourly":"0.0105"}"#
        try await tenant.asOwner("PUT", "/resellers/\(tenant.reseller.id)/products/vps-1", prices)
        for term in ["monthly", "hourly"] {
            let body = #"{"product":"vps-1","term":"\#(term)","quantity":1,"customer":{"external_id":"c-1"}}"#
            let order = TestRequest("POST", tenant.path("/api/partner/v1/orders"), body).bearer(tenant.key)
                .idempotent("o-\(term)").signed(with: tenant.reseller.webhookSecret, at: gateway.clock.now())
            #expect(try await gateway.send(order).status == 201)
        }
        try await tenant.asOwner("POST", "/services/reprice", #"{"price":"3.90","term":"monthly"}"#)
        gateway.clock.advance(seconds: 40 * 86_400)
        for kind in [DueKind.renewal, .hourly] {
            try await handedOver { done in
                tenant.record.onLane(
                    writes: true, { while try DueWorks.schema.run($0.transaction, kind, 100) == 100 {} },
                    then: { done.resume(with: $0) })
            }
        }
    }
}
