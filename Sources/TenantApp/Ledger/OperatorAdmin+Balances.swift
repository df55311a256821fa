import CallKit
import HTTPCore
import TenantRegistry

/// Top-ups, corrections and statements (O5). A key of mode `test` moves the test book.
extension OperatorAdmin {
    static let balances: [Route] = [
        Route(
            .post, "/resellers/{id}/balance", "Top a balance up, or correct it", access: .administrator,
            idempotency: .required, takes: Schemas.movement, gives: .done(Schemas.moved)
        ) { call in
            var fields = try call.fields()
            let amount = fields.money(
                "amount", in: AmountRule.movements, fractionDigitsMax: call.currency.minorUnitDigits)
            if amount == .zero { fields.fail("amount", code: "range", detail: "must not be zero") }
            let reference = fields.string("reference", characters: 1...200)
            try fields.finish()
            guard let amount, let reference else { throw Refusal.defect }
            let adjust = AdjustBalance(
                resellerID: call.parameters[0], amount: amount, reference: reference, book: call.book,
                keyID: call.keyID)
            return .write { tenant, detail in
                let reseller = try adjust.run(tenant, &detail)
                return try .json { json in
                    json.field("reseller", reseller.publicID)
                    json.field("kind", (amount.isNegative ? PostingKind.correction : .topUp).rawValue)
                    json.field("amount", tenant.decimal(amount))
                    json.field("reference", reference)
                    try writeBalance(of: reseller, book: adjust.book, tenant, &json)
                    json.field("currency", tenant.currency.code)
                }
            }
        },
        Route(
            .get, "/resellers/{id}/statement", "List what moved on a balance", access: .administrator,
            parameters: .page(.mode), gives: .list(Schemas.posting)
        ) { call in
            let query = try call.query()
            let page = try Paging(query)
            let book = try query.mode(or: call.book)
            return .read { tenant in
                let reseller = try tenant.knownReseller(call.parameters[0])
                let rows = try tenant.statement(
                    resellerID: reseller.id, book: book, before: page.cursor, limit: page.fetch)
                return page.answer(rows, id: \.entryID) { posting, json in
                    json.field("posting", posting.id)
                    json.field("kind", posting.kind.rawValue)
                    json.field("reference", posting.reference)
                    json.field("at", posting.at.text)
                    json.field("amount", tenant.decimal(posting.amount))
                    json.field("balance_after", tenant.decimal(posting.balanceAfter))
                    json.field("currency", tenant.currency.code)
                }
            }
        },
    ]

    /// `balance`, `held` and `available`, which is the balance and the credit limit.
    static func writeBalance(
        of reseller: Reseller, book: Book, _ tenant: TenantReader, _ json: inout JSONWriter
    ) throws {
        let balance = try tenant.balance(.balance(reseller: reseller.id), book: book)
        json.field("balance", tenant.decimal(balance))
        json.field("held", tenant.decimal(try tenant.balance(.held(reseller: reseller.id), book: book)))
        json.field("available", tenant.decimal(try balance.adding(reseller.creditLimit)))
    }
}
