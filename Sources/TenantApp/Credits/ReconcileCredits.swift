package import CallKit
package import HTTPCore
import RateLimiter
package import TenantRegistry

/// Compares a reseller's ledger with the credit events that it reported (O8). The ledger comes in pieces, is kept on
/// disk, sorted there, and merged with the events a page at a time: memory does not grow with it, and the lane only
/// reads pages. A disagreement opens an account review; where a line is bad nothing is recorded.
///
/// Events that come in after the ledger are left out: the comparison is with what there was when it began.
/// `@unchecked Sendable`: one step runs at a time, each started by the one before it; whichever thread runs the step
/// owns everything here.
package final class ReconcileCredits: BodyReader, @unchecked Sendable {
    package static let pageRows = 500

    package struct Scope: Sendable {
        package let reseller: String
        package let book: Book
        /// The time that the ledger covers; `from` counts, `to` does not.
        package let from: Timestamp?
        package let to: Timestamp?

        package init(reseller: String, book: Book, from: Timestamp?, to: Timestamp?) {
            self.reseller = reseller
            self.book = book
            self.from = from
            self.to = to
        }

        func covers(_ time: Timestamp) -> Bool { (from.map { time >= $0 } ?? true) && (to.map { time < $0 } ?? true) }
    }

    private let scope: Scope
    private let tenant: TenantRecord
    private let fleet: Fleet
    private let accountID: Int64
    private let run: ReconciliationRun
    private let running: RunningReconciliations
    private var file: LedgerFile
    private var scratch: LedgerScratch?
    private let room: SharedRoom
    private var bytes = 0
    private var failure: (any Error)?
    private var resellerID: Int64 = 0
    private var last: Int64 = 0
    private var place: (ref: String, id: Int64) = ("", 0)
    private var reconciliation = Reconciliation()

    /// Throws where too many run already.
    package init(_ call: Call, scope: Scope, accountID: Int64) throws(Refusal) {
        self.scope = scope
        self.accountID = accountID
        file = LedgerFile(contentType: call.head.value(of: .contentType))
        tenant = call.tenant
        fleet = call.services.fleet
        running = call.services.shared(RunningReconciliations.self)
        room = SharedRoom(fleet.budgets.scratch, call.payer)
        run = ReconciliationRun(
            publicID: PublicID.make(
                "rec", at: call.now, chance: (call.services.random.uint64(), call.services.random.uint64())),
            scope: scope, startedAt: call.now)
        try running.begin(run, of: tenant.id, placedBy: fleet.budgets.reconciliations, call.payer)
    }

    deinit { running.end(run, of: tenant.id) }

    // MARK: The ledger

    package func take(_ piece: [UInt8]) {
        bytes += piece.count
        if failure == nil, !room.grow(to: bytes * Self.roomFactor) { fail(Refusal.unavailable(.scratchFull)) }
        if failure == nil { append(file.feed(piece)) }
    }

    /// What a line takes in the scratch file beside what it takes in the ledger: its row, and its place in the order.
    private static let roomFactor = 3

    private func fail(_ error: any Error) {
        failure = error
        scratch = nil
    }

    package func finish() -> Work {
        if failure == nil { append(file.finish()) }
        return .flow { [self] steps in
            let outcome: Result<Work, any Error>
            do { outcome = .success(try await compare(steps)) } catch { outcome = .failure(error) }
            // A large scratch file is long in going.
            try await steps.files { [self] in abandon() }
            return try outcome.get()
        }
    }

    private func compare(_ steps: Steps) async throws -> Work {
        if let failure { throw failure }
        if !file.errors.isEmpty { throw Refusal.invalid(file.errors) }
        let name = scope.reseller
        (resellerID, last) = try await steps.read { tenant in
            (try tenant.knownReseller(name).id, try tenant.lastCreditEventID())
        }
        run.enter(.sorting)
        try await steps.files { [self] in try scratch?.sort() }
        run.enter(.comparing)
        while try await !comparesLastPage(steps) {}
        return record()
    }

    package func abandon() {
        scratch = nil
        running.end(run, of: tenant.id)
    }

    private func append(_ lines: [LedgerLine]) {
        run.read(lines.count)
        // With an error nothing is compared: the rest is only read for its errors.
        if lines.isEmpty || !file.errors.isEmpty { return }
        do {
            if fleet.refusesWrites { throw LaneFailure.storageFull }
            let ledger =
                try scratch ?? LedgerScratch(path: fleet.data.temporaryPath(fleet.random.uint64()))
            scratch = ledger
            try ledger.append(lines)
        } catch {
            fail(error)
        }
    }

    // MARK: The comparison

    /// Compares a page of events with the lines before them; whether it was the last.
    private func comparesLastPage(_ steps: Steps) async throws -> Bool {
        let (resellerID, book, place, last) = (resellerID, scope.book, place, last)
        let events = try await steps.read { tenant in
            try tenant.creditEventsByRef(
                resellerID: resellerID, book: book, after: place, upTo: last, limit: Self.pageRows)
        }
        return try await steps.files { [self] in
            for event in events {
                try compareLines { Reconciliation.precedes($0.externalRef, event.externalRef) }
                try reconciliation.take(
                    ReportedEvent(
                        publicID: event.publicID, externalRef: event.externalRef, kind: event.kind.rawValue,
                        amount: event.amount, at: event.at, isCovered: scope.covers(event.at)))
            }
            if let end = events.last, events.count == Self.pageRows {
                self.place = (end.externalRef, end.id)
                return false
            }
            try compareLines { _ in true }
            try reconciliation.finish()
            return true
        }
    }

    /// Lines whose events have all been taken.
    private func compareLines(while isDue: (LedgerLine) -> Bool) throws {
        guard let scratch else { return }
        while let line = scratch.first, isDue(line) {
            try reconciliation.take(line)
            try scratch.removeFirst()
        }
        run.compare(reconciliation.lineCount)
    }

    private func record() -> Work {
        let (result, scope, accountID, resellerID) = (reconciliation, scope, accountID, resellerID)
        let publicID = run.publicID
        return .write { tenant, detail in
            detail.resellerID = resellerID
            detail.note("reconciliation", publicID)
            let review =
                result.agrees
                ? nil
                : try tenant.openReview(
                    .reconciliation, subject: publicID, resellerID: resellerID, book: scope.book, detail: &detail)
            let answer = Answer.json(201) { json in
                json.field("id", publicID)
                json.field("status", "done")
                scope.write(&json)
                json.field("at", tenant.now.text)
                result.write(&json)
                json.field("review", review)
            }
            try tenant.insertReconciliation(
                publicID: publicID, resellerID: resellerID, book: scope.book, accountID: accountID,
                agrees: result.agrees, report: answer.body)
            return answer
        }
    }
}

