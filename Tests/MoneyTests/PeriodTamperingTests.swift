import CallKit
import SQLite
import TenantRegistry
import TestTenants
import Testing

@testable import TenantApp

/// Files of services by period that somebody changed with an SQLite shell.
@Suite struct PeriodTamperingTests {
    struct Harm: CustomTestStringConvertible, Sendable {
        let name: String
        let sql: String
        let words: String

        var testDescription: String { name }

        init(_ name: String, _ sql: String, _ words: String) {
            self.name = name
            self.sql = sql
            self.words = words
        }
    }

    /// Service 1 is monthly and renewed twice, the second time at another price; 2 is hourly; 3 is past due; 4 is
    /// suspended by the operator.
    private static let shared = Result { try make() }

    private static func make() throws -> (folder: TestFolder, path: String) {
        let rent = try Rent.open(TestFolder(), at: "2026-01-31T10:00:00Z", resellers: 2)
        defer { rent.node.stop() }
        try rent.topUp(100_000)
        try rent.topUp(1_000, reseller: 1)
        _ = try rent.order(.monthly) + rent.order(.hourly)
        _ = try rent.order(.monthly, reseller: 1)
        let suspended = try rent.order(.annual)[0]
        try rent.live(days: 40)
        try rent.change(suspended, .suspend)
        let filter = RepriceFilter(
            resellerID: rent.resellers[0], productID: nil, term: .monthly, price: Money(micros: 12_000_000),
            book: .live)
        try rent.node.write(rent.record, "POST /reprice") { tenant, detail in
            _ = try RepriceServices(filter: filter, keyID: 0, isDryRun: false).change(tenant, after: 0, &detail)
        }
        try rent.live(until: "2026-04-03T00:00:00Z")
        try rent.topUp(1_000, reseller: 1)
        try rent.live(until: "2026-04-05T00:00:00Z")
        let report = try rent.verifies()
        #expect(report.isSound, "\(report.text)")
        let folder = try TestFolder()
        let path = try folder.copy(try rent.node.export(rent.record), to: "export.sqlite")
        try ExportSeal.remove(from: path)
        return (folder, path)
    }

    static let harms = [
        Harm(
            "a renewal is removed", "DELETE FROM renewal WHERE service_id = 1 AND period = 2", "whose charge is missing"
        ),
        Harm(
            "the first renewal is removed", "DELETE FROM renewal WHERE service_id = 1 AND period = 1",
            "the one before it is 0: a period was left out"),
        Harm(
            "a renewal is counted back", "UPDATE service SET period = 1, renews_at = 1774951200000 WHERE id = 1",
            "It is said to have been charged 1 times; its charges end with 2"),
        Harm(
            "a renewal is added",
            """
            INSERT INTO renewal SELECT 1, 3, 0, ends_at, ends_at + 1, amount, posting_id, at FROM renewal
            WHERE service_id = 1 AND period = 2
            """,
            "its posting is for"),
        Harm(
            "a period is moved",
            "UPDATE renewal SET begins_at = begins_at + 86400000 WHERE service_id = 1 AND period = 1",
            "which is not where the anchor has it"),
        Harm(
            "a renewal costs less", "UPDATE renewal SET amount = 1000000 WHERE service_id = 1 AND period = 1",
            "it cost 1.00 EUR; its price comes to 10.00 EUR"),
        Harm(
            "a renewal at a new price is called cheaper",
            "UPDATE renewal SET amount = 10000000 WHERE service_id = 1 AND period = 2", "its price comes to 12.00 EUR"),
        Harm(
            "a service is made cheaper", "UPDATE service SET term_price = 1 WHERE id = 1",
            "neither its order's nor one that an operator has changed it to"),
        Harm(
            "a repricing is added for it", "INSERT INTO repricing VALUES (9, 1, 3, 1, 0, 0)",
            "No audit row vouches for this row"),
        Harm(
            "a repricing is changed", "UPDATE repricing SET term_price = 1", "not as audit row"),
        Harm(
            "a service's anchor is moved", "UPDATE service SET anchor_at = anchor_at + 1 WHERE id = 1",
            "Its anchor is not when it was activated"),
        Harm(
            "a renewal is put off", "UPDATE service SET renews_at = renews_at + 1, next_at = next_at + 1 WHERE id = 1",
            "which is not where it renews or ends"),
        Harm(
            "a renewal is never found", "UPDATE service SET next_at = NULL WHERE id = 1",
            "It is looked at next at another time than is due"),
        Harm(
            "what is past due is never tried", "UPDATE service SET next_at = NULL WHERE id = 3",
            "It is past due, and never tried again"),
        Harm(
            "what is past due is called active", "UPDATE service SET state = 'active' WHERE id = 3",
            "does not go with what it owes"),
        Harm(
            "a suspended service is called active", "UPDATE service SET state = 'active' WHERE id = 4",
            "does not go with what it owes"),
        Harm(
            "hours are forgotten", "UPDATE service SET accrued_hours = accrued_hours - 30 WHERE id = 2",
            "Its hours do not go on from its last charge"),
        Harm(
            "a charge of hours is removed", "DELETE FROM hourly_charge WHERE service_id = 2 AND n = 5",
            "the one before it is 4: a charge was left out"),
        Harm(
            "a charge counts fewer hours", "UPDATE hourly_charge SET hours = hours - 1 WHERE service_id = 2 AND n = 5",
            "not hours times price"),
        Harm(
            "hours come to less", "UPDATE hourly_charge SET accrued = accrued - 20000 WHERE service_id = 2 AND n = 5",
            "not hours times price"),
        Harm(
            "a charge of hours is lowered",
            "UPDATE hourly_charge SET amount = 0, charged = charged - amount WHERE service_id = 2 AND n = 5",
            "not the accrual rounded once"),
        Harm(
            "hours have another price", "UPDATE hourly_charge SET term_price = 1 WHERE service_id = 2 AND n = 5",
            "its price is not the one that was recorded"),
    ]

