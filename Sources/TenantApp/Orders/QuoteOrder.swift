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

    package static let quantityMax: Int64 = 1_000

    package init(
        sku: String, term: Term, quantity: Int64, customerExternalID: String, customerEmail: String? = nil,
        customerName: String? = nil
    ) {
        self.sku = sku
        self.term = term
        self.quantity = quantity
        self.customerExternalID = customerExternalID
        self.customerEmail = customerEmail
        self.customerName = customerName
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
}

/// Prices an order and refuses what may not be ordered. Writes nothing: `PlaceOrder` begins with it, `/orders/quote` is
/// it.
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
        guard let product = try tenant.pricedProduct(sku: request.sku, resellerID: resellerID), product.isOffered else {
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
        if book == .live {
            let available = try tenant.balance(.balance(reseller: resellerID), book: book)
                .adding(reseller.creditLimit)
            // What costs nothing needs nothing, whatever is owed.
            guard price.total == .zero || price.total <= available else {
                throw Refusal.insufficientBalance(
                    required: price.total, available: available, currency: tenant.currency)
            }
        }
        return Result(product: product, price: price, reseller: reseller)
    }

    /// An hourly term is charged as it accrues, so an order of it costs its setup fee alone (W3).
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
            return OrderPrice(
                termPrice: termPrice, rate: rate, line: line, setup: setup, total: try line.adding(setup))
        } catch {
            throw Refusal.unprocessable(.totalTooLarge)
        }
    }
}
