import CallKit
import Foundation
import HTTPCore
import SQLite
import TenantApp
import TenantRegistry
import Testing

/// Reports over the ledger (O14): what they count, when, and that `verify` finds them out where they are wrong.
@Suite(.timeLimit(.minutes(2)))
struct ReportTests {
    private static func post(
        _ office: Office, _ kind: PostingKind, _ amount: Int64, of reseller: Int64, reference: String = "x",
        book: Book = .live
    ) async throws {
        try await office.onLane { tenant in
            var detail = AuditDetail()
            let (balance, held) = (LedgerAccount.balance(reseller: reseller), LedgerAccount.held(reseller: reseller))
            let (from, to): (LedgerAccount, LedgerAccount) =
                switch kind {
                case .topUp: (.funding, balance)
                case .correction: (balance, .funding)
                case .hold: (balance, held)
                case .capture: (held, .sales)
                case .void: (held, balance)
                case .refund: (.sales, balance)
                case .transfer: (balance, .customer(1, reseller: reseller))
                case .order, .renewal, .hourly, .port, .codes: (balance, .sales)
                }
            try tenant.post(
                kind, Money(micros: amount * 1_000_000), from: from, to: to, reference: reference, resellerID: reseller,
                book: book, keyID: 0, detail: &detail)
            var record = AuditRecord(at: tenant.now, action: "test.posting", status: 200, requestID: .none)
            record.detail = detail.json
            tenant.store.note(record)
        }
    }

    private static func reseller(_ office: Office) async throws -> (id: String, number: Int64) {
        let id = await office.reseller()
        return (id, try await office.onLane { try $0.knownReseller(id).id })
    }

    @Test("O14 turnover is what was captured, on the day of its posting, of the live book alone")
    func turnover() async throws {
        try await Office.open { office in
            let (id, number) = try await Self.reseller(office)
            try await Self.post(office, .topUp, 100, of: number)
            try await Self.post(office, .order, 30, of: number)
            try await Self.post(office, .hold, 20, of: number)
            try await Self.post(office, .order, 7, of: number, book: .test)
            office.clock.advance(seconds: 86_400)
            try await Self.post(office, .capture, 20, of: number)
            for group in ["", "&group=reseller"] {
                let lines = await office.call(.get, "/reports/turnover?from=2026-03-01\(group)").data
                #expect(lines.map { $0["period"]?.string } == ["2026-03-22", "2026-03-23"])
                #expect(lines.map { $0["turnover"]?.string } == ["30.00", "20.00"])
                #expect(lines.allSatisfy { $0["reseller"]?.string == (group.isEmpty ? nil : id) })
            }
            let month = await office.call(.get, "/reports/turnover?by=month").data
            #expect(month.map { $0["turnover"]?.string } == ["50.00"])
            let holds = await office.call(.get, "/reports/holds?from=2026-03-01").data
            #expect(holds.map { $0["open"]?.string } == ["20.00", "0.00"])
        }
    }

    @Test("O14 a report that is asked for twice counts each posting once, and says the same")
    func once() async throws {
        try await Office.open { office in
            let (_, number) = try await Self.reseller(office)
            for index in 0..<450 { try await Self.post(office, index % 2 == 0 ? .topUp : .order, 1, of: number) }
            let first = await office.call(.get, "/reports/balances").text
            try await Self.post(office, .topUp, 5, of: number)
            _ = await office.call(.get, "/reports/balances")
            let line = try #require(await office.call(.get, "/reports/balances").data.first)
            #expect(line["topped_up"]?.string == "230.00" && line["spent"]?.string == "225.00")
            #expect(line["balance"]?.string == "5.00" && first.contains("\"balance\":\"0.00\""))
        }
    }

    @Test("O14 a clock that is set back changes the balances of the days that were counted already")
    func clockSetBack() async throws {
        try await Office.open { office in
            let (_, number) = try await Self.reseller(office)
            try await Self.post(office, .topUp, 10, of: number)
            office.clock.advance(seconds: 3 * 86_400)
            try await Self.post(office, .order, 4, of: number)
            _ = await office.call(.get, "/reports/balances")
            office.clock.advance(seconds: -2 * 86_400)
            try await Self.post(office, .order, 1, of: number)
            let moved = await office.call(.get, "/reports/balances?group=reseller&from=2026-03-01&to=2026-03-31").data
            #expect(moved.map { $0["balance"]?.string } == ["10.00", "9.00"])
            office.clock.advance(seconds: 2 * 86_400)
            let all = await office.call(.get, "/reports/balances?group=reseller&from=2026-03-01&to=2026-03-31").data
            #expect(all.map { $0["balance"]?.string } == ["10.00", "9.00", "9.00", "5.00"])
        }
    }
}
