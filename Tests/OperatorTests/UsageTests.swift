import CallKit
import HTTPCore
import TenantApp
import TenantRegistry
import Testing

/// Calls counted by hour, and hours that join their days (O6).
@Suite(.timeLimit(.minutes(10)))
struct UsageTests {
    private static func counted(_ office: Office, _ query: String = "") async -> [String] {
        await office.call(.get, "/usage?route=GET%20/x\(query)").data.map {
            "\($0["hour"]?.string ?? $0["day"]?.string ?? "") \($0["requests"]?.number ?? "")"
        }
    }

    @Test("O6 an hour joins its day once, however often somebody looks")
    func once() async throws {
        try await Office.open { office in
            for _ in 0..<3 {
                office.read("GET /x")
                office.clock.advance(seconds: 3_600)
            }
            for _ in 0..<3 { #expect(await Self.counted(office) == ["2026-03-22 3"]) }
            office.clock.advance(seconds: 86_400)
            for _ in 0..<2 { #expect(await Self.counted(office) == ["2026-03-22 3"]) }
            let hours = await Self.counted(office, "&by=hour&from=2026-03-22&to=2026-03-23")
            #expect(hours == ["12", "11", "10"].map { "2026-03-22T\($0):00:00.000Z 1" })
        }
    }

    @Test("O6 what comes late to an hour that its day has counted is in both")
    func late() async throws {
        try await Office.open { office in
            office.read("GET /x")
            _ = await office.call(.get, "/usage")
            office.clock.advance(seconds: 2 * 3_600)
            _ = await office.call(.get, "/usage")
            // A call that began before, say a long export, ends and is written now.
            office.clock.advance(seconds: -2 * 3_600)
            office.read("GET /x")
            office.clock.advance(seconds: 2 * 3_600)
            #expect(await Self.counted(office) == ["2026-03-22 2"])
            #expect(await Self.counted(office, "&by=hour") == ["2026-03-22T10:00:00.000Z 2"])
        }
    }

    @Test("O6 days take over many rows in several jobs, and none is lost between them")
    func many() async throws {
        try await Office.open { office in
            for route in 0..<700 {
                office.read("GET /\(route)")
                if route % 200 == 199 { try await office.onLane { $0.store.flushReads() } }
            }
            office.clock.advance(seconds: 3_600)
            _ = await office.call(.get, "/usage")
            let (hours, days) = try await office.onLane { tenant in
                let read = "SELECT sum(requests) FROM usage_hour WHERE action LIKE 'GET /%' AND action NOT LIKE '%api%'"
                return (
                    try tenant.connection.row(dynamic: read) { try $0.int() },
                    try tenant.connection.row(dynamic: read.replacing("hour", with: "day")) { try $0.int() }
                )
            }
            #expect(hours == 700 && days == 700)
        }
    }

    @Test("O6 hours go after 35 days, and not before they are in their days")
    func kept() async throws {
        try await Office.open { office in
            office.read("GET /x")
            try await office.onLane { $0.store.flushReads() }
            office.clock.advance(seconds: 36 * 86_400)
            try await office.onLane { try $0.purgeUsage(limit: 100) }
            #expect(await Self.counted(office, "&by=hour&from=2026-03-22").count == 1)
            try await office.onLane { tenant in
                while try tenant.joinUsage() {}
                try tenant.purgeUsage(limit: 100)
            }
            #expect(await Self.counted(office, "&by=hour&from=2026-03-22") == [])
            #expect(await Self.counted(office, "&from=2026-03-22") == ["2026-03-22 1"])
        }
    }
}
