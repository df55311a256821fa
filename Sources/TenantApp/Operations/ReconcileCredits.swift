import HTTPCore
package import TenantRegistry

/// Compares a reseller's ledger with the credit events that it reported (CONTRACT O8): read and sorted off the lane, merged
/// with the events a page at a time. A disagreement opens an account review.
///
/// Events that come in meanwhile are left out: the comparison is with what there was when it began.
/// `@unchecked Sendable`: one step runs at a time, each started by the one before it; whichever thread runs the step owns
/// everything here.
package final class ReconcileCredits: @unchecked Sendable {
    package static let pageRows = 500

    package typealias Done = @Sendable (Result<LateAnswer, any Error>) -> Void

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
    private let body: [UInt8]
    private let format: LedgerFile.Format
    private let tenant: TenantRecord
    private let background: BackgroundPool
    private let accountID: Int64
    private let done: Done
    private var resellerID: Int64 = 0
    private var last: Int64 = 0
    private var place: (ref: String, id: Int64) = ("", 0)
    private var reconciliation = Reconciliation(ledger: [])

    /// `done` is called once, from any thread.
    package init(_ call: Call, scope: Scope, accountID: Int64, done: @escaping Done) {
        self.scope = scope
        self.accountID = accountID
        self.done = done
        body = call.body
        format = LedgerFile.Format(contentType: call.head.value(of: .contentType), body: call.body)
        tenant = call.tenant
        background = call.services.fleet.background
    }

    package func start() {
        let name = scope.reseller
        onLane({ tenant in (try tenant.knownReseller(name).id, try tenant.lastCreditEventID()) }) { [self] found in
            (resellerID, last) = found
            reconciliation = Reconciliation(ledger: try LedgerFile.read(body, as: format))
            step()
        }
    }

    /// A read on the lane, then `then` on the background pool; a refusal of either is the answer.
    private func onLane<Value: Sendable>(
        _ read: @escaping @Sendable (TenantReader) throws -> Value, then: @escaping @Sendable (Value) throws -> Void
    ) {
        tenant.lane.submit(
            LaneJob(
                writes: false,
                perform: { store in
                    let result = Result { try read(store.reader) }
                    return { _ in
                        let submitted = self.background.submit {
                            do { try then(try result.get()) } catch { self.done(.failure(error)) }
                        }
                        if !submitted { self.done(.failure(LaneFailure.tooManyWaiting)) }
                    }
                },
                fail: { self.done(.failure($0)) }))
    }

    private func step() {
        let (resellerID, book, place, last) = (resellerID, scope.book, place, last)
        onLane({ tenant in
            try tenant.creditEventsByRef(
                resellerID: resellerID, book: book, after: place, upTo: last, limit: Self.pageRows)
        }) { [self] events in
            for event in events {
                try reconciliation.take(
                    ReportedEvent(
                        publicID: event.publicID, externalRef: event.externalRef, kind: event.kind,
                        amount: event.amount, at: event.at, isCovered: scope.covers(event.at)))
            }
            if let end = events.last, events.count == Self.pageRows {
                self.place = (end.externalRef, end.id)
                return step()
            }
            try reconciliation.finish()
            record()
        }
    }

    private func record() {
        let (result, scope, accountID, resellerID) = (reconciliation, scope, accountID, resellerID)
        done(
            .success(
                .proceed(
                    .write { tenant, trail in
                        let publicID = tenant.newPublicID("rec")
                        trail.resellerID = resellerID
                        trail.note("reconciliation", publicID)
                        let review =
                            result.agrees
                            ? nil
                            : try tenant.openReview(
                                .reconciliation, subject: publicID, resellerID: resellerID, book: scope.book,
                                trail: &trail)
                        let answer = Answer.json(201) { json in
                            json.field("id", publicID)
                            json.field("reseller", scope.reseller)
                            json.field("mode", scope.book.name)
                            json.field("from", scope.from?.text)
                            json.field("to", scope.to?.text)
                            json.field("at", tenant.now.text)
                            result.write(tenant, &json)
                            json.field("review", review)
                        }
                        try tenant.insertReconciliation(
                            publicID: publicID, resellerID: resellerID, book: scope.book, accountID: accountID,
                            agrees: result.agrees, report: answer.body)
                        return answer
                    })))
    }
}

extension Reconciliation {
    /// Counts and sums of each outcome, and the first `listedMax` of each disagreement.
    fileprivate func write(_ tenant: TenantReader, _ json: inout JSONWriter) {
        json.field("lines", lineCount)
        json.field("agrees", agrees)
        json.object("matched") { json in
            json.field("count", matched.count)
            json.field("amount", tenant.decimal(matched.amount))
        }
        json.object("missing_here") { json in
            json.field("count", missingHere.count)
            json.field("amount", tenant.decimal(missingHere.amount))
            json.array("items") { json in
                for line in missingHereListed { json.object { json in Self.write(line, tenant, &json) } }
            }
        }
        json.object("missing_there") { json in
            json.field("count", missingThere.count)
            json.field("amount", tenant.decimal(missingThere.amount))
            json.array("items") { json in
                for event in missingThereListed { json.object { json in Self.write(event, tenant, &json) } }
            }
        }
        json.object("differing") { json in
            json.field("count", differingHere.count)
            json.field("amount_here", tenant.decimal(differingHere.amount))
            json.field("amount_there", tenant.decimal(differingThere.amount))
            json.array("items") { json in
                for pair in differingListed {
                    json.object { json in
                        json.object("here") { json in Self.write(pair.here, tenant, &json) }
                        json.object("there") { json in Self.write(pair.there, tenant, &json) }
                    }
                }
            }
        }
        json.field("currency", tenant.currency.code)
    }

    private static func write(_ line: LedgerLine, _ tenant: TenantReader, _ json: inout JSONWriter) {
        json.field("line", line.line)
        json.field("external_ref", line.externalRef)
        json.field("kind", line.kind)
        json.field("amount", tenant.decimal(line.amount))
        json.field("at", line.at.text)
    }

    private static func write(_ event: ReportedEvent, _ tenant: TenantReader, _ json: inout JSONWriter) {
        json.field("event", event.publicID)
        json.field("external_ref", event.externalRef)
        json.field("kind", event.kind)
        json.field("amount", tenant.decimal(event.amount))
        json.field("at", event.at.text)
    }
}
