package import CallKit
package import HTTPCore
import TenantRegistry

/// The whole price book in one file, and its history (O4).
extension OperatorAdmin {
    static let priceBook: [Route] = [
        Route(
            .get, "/price-book.csv", "Export the whole price book", access: .administrator, isOpenToSupport: false,
            isTagged: true, gives: .read(.file("text/csv"))
        ) { call in
            .flow { steps in
                let hash = try await steps.read { try $0.priceBookHash() }
                return download(
                    "price-book.csv", "text/csv; charset=utf-8",
                    ExportPrices.stream(steps, minorUnitDigits: call.currency.minorUnitDigits), of: hash, to: call)
            }
        },
        Route(
            .post, "/price-book.csv", "Import a whole price book, all rows or none", access: .administrator,
            body: .whole(bytesMax: Route.importBytesMax), parameters: [.dryRun, Schemas.effectDays, .ifMatch],
            takes: .file("text/csv"), gives: .done(Schemas.importedPrices), refuses: [412]
        ) { call in
            let effect = try effect(call)
            return try call.importFile { importID, meant in
                ImportPrices(
                    call.body, importID: importID, by: PriceAuthor(.file, of: call), onto: meant, effect: effect)
            }
        },
        Route(
            .get, "/price-sheet", "List all products for one reseller, or all resellers for one product, priced or not",
            access: .administrator, parameters: .page(.mode, Schemas.reseller, .query("product")),
            gives: .list(Schemas.sheetRow), refuses: [404]
        ) { call in
            let query = try call.query()
            let page = try Paging(call)
            let book = try query.mode(or: call.book)
            let sheet: PriceSheet
            switch (try query.id("reseller"), try query.id("product")) {
            case (let reseller?, nil): sheet = .ofReseller(reseller)
            case (nil, let product?): sheet = .ofProduct(product)
            default: throw Refusal.field("/reseller", "required", "must be there, or product must, and not both")
            }
            return .read { tenant in
                let rows = try sheet.rows(of: book, after: page.after, limit: page.fetch, tenant)
                return page.answer(rows, id: sheet.place, Schemas.sheetRow, in: tenant.currency)
            }
        },
        Route(
            .get, "/price-history", "List changes of prices, newest first", access: .administrator,
            parameters: .page(.mode, Schemas.reseller, .query("product"), .from, .to),
            gives: .list(Schemas.priceChange), refuses: [404]
        ) { call in
            let query = try call.query()
            let page = try Paging(call)
            let book = try query.mode(or: call.book)
            let (from, to) = try query.period()
            let (reseller, product) = (try query.id("reseller"), try query.id("product"))
            return .read { tenant in
                let filter = PriceChangeFilter(
                    book: book, resellerID: try tenant.resellerID(filter: reseller),
                    productID: try product.map { try tenant.knownProduct($0).id }, from: from, to: to)
                let rows = try tenant.priceChanges(filter, before: page.before, limit: page.fetch)
                return page.answer(rows, id: \.id, Schemas.priceChange, in: tenant.currency)
            }
        },
    ]

    /// What a trial tells of orders; nil where nobody asks.
    private static func effect(_ call: Call) throws -> ImportPrices.Effect? {
        let query = try call.query()
        guard let days = try query.integer("effect_days", in: 1...Int(PriceEffect.daysMax)) else { return nil }
        // Who wants to know what the file would mean does not want it applied.
        guard try query.flag("dry_run") else {
            throw Refusal.field("/dry_run", "required", "must be true beside effect_days")
        }
        let now = call.now
        return { steps, rows, columns in
            try await PriceEffect(days: Int64(days), rows: rows, columns: columns).run(steps, now: now)
        }
    }

    /// The file of a book that its hash names; 304 to whoever has it.
    static func download(
        _ name: StaticString, _ contentType: StaticString, _ body: PulledStream, of hash: String, to call: Call
    ) -> Work {
        let tag = EntityTag(hash: hash)
        var headers = ResponseHeaders()
        headers.add("ETag", tag.text)
        guard call.head.has(tag) else { return download(name, contentType, body, headers) }
        var answer = Answer(status: 304, body: [])
        answer.headers = headers
        return .answer(answer)
    }

    /// A file to be saved, of a length that nobody knows yet.
    package static func download(
        _ name: StaticString, _ contentType: StaticString, _ body: PulledStream,
        _ headers: ResponseHeaders = ResponseHeaders()
    ) -> Work {
        var headers = headers
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
