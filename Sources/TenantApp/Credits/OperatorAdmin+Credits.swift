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
            let page = try Paging(query)
            var filter = CreditEventFilter(book: try query.mode(or: call.book))
            let reseller = query["reseller"]
            filter.externalRef = query["external_ref"]
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
                return page.answer(rows, id: \.id) { event, json in encode(event, names, tenant, &json) }
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
                return .json { json in
                    encode(event, names, tenant, &json)
                    json.array("differences") { json in
                        for difference in differences {
                            json.object { json in
                                json.field("kind", difference.kind.rawValue)
                                json.field("amount", tenant.decimal(difference.amount))
                                json.field("meta", raw: difference.meta)
                                json.field("at", difference.at.text)
                            }
                        }
                    }
                }
            }
        },
        Route(
            .post, "/reconciliations", "Compare a reseller's ledger with its reports", access: .administrator,
            body: .streamed, idempotency: .accepted,
            parameters: [.query("reseller", isRequired: true), .mode, .from, .to], takes: Schemas.ledgerFile,
            gives: .made(Schemas.reconciliation), refuses: [404]
        ) { call in
            let query = try call.query()
            guard let reseller = query["reseller"] else {
                throw Refusal.field("/reseller", "required", "is required")
            }
            let scope = ReconcileCredits.Scope(
                reseller: reseller, book: try query.mode(or: call.book), from: try query.time("from"),
                to: try query.time("to"))
            return .streamed(try ReconcileCredits(call, scope: scope, accountID: call.accountID))
        },
        Route(
            .get, "/reconciliations", "List reconciliations, newest first", access: .administrator,
            parameters: .page(.mode, Schemas.reseller, .query("status", .choice(ReconciliationStatus.self))),
            gives: .list(.either(Schemas.listedReconciliation, Schemas.runningReconciliation)), refuses: [404]
        ) { call in
            let query = try call.query()
            let page = try Paging(query)
            let book = try query.mode(or: call.book)
            let reseller = query["reseller"]
            if try query.choice("status", as: ReconciliationStatus.self) == .running {
                return .answer(running(call, reseller: reseller, book: book))
            }
            return .read { tenant in
                let rows = try tenant.reconciliations(
                    resellerID: try tenant.resellerID(filter: reseller), book: book, before: page.before,
                    limit: page.fetch)
                return page.answer(rows, id: \.id) { made, json in
                    json.field("id", made.publicID)
                    json.field("status", ReconciliationStatus.done.rawValue)
                    json.field("reseller", made.resellerPublicID)
                    json.field("agrees", made.agrees)
                    json.field("at", made.at.text)
                }
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
            let page = try Paging(query)
            let book = try query.mode(or: call.book)
            let state = try query.choice("status", as: AccountReview.State.self)
            let reseller = query["reseller"]
            return .read { tenant in
                let rows = try tenant.reviews(
                    resellerID: try tenant.resellerID(filter: reseller), book: book, state: state, before: page.before,
                    limit: page.fetch)
                return page.answer(rows, id: \.id) { review, json in encode(review, &json) }
            }
        },
        Route(.get, "/reviews/{id}", "Read an account review", access: .administrator, gives: .read(Schemas.review)) {
            call in
            .read { tenant in
                guard let review = try tenant.review(publicID: call.parameters[0]) else {
                    throw Refusal.notFound(.review)
                }
                return .json { json in encode(review, &json) }
            }
        },
        Route(
            .post, "/reviews/{id}/close", "Close an account review", access: .administrator, idempotency: .accepted,
            takes: Schemas.closing, gives: .done(Schemas.review), refuses: [409]
        ) { call in
            var fields = try call.fields()
            let note = fields.string("note", characters: 1...CloseReview.noteCharactersMax)
            try fields.finish()
            guard let note else { throw Refusal.defect }
            let close = CloseReview(reviewID: call.parameters[0], note: note, accountID: call.accountID)
            return .write { tenant, detail in
                let review = try close.run(tenant, &detail)
                return .json { json in encode(review, &json) }
            }
        },
    ]

    private static func encode(
        _ event: CreditEvent, _ names: AuditNames, _ tenant: TenantReader, _ json: inout JSONWriter
    ) {
        json.field("id", event.publicID)
        json.field("reseller", names.resellers[event.resellerID])
        json.field("key", names.keys[event.keyID])
        json.field("mode", event.book.name)
        json.field("kind", event.kind.rawValue)
        json.field("amount", tenant.decimal(event.amount))
        json.field("currency", tenant.currency.code)
        json.field("external_ref", event.externalRef)
        json.field("meta", raw: event.meta)
        json.field("at", event.at.text)
    }

    private enum ReconciliationStatus: String, CaseIterable {
        case running
        case done
    }

    /// All of them: they are few (`RunningReconciliations.perTenantMax`).
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

    private static func encode(_ review: AccountReview, _ json: inout JSONWriter) {
        json.field("id", review.publicID)
        json.field("reseller", review.resellerPublicID)
        json.field("mode", review.book.name)
        json.field("status", (review.closedAt == nil ? AccountReview.State.open : .closed).rawValue)
        json.field("cause", review.cause.rawValue)
        json.field("subject", review.subject)
        json.field("opened_at", review.openedAt.text)
        json.field("closed_at", review.closedAt?.text)
        json.field("closed_by", review.closedBy)
        json.field("note", review.note)
    }
}