    private static let year = "31536000000"

    /// What a service is charged, tried and ended by.
    static let times = [
        Harm(
            "hours of a year are free", "UPDATE service SET accrues_from = accrues_from + \(year) WHERE id = 2",
            "later than its charges and pauses have it"),
        Harm(
            "one hour is free", "UPDATE service SET accrues_from = accrues_from + 3600000 WHERE id = 2",
            "later than its charges and pauses have it"),
        Harm(
            "hours are charged ten years late",
            "UPDATE service SET renews_at = renews_at + 10 * \(year), next_at = next_at + 10 * \(year) WHERE id = 2",
            "later than a day ahead"),
        Harm(
            "hours end in ten years",
            "UPDATE service SET ends_at = renews_at + 10 * \(year), renews_at = NULL, next_at = NULL WHERE id = 2",
            "later than with an hour that has begun"),
        Harm(
            "hours are charged on, and end", "UPDATE service SET ends_at = renews_at WHERE id = 2",
            "Its hours are to be charged on, and to end"),
        Harm(
            "what is past due has ten years more",
            "UPDATE service SET past_due_since = past_due_since + 10 * \(year) WHERE id = 3",
            "No event tells that it could not be paid first at"),
        Harm(
            "what is past due has a day more",
            "UPDATE service SET past_due_since = past_due_since + 86400000 WHERE id = 3",
            "No event tells that it could not be paid first at"),
        Harm(
            "what is past due is tried in ten years",
            "UPDATE service SET next_at = next_at + 10 * \(year) WHERE id = 3",
            "which no try of its is due at"),
        Harm(
            "what is past due is tried at another time of day", "UPDATE service SET next_at = next_at + 1 WHERE id = 3",
            "which no try of its is due at"),
        Harm(
            "what is past due waits for its notice", "UPDATE service SET is_announced = 0 WHERE id = 3",
            "does not go with what it owes"),
        Harm(
            "a suspended service is tried", "UPDATE service SET next_at = renews_at WHERE id = 4",
            "which no try of its is due at"),
        Harm(
            "a suspended service owes", "UPDATE service SET past_due_since = renews_at WHERE id = 4",
            "No event tells that it could not be paid first at"),
        Harm(
            "a charge is booked sixty days earlier",
            "UPDATE posting SET at = at - 60 * 86400000 WHERE kind = 'renewal' AND reference LIKE '%:1'",
            "It was made at"),
        Harm(
            "the last charge is booked sixty days later",
            "UPDATE posting SET at = at + 60 * 86400000 WHERE id = (SELECT max(id) FROM posting)", "It was made at"),
    ]

    @Test("W9 W3 a tampered period, charge or date is found out and named", arguments: harms + times)
    func harm(harm: Harm) throws {
        let shared = try Self.shared.get()
        let folder = try TestFolder()
        let path = try folder.copy(shared.path, to: "copy.sqlite")
        try DataFolder.tamper(path, harm.sql)
        let report = try Verifier(path: path).run()
        #expect(report.findings.contains { $0.text.contains(harm.words) }, "\(report.text)")
    }
}
