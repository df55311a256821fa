import CallKit
import Cryptography
import HTTPCore
import TenantApp
import TenantRegistry
import TestGateway
import Testing

extension Office {
    /// A record of a read, as the gateway leaves it.
    func read(_ action: String, status: Int = 200, reseller: Int64 = 0, after seconds: Int64 = 0) {
        clock.advance(seconds: seconds)
        var record = AuditRecord(
            at: clock.now(), action: action, status: status, requestID: RequestID(high: 2, low: fleet.random.uint64()))
        record.keyID = clerk.projection.keyID
        record.resellerID = reseller
        record.callerResellerID = reseller
        _ = tenant.readLog.append(record)
    }

    func flush() async throws { try await onLane { $0.store.flushReads() } }

    /// What these tests' own searches leave in the log.
    static let searching = "GET /api/admin/audit"

    /// Every page of a search, one after another; without the searches themselves, which the log has too.
    func pages(_ query: String) async -> [JSON] {
        var rows: [JSON] = []
        var cursor = ""
        repeat {
            let page = await call(.get, "/audit?\(query)\(cursor)")
            #expect(page.status == 200)
            rows += page.data
            cursor = page["has_more"] == "true" ? "&cursor=\(page["next_cursor"])" : ""
        } while !cursor.isEmpty
        return rows.filter { $0["action"]?.string?.hasPrefix(Self.searching) == false }
    }
}