extension ReconcileCredits.Scope {
    package func write(_ json: inout JSONWriter) {
        json.field("reseller", reseller)
        json.field("mode", book.name)
        json.field("from", from?.text)
        json.field("to", to?.text)
    }
}

extension Reconciliation {
    /// Counts and sums of each outcome, and the first `listedMax` of each disagreement.
    fileprivate func write(_ json: inout JSONWriter) {
        json.field("lines", lineCount)
        json.field("agrees", agrees)
        json.object("matched") { json in
            json.field("count", matched.count)
            json.field("amount", Self.decimal(matched.amount))
        }
        json.object("missing_here") { json in
            json.field("count", missingHere.count)
            json.field("amount", Self.decimal(missingHere.amount))
            json.array("items") { json in
                for line in missingHereListed { json.object { json in Self.write(line, &json) } }
            }
        }
        json.object("missing_there") { json in
            json.field("count", missingThere.count)
            json.field("amount", Self.decimal(missingThere.amount))
            json.array("items") { json in
                for event in missingThereListed { json.object { json in Self.write(event, &json) } }
            }
        }
        json.object("differing") { json in
            json.field("count", differingHere.count)
            json.field("amount_here", Self.decimal(differingHere.amount))
            json.field("amount_there", Self.decimal(differingThere.amount))
            json.array("items") { json in
                for pair in differingListed {
                    json.object { json in
                        json.object("here") { json in Self.write(pair.here, &json) }
                        json.object("there") { json in Self.write(pair.there, &json) }
                    }
                }
            }
        }
        json.field("currency", CreditReport.currency.code)
    }

    private static func decimal(_ amount: Money) -> String {
        amount.decimal(minorUnitDigits: CreditReport.currency.minorUnitDigits)
    }

    private static func write(_ line: LedgerLine, _ json: inout JSONWriter) {
        json.field("line", line.line)
        json.field("external_ref", line.externalRef)
        json.field("kind", line.kind)
        json.field("amount", Self.decimal(line.amount))
        json.field("at", line.at.text)
    }

    private static func write(_ event: ReportedEvent, _ json: inout JSONWriter) {
        json.field("event", event.publicID)
        json.field("external_ref", event.externalRef)
        json.field("kind", event.kind)
        json.field("amount", Self.decimal(event.amount))
        json.field("at", event.at.text)
    }
}
