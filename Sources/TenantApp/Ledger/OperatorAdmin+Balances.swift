package import CallKit
import HTTPCore
package import TenantRegistry

/// Top-ups, corrections and statements (O5). A key of mode `test` moves the test book.
extension OperatorAdmin {
    static let balances: [Route] = [
        Route(
            .post, "/resellers/{id}/balance", "Top a balance up, or correct it", access: .administrator,
            idempotency: .required, takes: Schemas.movement.schema, gives: .done(Schemas.moved)
        ) { call in
            let (amount, reference) = try call.read(Schemas.movement)
            let adjust = AdjustBalance(
                resellerID: call.parameters[0], amount: amount, reference: reference, book: call.book,
                keyID: call.keyID)
            return .write { tenant, detail in
                let reseller = try adjust.run(tenant, &detail)
                let paid =
                    amount.isNegative
                    ? []
                    : try PayDueServices.run(
                        tenant, resellerID: reseller.id, book: adjust.book, keyID: adjust.keyID, &detail)
                let moved = Schemas.Moved(
                    reseller: reseller.publicID, amount: amount, reference: reference,
                    balances: try tenant.balances(of: reseller, book: adjust.book), paid: paid)
                return .json(Schemas.moved, moved, in: tenant.currency)
            }
        },
        Route(
            .get, "/resellers/{id}/statement", "List what moved on a balance", access: .administrator,
            parameters: [.limit, .cursor] + AskedStatement.parameters, gives: .list(Schemas.posting)
        ) { call in
            let id = call.parameters[0]
            return try AskedStatement.list(call, in: call.query().mode(or: call.book), Schemas.posting) { tenant in
                try tenant.knownReseller(id).id
            }
        },
        Route(
            .get, "/resellers/{id}/statement.csv", "Export what moved on a balance", access: .administrator,
            isOpenToSupport: false, parameters: AskedStatement.parameters, gives: .read(.file("text/csv"))
        ) { call in
            let book = try call.query().mode(or: call.book)
            let asked = try AskedStatement(try call.query())
            let currency = call.currency
            return .flow { steps in
                let reseller = try await steps.read { try $0.knownReseller(call.parameters[0]) }
                return download(
                    "statement.csv", "text/csv; charset=utf-8",
                    ExportStatement.stream(
                        steps, asked, resellerID: reseller.id, book: book, isOwn: false, currency: currency))
            }
        },
    ]
}

/// What a movement is meant to be: of the other sign it is a slip, and refused (O5).
enum MovementKind: String, CaseIterable, Sendable {
    case topUp = "top_up"
    case correction
}

/// What a reseller has in one book.
package struct Balances: Sendable {
    package let balance: Money
    package let held: Money
    package let creditLimit: Money
    /// The balance and the credit limit.
    package let available: Money
    package let standing: Standing
    /// Under which `balance.low` tells.
    package let lowBalanceThreshold: Money?
}

extension TenantReader {
    package func balances(of reseller: Reseller, book: Book) throws -> Balances {
        let balance = try balance(.balance(reseller: reseller.id), book: book)
        return Balances(
            balance: balance, held: try self.balance(.held(reseller: reseller.id), book: book),
            creditLimit: reseller.creditLimit, available: try balance.adding(reseller.creditLimit),
            standing: reseller.standing, lowBalanceThreshold: reseller.lowBalanceThreshold)
    }
}
