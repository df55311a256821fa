import CallKit
import HTTPCore
import TenantRegistry

/// What a reseller may sell and to whom it has sold (W2, W6).
extension WholesaleOrders {
    /// The price list's place among the answers kept ready.
    static let productsCacheKind = CacheKind()
    /// So many rows fit a price list kept ready; longer ones page.
    static let productsMax = 1_000

    static let catalogue: [Route] = [
        Route(
            .get, "/products", "List the products priced for you; in mode test also those with a list price",
            access: .reseller(.partnerRead),
            cacheKind: productsCacheKind, parameters: .page(.mode), gives: .list(Schemas.product)
        ) { call in
            let query = try call.query()
            let page = try Paging(call)
            // Without a page asked for, the whole list: that is what shops ask for all day.
            let isWhole = query.pairs.allSatisfy { $0.name == Parameter.mode.name }
            let book = try call.readBook()
            return .read { tenant in
                let rows = try tenant.offeredProducts(
                    resellerID: call.resellerID, book: book, after: page.after,
                    limit: isWhole ? productsMax + 1 : page.fetch)
                guard let reseller = try tenant.reseller(id: call.resellerID) else { throw Refusal.unknownCredential }
                let shown = isWhole ? Array(rows.prefix(productsMax)) : Array(rows.prefix(page.limit))
                let currency = tenant.currency
                return .json { json in
                    json.array("data") { json in
                        for row in shown {
                            let offered = OfferedProduct(row, for: reseller, currency)
                            json.object { json in Schemas.product.write(offered, in: currency, to: &json) }
                        }
                    }
                    json.field("has_more", rows.count > shown.count)
                    json.field(
                        "next_cursor",
                        rows.count > shown.count ? shown.last.map { page.text(behind: $0.productID) } : nil)
                }
            }
        },
        Route(
            .get, "/customers", "List your end customers", access: .reseller(.partnerRead),
            parameters: .page(.mode, .query("external_id")), gives: .list(Schemas.customer)
        ) { call in
            let query = try call.query()
            let page = try Paging(call)
            let externalID = try query.id("external_id")
            let book = try call.readBook()
            return .read { tenant in
                let rows: [Customer]
                if let externalID {
                    rows =
                        try tenant.customer(externalID: externalID, resellerID: call.resellerID, book: book)
                        .map { [$0] } ?? []
                } else {
                    rows = try tenant.customers(
                        resellerID: call.resellerID, book: book, after: page.after, limit: page.fetch)
                }
                return page.answer(rows, id: \.id, Schemas.customer, in: tenant.currency)
            }
        },
        Route(
            .get, "/balance", "Read your balance", access: .reseller(.partnerRead), parameters: [.mode],
            gives: .read(Schemas.balance)
        ) { call in
            let book = try call.readBook()
            return .read { tenant in
                guard let reseller = try tenant.reseller(id: call.resellerID) else { throw Refusal.unknownCredential }
                let balances = try tenant.balances(of: reseller, book: book)
                return .json(Schemas.balance, balances, in: tenant.currency)
            }
        },
    ]
}
