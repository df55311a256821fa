import CallKit
import HTTPCore
import TenantRegistry

/// A reseller's price book, row by row (O4, W2).
extension OperatorAdmin {
    static let prices: [Route] = [
        Route(
            .get, "/resellers/{id}/products", "List a reseller's price book", access: .administrator,
            parameters: .page(), gives: .list(Schemas.priceRow)
        ) { call in
            let page = try Paging(try call.query())
            return .read { tenant in
                let reseller = try tenant.knownReseller(call.parameters[0])
                let rows = try tenant.pricedProducts(
                    resellerID: reseller.id, onlyOffered: false, after: page.after, limit: page.fetch)
                return page.answer(rows, id: \.productID) { row, json in encode(row, reseller.publicID, tenant, &json) }
            }
        },
        Route(
            .get, "/resellers/{id}/products/{sku}", "Read a price row", access: .administrator,
            gives: .read(Schemas.priceRow)
        ) { call in
            .read { tenant in
                let reseller = try tenant.knownReseller(call.parameters[0])
                guard let row = try tenant.pricedProduct(sku: call.parameters[1], resellerID: reseller.id) else {
                    throw Refusal.notFound(.price)
                }
                return .json { json in encode(row, reseller.publicID, tenant, &json) }
            }
        },
        Route(
            .put, "/resellers/{id}/products/{sku}", "Write a whole price row", access: .administrator,
            takes: Schemas.newPriceRow, gives: .done(Schemas.priceRow)
        ) { call in
            let body = try call.json()
            var fields = FieldReader(body)
            let row = fields.priceRow()
            fields.expectOnly(PriceColumn.allCases.map(\.rawValue), in: body)
            try fields.finish()
            let set = SetPrice(resellerID: call.parameters[0], sku: call.parameters[1], price: row)
            return .write { tenant, detail in
                let row = try set.run(tenant, &detail)
                return .json { json in encode(row, set.resellerID, tenant, &json) }
            }
        },
    ]

    private static func encode(
        _ row: PricedProduct, _ reseller: String, _ tenant: TenantReader, _ json: inout JSONWriter
    ) {
        json.field("reseller", reseller)
        json.field("sku", row.sku)
        json.field("name", row.name)
        json.field("hidden", row.isHidden)
        row.price.write(tenant, &json)
        json.field("currency", tenant.currency.code)
    }
}
