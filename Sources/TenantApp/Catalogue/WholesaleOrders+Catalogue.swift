package import CallKit
package import HTTPCore
package import TenantRegistry

/// What a reseller may sell and to whom it has sold (W2, W6).
extension WholesaleOrders {
    /// The price list's place among the answers kept ready.
    static let productsCacheKind = CacheKind()
    /// So many rows fit a price list kept ready; longer ones page.
    static let productsMax = 1_000

    static let catalogue: [Route] = [
        Route(
            .get, "/products", "List the products priced for you", access: .reseller(.partnerRead),
            cacheKind: productsCacheKind, parameters: .page(), gives: .list(Schemas.product)
        ) { call in
            let query = try call.query()
            let page = try Paging(query)
            // Without a page asked for, the whole list: that is what shops ask for all day.
            let isWhole = query.pairs.isEmpty
            return .read { tenant in
                let rows = try tenant.pricedProducts(
                    resellerID: call.resellerID, onlyOffered: true, after: page.after,
                    limit: isWhole ? productsMax + 1 : page.fetch)
                guard let reseller = try tenant.reseller(id: call.resellerID) else { throw Refusal.unknownCredential }
                let shown = isWhole ? Array(rows.prefix(productsMax)) : Array(rows.prefix(page.limit))
                let answer = Answer.json { json in
                    json.array("data") { json in
                        for row in shown { json.object { json in encode(row, reseller, tenant, &json) } }
                    }
                    json.field("has_more", rows.count > shown.count)
                    json.field(
                        "next_cursor", rows.count > shown.count ? shown.last.map { Paging.text($0.productID) } : nil)
                }
                return answer
            }
        },
        Route(
            .get, "/customers", "List your end customers", access: .reseller(.partnerRead),
            parameters: .page(.query("external_id")), gives: .list(Schemas.customer)
        ) { call in
            let query = try call.query()
            let page = try Paging(query)
            let externalID = query["external_id"]
            return .read { tenant in
                let rows: [Customer]
                if let externalID {
                    rows =
                        try tenant.customer(externalID: externalID, resellerID: call.resellerID, book: call.book)
                        .map { [$0] } ?? []
                } else {
                    rows = try tenant.customers(
                        resellerID: call.resellerID, book: call.book, after: page.after, limit: page.fetch)
                }
                return page.answer(rows, id: \.id) { customer, json in encode(customer, &json) }
            }
        },
        Route(.get, "/balance", "Read your balance", access: .reseller(.partnerRead), gives: .read(Schemas.balance)) {
            call in
            .read { tenant in
                guard let reseller = try tenant.reseller(id: call.resellerID) else { throw Refusal.unknownCredential }
                return try balance(of: reseller, book: call.book, tenant)
            }
        },
    ]

    /// `{balance, held, credit_limit, available, currency}`.
    package static func balance(of reseller: Reseller, book: Book, _ tenant: TenantReader) throws -> Answer {
        let balance = try tenant.balance(.balance(reseller: reseller.id), book: book)
        let held = try tenant.balance(.held(reseller: reseller.id), book: book)
        let available = try balance.adding(reseller.creditLimit)
        return .json { json in
            json.field("balance", tenant.decimal(balance))
            json.field("held", tenant.decimal(held))
            json.field("credit_limit", tenant.decimal(reseller.creditLimit))
            json.field("available", tenant.decimal(available))
            json.field("currency", tenant.currency.code)
        }
    }

    private static func encode(
        _ product: PricedProduct, _ reseller: Reseller, _ tenant: TenantReader, _ json: inout JSONWriter
    ) {
        let rate = Pricing.rate(override: product.price.discountRateOverride, default: reseller.defaultDiscountRate)
        json.field("product", product.sku)
        json.field("name", product.name)
        json.field("fulfilment", product.fulfilment.rawValue)
        json.object("terms") { json in
            for term in Term.allCases {
                guard let price = product.price.terms[term] else { continue }
                json.object(named: term.rawValue) { json in
                    json.field("wholesale", tenant.decimal(price))
                    json.field("net", net(price, rate, term, tenant.currency))
                }
            }
        }
        json.field("setup_fee", tenant.decimal(product.price.setupFee ?? .zero))
        json.field("discount_rate", rate.decimal)
        json.field("max_quantity", product.price.maxQuantity)
        json.field("currency", tenant.currency.code)
    }

    /// What one unit costs: rounded as one line is; an hourly price exactly, since it accrues.
    private static func net(_ price: Money, _ rate: Percent, _ term: Term, _ currency: Currency) -> String? {
        let digits = term == .hourly ? Money.fractionDigits : currency.minorUnitDigits
        let line = try? Pricing.line(termPrice: price, rate: rate, quantity: 1, minorUnitDigits: digits)
        return line?.decimal(minorUnitDigits: currency.minorUnitDigits)
    }

    package static func encode(_ customer: Customer, _ json: inout JSONWriter) {
        json.field("id", customer.publicID)
        json.field("external_id", customer.externalID)
        json.field("email", customer.email)
        json.field("name", customer.name)
        json.field("created_at", customer.createdAt.text)
    }
}
