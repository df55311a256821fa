package import CallKit
import HTTPCore
import TenantRegistry

/// The whole price book in one file, and its history (O4).
extension OperatorAdmin {
    static let priceBook: [Route] = [
        Route(
            .get, "/price-book.csv", "Export the whole price book", access: .administrator, isOpenToSupport: false,
            gives: .read(.file("text/csv"))
        ) { call in
            .flow { steps in
                let hash = try await steps.read { try $0.priceBookHash() }
                return download(
                    "price-book.csv", "text/csv; charset=utf-8",
                    ExportPrices.stream(steps, minorUnitDigits: call.currency.minorUnitDigits), hash: hash)
            }
        },
        Route(
            .post, "/price-book.csv", "Import a whole price book, all rows or none", access: .administrator,
            body: .whole(bytesMax: Route.importBytesMax), parameters: [.dryRun, .ifMatch], takes: .file("text/csv"),
            gives: .done(Schemas.importedPrices), refuses: [412]
        ) { call in
            try call.importFile { importID, hash in
                ImportPrices(call.body, importID: importID, by: PriceAuthor(.file, of: call), onto: hash)
            }
        },
        Route(
            .get, "/price-history", "List changes of prices, newest first", access: .administrator,
            parameters: .page(Schemas.reseller, .query("product"), .from, .to), gives: .list(Schemas.priceChange),
            refuses: [404]
        ) { call in
            let query = try call.query()
            let page = try Paging(call)
            let (from, to) = try query.period()
            let (reseller, product) = (try query.id("reseller"), try query.id("product"))
            return .read { tenant in
                let filter = PriceChangeFilter(
                    resellerID: try tenant.resellerID(filter: reseller),
                    productID: try product.map { try tenant.knownProduct($0).id }, from: from, to: to)
                let rows = try tenant.priceChanges(filter, before: page.before, limit: page.fetch)
                return page.answer(rows, id: \.id, Schemas.priceChange, in: tenant.currency)
            }
        },
    ]

    /// A file to be saved, of a length that nobody knows yet.
    /// `hash`: names what the file is of.
    package static func download(
        _ name: StaticString, _ contentType: StaticString, _ body: PulledStream, hash: String? = nil
    ) -> Work {
        var headers = ResponseHeaders()
        if let hash { headers.add("ETag", "\"\(hash)\"") }
        headers.add("Content-Type", contentType)
        headers.add("Content-Disposition", "attachment; filename=\"\(name)\"")
        return .stream(status: 200, headers: headers, body: body, length: nil)
    }
}

extension PriceAuthor {
    init(_ way: Way, of call: Call) {
        self.init(way, keyID: call.keyID, accountID: call.accountID, requestID: call.requestID)
    }
}
