import CallKit
import HTTPCore
import TenantRegistry

/// A reseller's price book, row by row (O4, W2).
extension OperatorAdmin {
    static let prices: [Route] = [
        Route(
            .get, "/resellers/{id}/products", "List a reseller's price book", access: .administrator,
            isTagged: true, parameters: .page(), gives: .list(Schemas.priceRow)
        ) { call in
            let page = try Paging(call)
            return .read { tenant in
                let reseller = try tenant.knownReseller(call.parameters[0])
                let rows = try tenant.pricedProducts(
                    resellerID: reseller.id, onlyOffered: false, after: page.after, limit: page.fetch)
                let prices = rows.map { Schemas.ResellersPrice(reseller: reseller.publicID, row: $0) }
                return page.answer(prices, id: \.row.productID, Schemas.priceRow, in: tenant.currency)
            }
        },
        Route(
            .get, "/resellers/{id}/products/{sku}", "Read a price row", access: .administrator, isTagged: true,
            gives: .read(Schemas.priceRow)
        ) { call in
            .read { tenant in
                let reseller = try tenant.knownReseller(call.parameters[0])
                guard let row = try tenant.pricedProduct(sku: call.parameters[1], resellerID: reseller.id) else {
                    throw Refusal.notFound(.price)
                }
                let price = Schemas.ResellersPrice(reseller: reseller.publicID, row: row)
                return .json(Schemas.priceRow, price, in: tenant.currency)
            }
        },
        Route(
            .get, "/resellers/{id}/products/{sku}/history", "List a price row's changes, newest first",
            access: .administrator, parameters: .page(), gives: .list(Schemas.priceChange)
        ) { call in
            let page = try Paging(call)
            return .read { tenant in
                let filter = PriceChangeFilter(
                    resellerID: try tenant.knownReseller(call.parameters[0]).id,
                    productID: try tenant.knownProduct(call.parameters[1]).id)
                let rows = try tenant.priceChanges(filter, before: page.before, limit: page.fetch)
                return page.answer(rows, id: \.id, Schemas.priceChange, in: tenant.currency)
            }
        },
        Route(
            .put, "/resellers/{id}/products/{sku}", "Write a price row; what is left out stays", access: .administrator,
            takes: Schemas.newPriceRow.schema, gives: .done(Schemas.priceRow)
        ) { call in
            let change = try call.read(Schemas.newPriceRow)
            let set = SetPrice(
                resellerID: call.parameters[0], sku: call.parameters[1], change: change,
                author: PriceAuthor(.call, of: call))
            return .write { tenant, detail in
                let row = try set.run(tenant, &detail)
                let price = Schemas.ResellersPrice(reseller: set.resellerID, row: row)
                return .json(Schemas.priceRow, price, in: tenant.currency)
            }
        },
    ]
}
