package import CallKit
package import TenantRegistry

/// What an order asks for (W4).
package struct OrderRequest: Sendable {
    package var sku: String
    package var term: Term
    package var quantity: Int64
    package var customerExternalID: String
    package var customerEmail: String?
    package var customerName: String?
    /// The reseller's own name of the order.
    package var reference: String?

    package static let quantityMax: Int64 = 1_000
    package static let referenceCharactersMax = 128

    package init(
        sku: String, term: Term, quantity: Int64, customerExternalID: String, customerEmail: String? = nil,
        customerName: String? = nil, reference: String? = nil
    ) {
        self.sku = sku
        self.term = term
        self.quantity = quantity
        self.customerExternalID = customerExternalID
        self.customerEmail = customerEmail
        self.customerName = customerName
        self.reference = reference
    }
}

/// What an order costs, and what of it was decided by which rule (W3).
package struct OrderPrice: Sendable, Equatable {
    package let termPrice: Money
    package let rate: Percent
    /// round(quantity × unit) to the minor unit.
    package let line: Money
    /// The setup fee for all units, rounded apart, never discounted.
    package let setup: Money
    package let total: Money
    /// Nil for terms that are paid in advance.
    package let hourly: HourlyPrice?
}

/// What units of an hourly term will cost as they accrue (W3).
package struct HourlyPrice: Sendable, Equatable {
    /// An hour of all units, rounded to the micro: an hour accrues unrounded.
    package let total: Money
    /// A day of all units, rounded to the minor unit.
    package let firstDay: Money

    init(_ unit: UnitPrice, quantity: Int64, currency: Currency) throws(MoneyError) {
        total = try unit.line(quantity: quantity, minorUnitDigits: Money.fractionDigits)
        firstDay = try unit.line(
            quantity: quantity * Pricing.hoursInAdvance, minorUnitDigits: currency.minorUnitDigits)
    }
}

/// Prices an order and refuses what may not be ordered. Writes nothing: `/orders/quote` is it, and `PlaceOrder` once
/// what was due is paid.
package struct QuoteOrder {
    package struct Result {
        package let product: PricedProduct
        package let price: OrderPrice
        package let reseller: Reseller
    }

    package let request: OrderRequest
    package let resellerID: Int64
    package let book: Book

    package func run(_ tenant: TenantReader) throws -> Result {
        guard let product = try tenant.offeredProduct(sku: request.sku, resellerID: resellerID, book: book) else {
            throw Refusal.notFound(.product)
        }
        guard let termPrice = product.price.terms[request.term] else {
            throw Refusal.unprocessable(.termNotPriced(request.sku, request.term))
        }
        guard let reseller = try tenant.reseller(id: resellerID) else { throw Refusal.unknownCredential }
        let price = try Self.price(
            product.price, termPrice: termPrice, term: request.term, quantity: request.quantity,
            standardRate: reseller.defaultDiscountRate, currency: tenant.currency)
        if let cap = product.price.maxQuantity {
            let held = try tenant.unitsHeld(resellerID: resellerID, productID: product.productID, book: book)
            guard held + request.quantity <= cap else {
                throw Refusal.conflict(.maxQuantityExceeded(cap, held: held))
            }
        }
        if product.fulfilment == .stock {
            let free = try tenant.freeStock(product: product.productID, book: book, limit: request.quantity).count
            guard free >= request.quantity else {
                throw Refusal.conflict(.outOfStock(request.sku, wanted: request.quantity, free: Int64(free)))
            }
        }
        if book == .live {
            let available = try tenant.balance(.balance(reseller: resellerID), book: book)
                .adding(reseller.creditLimit)
            let required = try required(price, tenant)
            // What costs nothing needs nothing, whatever is owed.
            guard required == .zero || required <= available else {
                throw Refusal.insufficientBalance(required: required, available: available, currency: tenant.currency)
            }
        }
        return Result(product: product, price: price, reseller: reseller)
    }

    /// What has to be there: the total, and with an hourly term a day of it and of every hourly unit that is held.
    private func required(_ price: OrderPrice, _ tenant: TenantReader) throws -> Money {
        guard price.hourly != nil else { return price.total }
        var units = try tenant.hourlyUnits(resellerID: resellerID, book: book)
        units.append((Pricing.unit(termPrice: price.termPrice, rate: price.rate), request.quantity))
        let day = try UnitPrice.sum(units).line(
            quantity: Pricing.hoursInAdvance, minorUnitDigits: tenant.currency.minorUnitDigits)
        return try price.total.adding(day)
    }

    /// An hourly term is charged as it accrues, so an order of it is charged its setup fee alone (W3).
    package static func price(
        _ row: PriceRow, termPrice: Money, term: Term, quantity: Int64, standardRate: Percent, currency: Currency
    ) throws -> OrderPrice {
        let rate = Pricing.rate(override: row.discountRateOverride, default: standardRate)
        let digits = currency.minorUnitDigits
        do {
            let line =
                term == .hourly
                ? Money.zero
                : try Pricing.line(termPrice: termPrice, rate: rate, quantity: quantity, minorUnitDigits: digits)
            let setup = try Pricing.setup(fee: row.setupFee, quantity: quantity, minorUnitDigits: digits)
            let unit = Pricing.unit(termPrice: termPrice, rate: rate)
            let hourly = term == .hourly ? try HourlyPrice(unit, quantity: quantity, currency: currency) : nil
            return OrderPrice(
                termPrice: termPrice, rate: rate, line: line, setup: setup, total: try line.adding(setup),
                hourly: hourly)
        } catch {
            // Of one unit, its price is to blame.
            throw Refusal.unprocessable(quantity > 1 ? .unitsTooDear : .totalTooLarge)
        }
    }
}
