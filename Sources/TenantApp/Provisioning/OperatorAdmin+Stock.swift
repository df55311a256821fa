import CallKit
import HTTPCore
import TenantRegistry

/// Stock that orders of a product take from (O4). Its texts come in and go out in the details of a service that was
/// sold; nothing else shows them. `?mode=` names the book; left out, it is the key's.
extension OperatorAdmin {
    static let stock: [Route] = [
        Route(
            .post, "/products/{sku}/stock", "Take items into stock, all or none", access: .administrator,
            moves: .oneBook, body: .whole(bytesMax: Route.importBytesMax), idempotency: .required,
            parameters: [.mode], takes: Schemas.stockFile, gives: .made(Schemas.importedStock), refuses: [404]
        ) { call in
            try call.expectCSV()
            let book = try call.query().mode(or: call.book)
            return .flow { steps in
                let product = try await steps.read { tenant in try tenant.knownProduct(call.parameters[0]) }
                if call.services.fleet.refusesWrites { throw LaneFailure.storageFull }
                // A call that was answered before finds its own items in stock: it is given its answer.
                try await steps.replay()
                let importID = ImportID.new(at: call.now, call.services.random)
                return try await ImportStock(
                    StockFile(call.body), productID: product.id, book: book, importID: importID
                ).run(steps)
            }
        },
        Route(
            .get, "/products/{sku}/stock", "Count a product's stock", access: .administrator, parameters: [.mode],
            gives: .read(Schemas.stockCounts)
        ) { call in
            let book = try call.query().mode(or: call.book)
            return .read { tenant in
                let product = try tenant.knownProduct(call.parameters[0])
                let counts = try tenant.stockCounts(product: product.id, book: book)
                return .json(
                    Schemas.stockCounts, Schemas.ProductStock(sku: product.sku, book: book, counts: counts),
                    in: tenant.currency)
            }
        },
        Route(
            .get, "/products/{sku}/stock/items", "List a product's stock, oldest first, without its texts",
            access: .administrator, parameters: .page(.mode), gives: .list(Schemas.stockItem), refuses: [404]
        ) { call in
            let query = try call.query()
            let page = try Paging(call)
            let book = try query.mode(or: call.book)
            return .read { tenant in
                let product = try tenant.knownProduct(call.parameters[0])
                let rows = try tenant.stockItems(
                    product: product.id, book: book, after: page.after, limit: page.fetch)
                return page.answer(rows, id: \.id, Schemas.stockItem, in: tenant.currency)
            }
        },
        Route(
            .delete, "/products/{sku}/stock/items/{id}", "Withdraw a free item: it is no longer sold",
            access: .administrator, moves: .oneBook, parameters: [.mode], gives: .done(Schemas.stockItem),
            refuses: [409]
        ) { call in
            let withdraw = WithdrawStockItem(
                sku: call.parameters[0], itemID: call.parameters[1],
                callerBook: try call.query().mode(or: call.book))
            return .write { tenant, detail in
                .json(Schemas.stockItem, try withdraw.run(tenant, &detail), in: tenant.currency)
            }
        },
    ]
}
