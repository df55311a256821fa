package import CallKit
import Cryptography
package import TenantRegistry

/// Buys a port for a customer: the product document's eight steps in one transaction, all or nothing (X4).
///
/// The reseller pays the country's base price × days; the customer's balance is not touched.
package struct CreatePort: Sendable {
    package struct Request: Sendable {
        package var customerID: String
        package var countryID: String
        package var cityID: String?
        package var carrierID: String?
        package var days: Int64
        package var isExclusive = false
        package var isPrivate = false

        package init(customerID: String, countryID: String, days: Int64) {
            self.customerID = customerID
            self.countryID = countryID
            self.days = days
        }
    }

    package enum Outcome: Sendable {
        case created(Port, PortPrice, password: String)
        /// Refused, and the event that tells of it stays: the refusal is an answer, not thrown.
        case quotaExceeded(PortCustomer)
    }

    package let request: Request
    package let resellerID: Int64
    package let book: Book
    package let keyID: Int64

    package init(request: Request, resellerID: Int64, book: Book, keyID: Int64) {
        self.request = request
        self.resellerID = resellerID
        self.book = book
        self.keyID = keyID
    }

    package func run(_ tenant: TenantTransaction, _ detail: inout AuditDetail) throws -> Outcome {
        let customer = try customer(tenant)
        detail.note("customer", customer.publicID)
        guard let country = try tenant.portCountry(request.countryID) else { throw Refusal.notFound(.country) }
        guard customer.usedPortSlots < customer.allocatedPortSlots else {
            return .quotaExceeded(try tenant.emit(.customerQuotaExceeded, customer))
        }
        let price = try PricePort(
            thing: .port, basePrice: country.basePrice, quantity: request.days, country: country,
            discount: customer.discountPercent, resellerID: resellerID, book: book
        ).run(tenant).price
        let charge = ChargePort(price: price, resellerID: resellerID, book: book, keyID: keyID)
        try PayDueServices.payFirst(tenant, resellerID: resellerID, book: book, &detail)
        try charge.judge(tenant)
        let wish = PortWish(
            countryID: country.id, city: request.cityID, carrier: request.carrierID, isExclusive: request.isExclusive,
            isPrivate: request.isPrivate, resellerID: resellerID, book: book)
        let place = try AllocateSlot(wish: wish).run(tenant)
        let publicID = tenant.newPublicID("port")
        let posting = try charge.run(tenant, port: publicID, &detail)
        let random = tenant.store.random
        let password = Base62.random(Self.passwordCharacters, from: random)
        let prefix = tenant.store.record?.profile.keyPrefix ?? "port"
        let id = try tenant.insertPort(
            NewPort(
                publicID: publicID, wish: wish, customerID: customer.id,
                displayName: "\(prefix)_\(Base62.random(6, from: random))_\(Base62.random(6, from: random))",
                login: "user\(Base62.random(Self.loginCharacters, from: random))", password: password,
                slotID: place.slot, days: request.days, basePrice: country.basePrice, price: price, posting: posting,
                keyID: keyID))
        try tenant.take(slot: place.slot, device: place.device, port: id, wish: wish)
        try tenant.addUsedPortSlots(1, customer: customer.id)
        let port = try tenant.emitPort(
            .portCreated, tenant.knownPort(publicID, resellerID: resellerID, book: book))
        try charge.tellLowBalance(tenant)
        detail.isOrder = true
        detail.note("port", publicID)
        detail.note("cost", String(price.cost.micros))
        return .created(port, price, password: password)
    }

    private static let passwordCharacters = 20
    private static let loginCharacters = 10

    /// Of this reseller and active; its ports whose time is up have left their slots.
    private func customer(_ tenant: TenantTransaction) throws -> PortCustomer {
        let customer = try tenant.knownPortCustomer(request.customerID, resellerID: resellerID, book: book)
        guard customer.isActive else {
            throw Refusal.conflict(.customerInactive)
        }
        // Cleared here so that the count in the file stays near the truth; what is judged by is right without it.
        try ExpirePorts(book: book, customerID: customer.id).run(tenant)
        return customer
    }
}
