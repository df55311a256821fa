package import CallKit
package import TenantRegistry

/// Gives a port more days before its end, at what they would cost a new port (X5). Id, login and slot stay.
package struct RenewPort: Sendable {
    package let portID: String
    package let days: Int64
    package let resellerID: Int64
    package let book: Book
    package let keyID: Int64

    package init(portID: String, days: Int64, resellerID: Int64, book: Book, keyID: Int64) {
        self.portID = portID
        self.days = days
        self.resellerID = resellerID
        self.book = book
        self.keyID = keyID
    }

    package func run(_ tenant: TenantTransaction, _ detail: inout AuditDetail) throws -> (port: Port, price: PortPrice)
    {
        let port = try tenant.knownPort(portID, resellerID: resellerID, book: book)
        detail.note("port", port.publicID)
        guard port.state == .active else { throw Refusal.conflict(.portExpired) }
        let end = port.expiresAt.adding(days: days)
        // The last instants of the calendar stop short of so many days.
        guard Timestamp.days(days, are: end.milliseconds - port.expiresAt.milliseconds),
            end <= tenant.now.adding(days: Self.daysAheadMax)
        else { throw Refusal.field("/days", "range", "must end within \(Self.daysAheadMax) days from now") }
        let customer = try tenant.knownPortCustomer(port.customerPublicID, resellerID: resellerID, book: book)
        guard customer.isActive else { throw Refusal.conflict(.customerInactive) }
        guard let country = try tenant.portCountry(port.countryPublicID) else { throw Refusal.notFound(.country) }
        let price = try PricePort(
            thing: .port, basePrice: country.basePrice, quantity: days, country: country,
            discount: customer.discountPercent, resellerID: resellerID, book: book
        ).run(tenant).price
        let charge = ChargePort(price: price, resellerID: resellerID, book: book, keyID: keyID)
        try PayDueServices.payFirst(tenant, resellerID: resellerID, book: book, &detail)
        try charge.judge(tenant)
        let posting = try charge.run(tenant, port: port.publicID, &detail)
        try tenant.insertPortRenewal(
            of: port, days: days, basePrice: country.basePrice, price: price, posting: posting, keyID: keyID)
        try tenant.extend(port, until: end)
        let renewed = try tenant.emitPort(
            .portRenewed, tenant.knownPort(portID, resellerID: resellerID, book: book))
        try charge.tellLowBalance(tenant)
        detail.isOrder = true
        detail.note("cost", String(price.cost.micros))
        return (renewed, price)
    }

    /// A port is bought for a year at the most, and renewed while it has less than a year left.
    private static let daysAheadMax = 2 * PricePort.daysMax
}
