package import CallKit
package import TenantRegistry

/// Places an order: check, customer, posting or hold, order, one service a unit, event — or nothing of it.
///
/// Sold at once where the product is `instant`, else the money is held until the order is decided. The test
/// book never charges (X7): its orders post zero.
package struct PlaceOrder {
    package struct Result {
        package let orderID: String
        package let state: OrderState
        package let serviceIDs: [String]
        package let product: PricedProduct
        package let price: OrderPrice
        package let customer: Customer
    }

    package let request: OrderRequest
    package let resellerID: Int64
    package let book: Book
    package let keyID: Int64
    package let idempotencyKey: String?

    package init(request: OrderRequest, resellerID: Int64, book: Book, keyID: Int64, idempotencyKey: String?) {
        self.request = request
        self.resellerID = resellerID
        self.book = book
        self.keyID = keyID
        self.idempotencyKey = idempotencyKey
    }

    package func run(_ tenant: TenantTransaction, _ detail: inout AuditDetail) throws -> Result {
        try PayDueServices.payFirst(tenant, resellerID: resellerID, book: book, &detail)
        let quote = try QuoteOrder(request: request, resellerID: resellerID, book: book).run(tenant)
        let (holds, productID) = (quote.product.fulfilment.holds, quote.product.productID)
        let stock =
            quote.product.fulfilment == .stock
            ? try tenant.freeStock(product: productID, book: book, limit: request.quantity) : []
        let customer = try tenant.customer(
            externalID: request.customerExternalID, email: request.customerEmail, name: request.customerName,
            resellerID: resellerID, book: book)
        let publicID = tenant.newPublicID("ord")
        let charged = book == .live ? quote.price.total : .zero
        let posting = try tenant.post(
            holds ? .hold : .order, charged, from: .balance(reseller: resellerID),
            to: holds ? .held(reseller: resellerID) : .sales, reference: publicID, resellerID: resellerID, book: book,
            keyID: keyID, detail: &detail)
        let new = NewOrder(
            book: book, reseller: quote.reseller, customer: customer, productID: productID,
            sku: quote.product.sku, term: request.term, quantity: request.quantity, price: quote.price,
            state: holds ? .pending : .completed, keyID: keyID, idempotencyKey: idempotencyKey,
            reference: request.reference)
        let order = try tenant.insertOrder(new, publicID: publicID, posting: posting)
        try tenant.emitNew(.orderCreated, order)
        // Ids ascend with their rows: what falls due at one instant is paid in row order, and callers see ids (W9).
        let serviceIDs = (0..<request.quantity).map { _ in tenant.newPublicID("svc") }.sorted()
        for (unit, serviceID) in serviceIDs.enumerated() {
            let service = try tenant.insertService(of: new, order, publicID: serviceID)
            switch quote.product.fulfilment {
            case .instant, .manual: break
            case .http: try tenant.insertProvisioning(ofService: service.id, book: book)
            case .stock: try tenant.sell(stock[unit], as: service.id)
            }
            if service.state == .active { try tenant.emitNew(.serviceActivated, service) }
        }
        try tenant.addUnits(request.quantity, resellerID: resellerID, productID: productID, book: book)
        try LowBalance.check(tenant, quote.reseller, book: book, spent: charged)
        detail.isOrder = true
        detail.note("order", publicID)
        detail.note("total", String(quote.price.total.micros))
        detail.note("quantity", String(request.quantity))
        return Result(
            orderID: publicID, state: order.state, serviceIDs: serviceIDs, product: quote.product, price: quote.price,
            customer: customer)
    }
}
