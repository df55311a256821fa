import CallKit
import HTTPCore
import TenantRegistry

/// A reseller's price book, row by row (O4, W2). A key of mode `test`, or `?mode=test`, reads and writes the rows of
/// the test book, which go before the live ones there (O1).
extension OperatorAdmin {
    static let prices: [Route] = [
        Route(
            .get, "/resellers/{id}/products", "List a reseller's price book", access: .administrator,
            isTagged: true, parameters: .page(.mode), gives: .list(Schemas.priceRow)
        ) { call in
            let page = try Paging(call)
            let book = try call.query().mode(or: call.book)
            return .read { tenant in
                let reseller = try tenant.knownReseller(call.parameters[0])
                let rows = try tenant.pricedProducts(
                    resellerID: reseller.id, book: book, onlyOffered: false, after: page.after, limit: page.fetch)
                let prices = rows.map { Schemas.ResellersPrice(reseller: reseller.publicID, row: $0) }
                return page.answer(prices, id: \.row.productID, Schemas.priceRow, in: tenant.currency)
            }
        },
        Route(
            .get, "/resellers/{id}/products/{sku}", "Read a price row", access: .administrator, isTagged: true,
            parameters: [.mode], gives: .read(Schemas.priceRow)
        ) { call in
            let book = try call.query().mode(or: call.book)
            return .read { tenant in
                let reseller = try tenant.knownReseller(call.parameters[0])
                guard
                    let row = try tenant.pricedProduct(sku: call.parameters[1], resellerID: reseller.id, book: book)
                else { throw Refusal.notFound(.price) }
                return answer(row, of: reseller.publicID, tenant)
            }
        },
        Route(
            .get, "/resellers/{id}/products/{sku}/history", "List a price row's changes, newest first",
            access: .administrator, parameters: .page(.mode), gives: .list(Schemas.priceChange)
        ) { call in
            let page = try Paging(call)
            let book = try call.query().mode(or: call.book)
            return .read { tenant in
                let filter = PriceChangeFilter(
                    book: book, resellerID: try tenant.knownReseller(call.parameters[0]).id,
                    productID: try tenant.knownProduct(call.parameters[1]).id)
                let rows = try tenant.priceChanges(filter, before: page.before, limit: page.fetch)
                return page.answer(rows, id: \.id, Schemas.priceChange, in: tenant.currency)
            }
        },
        Route(
            .put, "/resellers/{id}/products/{sku}", "Write a price row; what is left out stays", access: .administrator,
            moves: .oneBook, parameters: [.ifMatch, .mode], takes: Schemas.newPriceRow.schema,
            gives: .done(Schemas.priceRow), refuses: [409, 412]
        ) { call in
            let change = try call.read(Schemas.newPriceRow)
            let book = try call.query().mode(or: call.book)
            let set = SetPrice(
                resellerID: call.parameters[0], sku: call.parameters[1], book: book, change: change,
                author: PriceAuthor(.call, of: call), meant: call.head.meant)
            return .write { tenant, detail in
                let row = try set.run(tenant, &detail) { row in
                    EntityTag(of: answer(row, of: set.resellerID, tenant).body)
                }
                return answer(row, of: set.resellerID, tenant)
            }
        },
        Route(
            .delete, "/resellers/{id}/products/{sku}",
            "Take a price row of the test book away: the live one holds there again", access: .administrator,
            moves: .oneBook, parameters: [.ifMatch, .mode], gives: .nothing, refuses: [409, 412]
        ) { call in
            let remove = RemoveTestPrice(
                resellerID: call.parameters[0], sku: call.parameters[1],
                book: try call.query().mode(or: call.book), author: PriceAuthor(.call, of: call),
                meant: call.head.meant)
            return .write { tenant, detail in
                try remove.run(tenant, &detail) { row in
                    EntityTag(of: answer(row, of: remove.resellerID, tenant).body)
                }
                return .noContent
            }
        },
    ]

    /// As the row is read, whose tag is that of these bytes.
    private static func answer(_ row: PricedProduct, of reseller: String, _ tenant: TenantReader) -> Answer {
        .json(Schemas.priceRow, Schemas.ResellersPrice(reseller: reseller, row: row), in: tenant.currency)
    }
}
