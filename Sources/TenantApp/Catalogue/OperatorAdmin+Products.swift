import CallKit
import HTTPCore
import TenantRegistry

/// The catalogue (O4). Products are hidden, never deleted: orders name them.
extension OperatorAdmin {
    static let products: [Route] = [
        Route(
            .post, "/products", "Add a product", access: .administrator, idempotency: .accepted,
            takes: Schemas.newProduct.schema, gives: .made(Schemas.product), refuses: [409]
        ) { call in
            let create = try call.read(Schemas.newProduct)
            return .write { tenant, detail in
                let product = try create.run(tenant, &detail)
                return .json(201, Schemas.product, product, in: tenant.currency)
            }
        },
        Route(
            .get, "/products", "List products", access: .administrator, isTagged: true,
            parameters: .page(
                .query("fulfilment", .choice(Fulfilment.self)), .query("hidden", .one(of: ["true", "false"])), .search),
            gives: .list(Schemas.product)
        ) { call in
            let page = try Paging(call)
            let filter = try productFilter(try call.query())
            return .read { tenant in
                let found = try tenant.products(filter, after: page.after, limit: page.limit)
                return page.answer(found: found.rows, next: found.next, Schemas.product, in: tenant.currency)
            }
        },
        Route(
            .get, "/products.csv", "Export all products", access: .administrator, isOpenToSupport: false,
            isTagged: true, gives: .read(.file("text/csv"))
        ) { call in
            .flow { steps in
                let hash = try await steps.read { try $0.catalogueHash() }
                return download(
                    "products.csv", "text/csv; charset=utf-8",
                    ExportProducts.stream(steps, minorUnitDigits: call.currency.minorUnitDigits), of: hash, to: call)
            }
        },
        Route(
            .post, "/products.csv", "Import products, all rows or none", access: .administrator,
            body: .whole(bytesMax: Route.importBytesMax), parameters: [.dryRun, .ifMatch], takes: .file("text/csv"),
            gives: .done(Schemas.importedProducts), refuses: [412]
        ) { call in
            try call.importFile { importID, meant in ImportProducts(call.body, importID: importID, onto: meant) }
        },
        Route(.get, "/products/{sku}", "Read a product", access: .administrator, gives: .read(Schemas.product)) {
            call in
            .read { tenant in
                let product = try tenant.knownProduct(call.parameters[0])
                return .json(Schemas.product, product, in: tenant.currency)
            }
        },
        Route(
            .patch, "/products/{sku}", "Change a product", access: .administrator, takes: Schemas.productChange.schema,
            gives: .done(Schemas.product)
        ) { call in
            let change = try productChange(call)
            return .write { tenant, detail in
                let product = try change.run(tenant, &detail)
                return .json(Schemas.product, product, in: tenant.currency)
            }
        },
    ]

    private static func productFilter(_ query: Query) throws(Refusal) -> ProductFilter {
        var filter = ProductFilter()
        filter.fulfilment = try query.choice("fulfilment", as: Fulfilment.self)
        filter.isHidden = query["hidden"] == nil ? nil : try query.flag("hidden")
        filter.beginning = try query.search()
        return filter
    }

    private static func productChange(_ call: Call) throws -> ChangeProduct {
        var change = ChangeProduct(sku: call.parameters[0])
        (
            change.name, change.fulfilment, change.isHidden, change.days, change.retailPrice, change.wholesalePrice,
            change.list
        ) = try call.read(Schemas.productChange)
        return change
    }
}
