import CallKit
import TenantApp
import TenantRegistry
import TestTenants
import Testing

@Suite struct ChainTamperingTests {
    @Test("G5 a deleted audit row is named")
    func deletedRow() throws {
        let copy = try Copy()
        try copy.tamper("DELETE FROM audit WHERE seq = 6")
        let report = try copy.verify()
        let chain = report.findings.filter { $0.invariant == .chain }
        #expect(chain.map(\.place) == ["audit 6"])
        #expect(chain.first?.text == "Row 6 is missing: deleted from the audit log.")
        // The row vouched for a posting, which nothing vouches for any more.
        #expect(report.findings.contains { $0.invariant == .ledger && $0.text.hasPrefix("No audit row vouches") })
    }

    @Test("G5 a deleted audit row shows even where the numbers and hashes were made to fit again")
    func closedGap() throws {
        let copy = try Copy()
        try copy.tamper("DELETE FROM audit WHERE seq = 6; UPDATE audit SET seq = seq - 1 WHERE seq > 6")
        try copy.rehash(from: 6)
        let report = try copy.verify()
        #expect(report.findings.contains { $0.invariant == .signature })
        #expect(report.findings.contains { $0.invariant == .ledger })
    }

    @Test(
        "G5 a changed audit row is named, and only that one",
        arguments: [
            "status = 200", "reseller_id = 9", "at = at + 1", "count = 2", "book = 1 - book", "key_id = key_id + 1",
            "account_id = account_id + 1", "action = 'GET /'", "latency_us = latency_us + 1", "bytes_in = bytes_in + 1",
            "bytes_out = bytes_out + 1", "detail = '{}'", "request_id = x'01020304050607080102030405060708'",
        ])
    func changedRow(change: String) throws {
        let copy = try Copy()
        try copy.tamper("UPDATE audit SET \(change) WHERE seq = 3")
        let findings = try copy.verify().findings.filter { $0.invariant == .chain }
        #expect(Set(findings.map(\.row)) == [3])
        #expect(findings.first?.text.hasPrefix("The row does not match its hash") == true)
    }

    @Test("G5 a cut-off tail shows against a head that was handed out")
    func truncated() throws {
        let export = try Traded.shared.get()
        let copy = try Copy()
        try copy.tamper("DELETE FROM audit WHERE seq > \(export.earlierHead.sequence)")
        let report = try copy.verify(expecting: [export.head])
        let missing = report.findings.filter { $0.text.contains("The file ends before the head \(export.head.text)") }
        #expect(missing.count == 1)
        #expect(try copy.verify(expecting: [export.earlierHead]).findings.allSatisfy { $0.invariant != .chain })
    }

    @Test("G5 a chain written anew shows in its signature and against a head that was handed out")
    func rewritten() throws {
        let export = try Traded.shared.get()
        let copy = try Copy()
        try copy.tamper("UPDATE audit SET status = 418 WHERE seq = 5")
        try copy.rehash(from: 5)
        let report = try copy.verify(expecting: [export.earlierHead])
        #expect(report.findings.contains { $0.text.contains("history was rewritten") })
        #expect(report.findings.contains { $0.invariant == .signature })
        #expect(try copy.verify().findings.map(\.invariant) == [.signature])
    }

    @Test("G5 a last row without its signature says that rows after it were cut off")
    func unsigned() throws {
        let copy = try Copy()
        try copy.tamper("UPDATE audit SET signature = NULL WHERE seq = (SELECT max(seq) FROM audit)")
        let findings = try copy.verify().findings
        #expect(findings.map(\.invariant) == [.signature])
        #expect(findings.first?.text == "The last row is not signed: rows after it were cut off.")
    }

    @Test("G5 a wrong signature in the middle is found where all are checked")
    func middleSignature() throws {
        let copy = try Copy()
        try copy.tamper("UPDATE audit SET signature = zeroblob(64) WHERE seq = 2")
        #expect(try copy.verify().isSound)
        #expect(try copy.verify(all: true).findings.map(\.row) == [2])
    }

    @Test("G5 another key than the published one is told")
    func anotherKey() throws {
        let copy = try Copy()
        let report = try Verifier(path: copy.path, publicKey: [UInt8](repeating: 7, count: 32)).run()
        #expect(report.findings.map(\.invariant) == [.signature, .signature])
    }

    @Test("G5 an altered block of reads is found by its hash and by its content")
    func block() throws {
        let copy = try Copy()
        try copy.tamper("UPDATE audit SET payload = x'789c0300' WHERE kind = 1")
        let texts = try copy.verify().findings.map(\.text)
        #expect(texts.contains { $0.hasPrefix("The row does not match its hash") })
        #expect(texts.contains { $0.contains("does not unpack") })
        let counted = try Copy()
        try counted.tamper("UPDATE audit SET count = count + 1 WHERE kind = 1")
        #expect(try counted.verify().findings.contains { $0.text.hasPrefix("The block says") })
    }

    @Test("G5 an incarnation that rises without a restore, and one that falls, are found")
    func incarnation() throws {
        let copy = try Copy()
        try copy.tamper("UPDATE audit SET incarnation = 2 WHERE seq >= 5; UPDATE meta SET incarnation = 2")
        try copy.rehash(from: 5)
        #expect(
            try copy.verify().findings.contains {
                $0.text
                    == "Incarnation 2 begins without one of the rows tenant.restored, tenant.imported, tenant.forked."
            })
        try copy.tamper("UPDATE audit SET incarnation = 1 WHERE seq >= 7")
        #expect(try copy.verify().findings.contains { $0.text == "The incarnation falls from 2 to 1." })
    }

    @Test("G5 rows numbered below one are found")
    func negative() throws {
        let copy = try Copy()
        try copy.tamper("UPDATE audit SET seq = -9223372036854775808 WHERE seq = 1")
        let texts = try copy.verify().findings.map(\.text)
        #expect(texts.contains { $0.hasPrefix("The row's number is below 1") })
        #expect(texts.contains("Row 1 is missing: deleted from the audit log."))
    }

    @Test("a view that never ends in a table's place is not read", .timeLimit(.minutes(10)))
    func hostileView() throws {
        let copy = try Copy()
        try copy.tamper(
            """
            PRAGMA foreign_keys=OFF; DROP TABLE holding;
            CREATE VIEW holding AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i FROM n)
                SELECT i AS reseller_id, i AS product_id, i AS book, i AS units FROM n
            """)
        #expect(
            try copy.verify().findings.contains {
                $0.text == "The view holding is none of Tollgate's, so no row was read."
            })
    }

    @Test("G5 a missing append-only trigger is named")
    func trigger() throws {
        let copy = try Copy()
        try copy.tamper("SELECT 1", restoringTriggers: false)
        let findings = try copy.verify().findings
        #expect(findings.allSatisfy { $0.invariant == .structure })
        #expect(
            findings.contains {
                $0.text == "The trigger audit_is_append_only_delete is missing, so rows could be changed or deleted."
            })
    }
}
