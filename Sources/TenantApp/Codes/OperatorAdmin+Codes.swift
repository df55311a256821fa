import CallKit
import HTTPCore
import TenantRegistry

/// Codes that resellers bought, for the operator (A4). A code that can still be redeemed is worth its price: nothing
/// here gives one away.
extension OperatorAdmin {
    static let codes: [Route] = [
        Route(
            .get, "/code-batches", "List purchases of activation codes, newest first", access: .administrator,
            parameters: .page(.mode), gives: .list(Schemas.codeBatch)
        ) { call in
            let page = try Paging(call)
            let book = try call.query().mode(or: call.book)
            return .read { tenant in
                let rows = try tenant.codeBatches(book: book, before: page.before, limit: page.fetch)
                return page.answer(rows, id: \.id, Schemas.codeBatch, in: tenant.currency)
            }
        },
        Route(
            .get, "/codes/{code}", "Find an activation code: whose it is, and whether it was redeemed",
            access: .administrator, gives: .read(Schemas.foundCode)
        ) { call in
            .read { tenant in
                guard let code = try tenant.activationCode(call.parameters[0]),
                    let reseller = try tenant.reseller(id: code.resellerID)
                else { throw Refusal.notFound(.code) }
                let found = Schemas.FoundCode(code: code, reseller: reseller.publicID)
                return .json(Schemas.foundCode, found, in: tenant.currency)
            }
        },
    ]
}

extension OperatorAdmin.Schemas {
    static let codeBatch = Shape<CodeBatch>(
        "CodeBatch",
        [
            .member("id", \.publicID), .member("mode", \.book), .member("reseller", \.resellerPublicID),
            .member("product", \.sku), .member("days", \.days), .member("quantity", \.quantity),
            .member("redeemed", \.redeemed), .member("unit_price", \.unitPrice), .member("total", \.total),
            .currency("currency"), .member("created_at", \.createdAt),
        ])
    struct FoundCode {
        let code: ActivationCode
        let reseller: String
    }
    static let foundCode = Shape<FoundCode>([
        .member("mode", \.code.book), .member("reseller", \.reseller), .member("product", \.code.sku),
        .member("days", \.code.days),
        .member("status") { $0.code.redemption == nil ? CodeStatus.available : .redeemed },
        .member("created_at", \.code.createdAt), .member("redeemed_at", \.code.redemption?.at),
        .member("subscriber_email", \.code.redemption?.email), .member("begins_at", \.code.redemption?.begins),
        .member("ends_at", \.code.redemption?.ends),
    ])
}