@Suite struct Audit {
    /// Three blocks of seven reads with writes between them; 26 records with the tenant's creation.
    private static func fill(_ office: Office) async throws -> String {
        var id = ""
        for block in 0..<3 {
            for index in 0..<7 { office.read("GET /b\(block)/\(index)", status: index == 6 ? 404 : 200, after: 60) }
            try await office.flush()
            id = await office.call(.post, "/resellers", #"{"email":"r\#(block)@example.com","name":"R"}"#)["id"]
        }
        await office.call(.post, "/resellers/\(id)/approve", as: office.clerk)
        return id
    }

    @Test("O6 rows and blocks are one list, newest first, and pages of any size hold each record once")
    func paging() async throws {
        try await Office.open { office in
            let id = try await Self.fill(office)
            let all = await office.pages("limit=100")
            var expected = ["POST /api/admin/resellers/{id}/approve"]
            for block in (0..<3).reversed() {
                expected.append("POST /api/admin/resellers")
                expected += (0..<7).reversed().map { "GET /b\(block)/\($0)" }
            }
            expected.append("tenant.created")
            #expect(all.compactMap { $0["action"]?.string } == expected)
            for limit in [1, 2, 3, 8, 25] {
                #expect(await office.pages("limit=\(limit)") == all, "\(limit)")
            }
            let approval = try #require(all.first)
            #expect(approval["key"]?.string == office.clerk.projection.publicID)
            #expect(approval["account"]?.string == Office.clerkEmail)
            #expect(approval["reseller"]?.string == id)
            #expect(approval["detail"]?["status"]?.string == "active")
            #expect(approval["request_id"]?.string?.hasPrefix("req_") == true)
        }
    }

    @Test("O6 newest first is by when a call came, though reads join the log in blocks behind later writes")
    func order() async throws {
        try await Office.open { office in
            for block in 0..<4 {
                for index in 0..<3 {
                    office.clock.advance(milliseconds: 50)
                    office.read("GET /\(block)/\(index)")
                    // A write that is committed before the reads that came before it: they are too young to go along.
                    office.clock.advance(milliseconds: 50)
                    try await office.onLane { tenant in
                        tenant.store.note(
                            AuditRecord(
                                at: tenant.now, action: "POST /\(block)/\(index)", status: 201, requestID: .none))
                    }
                }
                // The first block of all is written last but one.
                if block != 1 { try await office.flush() }
            }
            let blocks = try await office.onLane {
                try $0.connection.row("SELECT count(*) FROM audit WHERE kind = 1") { try $0.int() }
            }
            #expect(blocks == 3)
            let all = await office.pages("limit=100")
            let expected = (0..<4).reversed().flatMap { block in
                (0..<3).reversed().flatMap { ["POST /\(block)/\($0)", "GET /\(block)/\($0)"] }
            }
            #expect(all.compactMap { $0["action"]?.string } == expected + ["tenant.created"])
            for limit in [1, 2, 3, 5, 7] { #expect(await office.pages("limit=\(limit)") == all, "\(limit)") }
            let lines = await office.call(.get, "/audit.jsonl").text.split(separator: "\n")
            let times = lines.compactMap { try? JSON.parse(Array($0.utf8))["at"]?.string }
            #expect(times == times.sorted(by: >) && times.count > expected.count)
        }
    }

    @Test("O6 a search finds by key, reseller, status and time, in blocks as in rows")
    func filters() async throws {
        try await Office.open { office in
            let start = office.clock.now()
            let id = try await Self.fill(office)
            #expect(await office.pages("status=404").count == 3)
            #expect(await office.pages("reseller=\(id)").count == 2)
            let clerk = office.clerk.projection.publicID
            #expect(await office.pages("key=\(clerk)&limit=5").count == 22)
            // The second block's reads, and the write that came with its last one.
            let from = start.adding(seconds: 8 * 60).text
            let to = start.adding(seconds: 15 * 60).text
            let found = await office.pages("from=\(from)&to=\(to)")
            #expect(found.count == 8)
            #expect(found.allSatisfy { ($0["at"]?.string ?? "") >= from && ($0["at"]?.string ?? "") < to })
            #expect(await office.pages("from=\(from)&to=\(to)&status=404").count == 1)
            #expect(await office.pages("from=2030-01-01").isEmpty)
            for (query, status) in [
                ("status=99", 422), ("from=yesterday", 422), ("cursor=x", 400), ("limit=0", 422), ("key=key_none", 404),
                ("reseller=res_none", 404),
            ] {
                #expect(await office.call(.get, "/audit?\(query)").status == status, "\(query)")
            }
        }
    }

    @Test("O6 whoever looks sees the calls that were answered before, though they still gather in memory")
    func fresh() async throws {
        try await Office.open { office in
            office.read("GET /just/now")
            #expect(await office.pages("limit=1").first?["action"]?.string == "GET /just/now")
            office.read("GET /just/now")
            let usage = await office.call(.get, "/usage")
            #expect(usage.data.contains { $0["route"]?.string == "GET /just/now" && $0["requests"]?.number == "2" })
        }
    }

    @Test("O6 a search through more rows than one lane job looks at goes on to the end")
    func long() async throws {
        try await Office.open { office in
            try await office.onLane { tenant in
                for index in 0..<2_500 {
                    tenant.store.note(
                        AuditRecord(
                            at: tenant.now, action: "POST /x", status: index == 0 ? 409 : 201, requestID: .none))
                }
            }
            #expect(await office.pages("status=409").count == 1)
            #expect(await office.pages("limit=100").count == 2_501)
        }
    }

    @Test("O6 what operators changed is found in one look, however much was done since")
    func operators() async throws {
        try await Office.open { office in
            let id = await office.reseller()
            try await office.onLane { tenant in
                for _ in 0..<2_500 {
                    tenant.store.note(
                        AuditRecord(
                            at: tenant.now, action: "POST /api/partner/v1/orders", status: 201, requestID: .none))
                }
            }
            // Not among them: what was refused, what was read.
            #expect(await office.call(.patch, "/resellers/\(id)", #"{"credit_limit":"x"}"#).status == 422)
            let (actions, isWhole) = try await office.onLane { tenant in
                var filter = AuditFilter()
                filter.operatorsAlone = true
                filter.resellerID = try tenant.knownReseller(id).id
                let stretch = try tenant.auditStretch(from: .max, filter)
                let actions = stretch.rows.compactMap { row -> String? in
                    if case .record(_, let record) = row { record.action } else { nil }
                }
                return (actions, stretch.next == nil)
            }
            #expect(isWhole && actions.last == "POST /api/admin/resellers")
            #expect(actions.allSatisfy { $0.contains(" /api/admin/") && !$0.hasPrefix("GET ") })
            let told = await office.pages("author=operators&reseller=\(id)")
            #expect(told.compactMap { $0["action"]?.string } == actions)
            #expect(await office.pages("author=operators&action=POST%20/api/partner/v1/orders").isEmpty)
        }
    }

    @Test("O6 exports hold what the search finds, as CSV and as JSON Lines")
    func exports() async throws {
        try await Office.open { office in
            _ = try await Self.fill(office)
            let all = await office.pages("status=200")
            let lines = await office.call(.get, "/audit.jsonl?status=200")
            let parsed = try lines.body.split(separator: 0x0A).map { try JSON.parse(Array($0)) }
            let found = parsed.filter { $0["action"]?.string?.hasPrefix(Office.searching) == false }
            #expect(found == all && lines.headers.contains("attachment"))
            let csv = await office.call(.get, "/audit.csv")
            var reader = CSVReader()
            let rows = try reader.feed(csv.body).filter { row in
                !row.fields.contains { $0.hasPrefix(Office.searching) }
            }
            #expect(rows.first?.fields == AuditLines.columns)
            #expect(rows.count == 27)
            #expect(rows[1].fields.last?.hasPrefix("{") == true)
            #expect(await office.call(.get, "/audit.csv?key=key_none").status == 404)
        }
    }

    @Test("G5 the head is the log's last row, and its signature verifies under the published key")
    func head() async throws {
        try await Office.open { office in
            await office.reseller()
            let answer = await office.call(.get, "/audit/head")
            let head = try #require(AuditHead(text: answer["head"]))
            let key = try #require(Base64.decode(answer["public_key"]))
            let signature = try #require(Base64.decode(answer["signature"]))
            #expect(
                Ed25519.verify(signature: signature, message: head.signedBytes(of: office.tenant.id), publicKey: key))
            #expect(answer["tenant_id"] == office.tenant.id.text && answer["algorithm"] == "Ed25519")
            let proof = try await office.onLane { $0.store.outcome }
            #expect(proof?.head == head && proof?.signature == signature)
        }
    }

    @Test("O6 usage pages by day, reseller and route, newest day first")
    func usage() async throws {
        try await Office.open { office in
            let id = await office.reseller()
            let number = try await office.onLane { tenant in try tenant.knownReseller(id).id }
            for day in 0..<3 {
                for route in ["a", "b"] {
                    office.read("GET /\(route)", reseller: number)
                    office.read("GET /\(route)", status: 403, reseller: number)
                }
                if day < 2 { office.clock.advance(seconds: 86_400) }
            }
            for filter in ["", "&reseller=\(id)"] {
                var rows: [String] = []
                var cursor = ""
                repeat {
                    let page = await office.call(.get, "/usage?limit=2\(filter)\(cursor)")
                    rows += page.data.filter {
                        $0["route"]?.string?.hasPrefix("GET /") == true && $0["reseller"]?.string == id
                    }
                    .map { "\($0["day"]?.string ?? "") \($0["route"]?.string ?? "") \($0["refusals"]?.number ?? "")" }
                    cursor = page["has_more"] == "true" ? "&cursor=\(page["next_cursor"])" : ""
                } while !cursor.isEmpty
                let days = ["2026-03-24", "2026-03-23", "2026-03-22"]
                #expect(rows == days.flatMap { ["\($0) GET /b 1", "\($0) GET /a 1"] })
            }
            #expect(await office.call(.get, "/usage?from=2026-03-25&to=2026-03-24").status == 422)
            #expect(await office.call(.get, "/usage?from=2020-01-01").status == 422)
            #expect(await office.call(.get, "/usage?from=2026-03-22&to=2026-03-22&reseller=\(id)").data.count == 2)
            let row = try #require(await office.call(.get, "/usage?reseller=\(id)").data.first)
            let refused = ["unauthorized", "forbidden", "rate_limited", "other_refusals"].map { row[$0]?.number }
            #expect(refused == ["0", "1", "0", "0"])
        }
    }
}
