import CallKit
import Foundation
import HTTPCore
import Testing

@Suite("refusals")
struct RefusalTests {
    /// The same word for a closed door (403) and for a move that a closed state does not allow (409).
    static let underTwoStatuses: Set = [
        "reseller_pending", "reseller_suspended", "tenant_cancelled", "tenant_moved", "tenant_refunded",
        "tenant_suspended",
    ]

    @Test("every code is declared once, in a file of refusals")
    func distinct() throws {
        let table = try RefusalTable()
        #expect(table.rows.count > 90)
        #expect(table.repeated.isEmpty)
        #expect(table.strays.isEmpty)
        let shared = Dictionary(grouping: table.rows, by: \.code).filter { $0.value.count > 1 }
        #expect(Set(shared.keys) == Self.underTwoStatuses)
        #expect(table.rows.allSatisfy { row in row.texts.allSatisfy { !$0.isEmpty } })
    }

    @Test("docs/refusals.md has every code with its status, text and owner")
    func documented() throws {
        let table = try RefusalTable().markdown
        if ProcessInfo.processInfo.environment["TOLLGATE_WRITE_DOCS"] != nil {
            try table.write(to: RefusalTable.page, atomically: true, encoding: .utf8)
        }
        #expect(try String(contentsOf: RefusalTable.page, encoding: .utf8) == table)
    }

    @Test("G7 every code is a label of the metrics from the start")
    func labels() throws {
        let codes = Set(try RefusalTable().rows.map(\.code)).sorted()
        if ProcessInfo.processInfo.environment["TOLLGATE_WRITE_DOCS"] != nil {
            let lines = codes.map { "        \"\($0)\",\n" }.joined()
            let file = RefusalTable.root.appending(path: "Sources/CallKit/RefusalCodes.swift")
            let text = try String(contentsOf: file, encoding: .utf8)
            let start = try #require(text.range(of: "static let all = [\n")).upperBound
            let end = try #require(text.range(of: "    ]\n}")).lowerBound
            try text.replacingCharacters(in: start..<end, with: lines).write(
                to: file, atomically: true, encoding: .utf8)
        } else {
            #expect(RefusalCodes.all == codes)
        }
    }

    @Test("a miss counts as a guess where the name is the secret")
    func guesses() {
        let secrets: [Refusal] = [.unknownCredential, .badSignature(""), .notFound(.guessed)]
        #expect(secrets.allSatisfy { $0.isMissedGuess })
        let others: [Refusal] = [
            .wrongPassword, .notFound(.path), .forbidden(.ownerOnly), .conflict(.secretTaken), .defect,
        ]
        #expect(others.allSatisfy { !$0.isMissedGuess })
    }

    @Test("a call by a link is the tenant's only where it was decided by what the link opened")
    func links() {
        let opened: [Refusal] = [
            .wrongPassword, .conflict(.secretTaken), .unprocessable(.idempotencyKeyReused), .quotaExceeded("bytes"),
            .shareExceeded("room"),
        ]
        #expect(opened.allSatisfy { $0.isOfWhatOpened && !$0.isForLackOfRoom })
        let guessed: [Refusal] = [
            .unparseable(""), .invalid([]), .badQuery(.repeated("a")), .forbidden(.ownerOnly), .notFound(.path),
            .unknownCredential, .badSignature(""), .tooLarge(bytesMax: 1), .codedBody,
        ]
        #expect(guessed.allSatisfy { !$0.isOfWhatOpened && !$0.isForLackOfRoom })
        let ours: [Refusal] = [.busy, .defect, .rateLimited(retryAfterSeconds: 1)]
        #expect(ours.allSatisfy { $0.isForLackOfRoom && !$0.isOfWhatOpened })
    }

    @Test("what is wrong is told at its field: of the body, of the query, what is taken, and what cannot be")
    func fields() {
        #expect(Refusal.field("/a", "range", "is too much").fieldErrors.map(\.pointer) == ["/a"])
        #expect(Refusal.badQuery(.repeated("a/b")).fieldErrors.map(\.pointer) == ["/a~1b"])
        let taken = Refusal.conflict(Conflict("sku_taken", "There is one.", pointer: "/sku")).fieldErrors
        #expect(taken == [FieldError(pointer: "/sku", code: "sku_taken", detail: "There is one.")])
        let much = Refusal.unprocessable(.amountTooLarge.saying("It is too much.", pointer: "/quantity")).fieldErrors
        #expect(much == [FieldError(pointer: "/quantity", code: "amount_too_large", detail: "It is too much.")])
        #expect(Refusal.conflict(.secretTaken).fieldErrors.isEmpty && Refusal.busy.fieldErrors.isEmpty)
        #expect(Refusal.idempotencyKeyReused.fieldErrors.isEmpty)
    }

    @Test("other words keep code, status and pause")
    func saying() {
        let busy = Refusal.unavailable(.busy.saying("later"))
        #expect(busy.code == "busy" && busy.detail == "later" && busy.status == 503)
        #expect(busy.retryAfterSeconds == Refusal.busy.retryAfterSeconds)
        #expect(Refusal.forbidden(.ownerOnly.saying("no")) != .forbidden(.ownerOnly))
    }
}

extension Missing {
    fileprivate static let guessed = Missing("secret", isGuessable: true)
}
