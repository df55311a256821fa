import CallKit
import HTTPCore
import TenantRegistry

/// Credit events, reconciliation and account reviews (O8). Events are read only.
extension OperatorAdmin {
    /// So many later contents of one event are shown.
    private static let differencesShownMax = 100

    static let credits: [Route] = [
        Route(
            .get, "/credit-events", "List credit events, newest first", access: .administrator,
            parameters: .page(.mode, Schemas.reseller, .query("external_ref")), gives: .list(Schemas.creditEvent),
            refuses: [404]
        ) { call in
            let query = try call.query()
            let page = try Paging(call)
            var filter = CreditEventFilter(book: try query.mode(or: call.book))
            let reseller = try query.id("reseller")
            filter.externalRef = try query.id("external_ref")
            if filter.externalRef != nil && reseller == nil {
                throw Refusal.field("/reseller", "required", "is required with external_ref")
            }
            return .read { [filter] tenant in
                var filter = filter
                filter.resellerID = try tenant.resellerID(filter: reseller)
                let rows = try tenant.creditEvents(filter, before: page.before, limit: page.fetch)
                var names = AuditNames()
                try tenant.auditNames(
                    keys: Set(rows.map(\.keyID)), resellers: Set(rows.map(\.resellerID)), accounts: [], adding: &names)
                let named = rows.map { Schemas.NamedCreditEvent($0, names) }
                return page.answer(named, id: \.event.id, Schemas.creditEvent, in: CreditReport.currency)
            }
        },
        Route(
            .get, "/credit-events/{id}", "Read a credit event", access: .administrator,
            gives: .read(Schemas.creditEventWithDifferences)
        ) { call in
            .read { tenant in
                guard let event = try tenant.creditEvent(publicID: call.parameters[0]) else {
                    throw Refusal.notFound(.creditEvent)
                }
                var names = AuditNames()
                try tenant.auditNames(
                    keys: [event.keyID], resellers: [event.resellerID], accounts: [], adding: &names)
                let differences = try tenant.creditDifferences(ofEvent: event.id, limit: differencesShownMax)
                let whole = Schemas.CreditEventWithDifferences(
                    event: Schemas.NamedCreditEvent(event, names), differences: differences)
                return .json(Schemas.creditEventWithDifferences, whole, in: CreditReport.currency)
            }
        },
        Route(
            .post, "/reconciliations", "Compare a reseller's ledger with its reports", access: .administrator,
            body: .streamed, idempotency: .accepted,
            parameters: [.query("reseller", isRequired: true), .mode, .from, .to], takes: Schemas.ledgerFile,
            gives: .made(Schemas.reconciliation), refuses: [404]
        ) { call in
            try call.expectNoParts()
            let query = try call.query()
            guard let reseller = try query.id("reseller") else {
                throw Refusal.field("/reseller", "required", "is required")
            }
            let (from, to) = try query.period()
            let scope = ReconcileCredits.Scope(
                reseller: reseller, book: try query.mode(or: call.book), from: from, to: to)
            return .streamed(try ReconcileCredits(call, scope: scope, accountID: call.accountID))
        },
        Route(
            .get, "/reconciliations", "List reconciliations, newest first", access: .administrator,
            parameters: .page(.mode, Schemas.reseller, .query("status", .choice(ReconciliationStatus.self))),
            gives: .list(.either(Schemas.listedReconciliation.schema, Schemas.runningReconciliation)), refuses: [404]
        ) { call in
            let query = try call.query()
            let page = try Paging(call)
            let book = try query.mode(or: call.book)
            let reseller = try query.id("reseller")
            if try query.choice("status", as: ReconciliationStatus.self) == .running {
                return .answer(running(call, reseller: reseller, book: book))
            }
            return .read { tenant in
                let rows = try tenant.reconciliations(
                    resellerID: try tenant.resellerID(filter: reseller), book: book, before: page.before,
                    limit: page.fetch)
                return page.answer(rows, id: \.id, Schemas.listedReconciliation, in: tenant.currency)
            }
        },
        Route(
            .get, "/reconciliations/{id}", "Read a reconciliation", access: .administrator,
            gives: .read(.either(Schemas.runningReconciliation, Schemas.reconciliation))
        ) { call in
            if let run = call.services.shared(RunningReconciliations.self).run(call.parameters[0], of: call.tenant.id) {
                return .answer(.json { json in encode(run, &json) })
            }
            return .read { tenant in
                guard let made = try tenant.reconciliation(publicID: call.parameters[0]) else {
                    throw Refusal.notFound(.reconciliation)
                }
                return Answer(status: 200, body: Array(made.report.utf8))
            }
        },
        Route(
            .get, "/reviews", "List account reviews, newest first", access: .administrator,
            parameters: .page(.mode, Schemas.reseller, .query("status", .choice(AccountReview.State.self))),
            gives: .list(Schemas.review), refuses: [404]
        ) { call in
            let query = try call.query()
            let page = try Paging(call)
            let book = try query.mode(or: call.book)
            let state = try query.choice("status", as: AccountReview.State.self)
            let reseller = try query.id("reseller")
            return .read { tenant in
                let rows = try tenant.reviews(
                    resellerID: try tenant.resellerID(filter: reseller), book: book, state: state, before: page.before,
                    limit: page.fetch)
                return page.answer(rows, id: \.id, Schemas.review, in: tenant.currency)
            }
        },
        Route(.get, "/reviews/{id}", "Read an account review", access: .administrator, gives: .read(Schemas.review)) {
            call in
            .read { tenant in
                guard let review = try tenant.review(publicID: call.parameters[0]) else {
                    throw Refusal.notFound(.review)
                }
                return .json(Schemas.review, review, in: tenant.currency)
            }
        },
        Route(
            .post, "/reviews/{id}/close", "Close an account review", access: .administrator, idempotency: .accepted,
            takes: Schemas.closing.schema, gives: .done(Schemas.review), refuses: [409]
        ) { call in
            let note = try call.read(Schemas.closing)
            let close = CloseReview(reviewID: call.parameters[0], note: note, accountID: call.accountID)
            return .write { tenant, detail in
                let review = try close.run(tenant, &detail)
                return .json(Schemas.review, review, in: tenant.currency)
            }
        },
    ]

    private enum ReconciliationStatus: String, CaseIterable {
        case running
        case done
    }

    /// All of them: they are few (`Budget.reconciliationsTenant`).
    private static func running(_ call: Call, reseller: String?, book: Book) -> Answer {
        let runs = call.services.shared(RunningReconciliations.self).all(of: call.tenant.id).filter {
            $0.scope.book == book && (reseller == nil || $0.scope.reseller == reseller)
        }
        return .json { json in
            json.array("data") { json in
                for run in runs { json.object { json in encode(run, &json) } }
            }
            json.field("has_more", false)
            json.field("next_cursor", nil as String?)
        }
    }

    private static func encode(_ run: ReconciliationRun, _ json: inout JSONWriter) {
        json.field("id", run.publicID)
        json.field("status", ReconciliationStatus.running.rawValue)
        run.scope.write(&json)
        json.field("at", run.startedAt.text)
        json.field("stage", run.stage.name)
        json.field("lines", run.lines)
        json.field("compared", run.compared)
    }
}
