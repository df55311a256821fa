import CallKit
package import TenantRegistry

/// Gives a port another slot: id, login, password and end stay, and its reseller is told (X5, O9).
package struct MovePort: Sendable {
    package let port: Port
    /// The device that it leaves; nil: another slot of the same one does as well.
    package let notDevice: Int64?
    /// Its reseller asks for it, and wants all devices in turn.
    package var isRotation: Bool

    package init(port: Port, notDevice: Int64?, isRotation: Bool = false) {
        self.port = port
        self.notDevice = notDevice
        self.isRotation = isRotation
    }

    package func run(_ tenant: TenantTransaction) throws -> Port {
        var wish = port.wish
        wish.notDevice = notDevice
        wish.isRotation = isRotation
        let place = try AllocateSlot(wish: wish).run(tenant)
        try tenant.release(slot: port.slotID, isExclusive: port.isExclusive, isPrivate: port.isPrivate)
        try tenant.move(port, toSlot: place.slot)
        try tenant.take(slot: place.slot, device: place.device, port: port.id, wish: wish)
        return try tenant.tellRotated(port)
    }
}

/// Ends a port: its slot and its place in the customer's quota are free, and its reseller is told. Of one that ends
/// before its time nothing is paid back by itself.
struct EndPort: Sendable {
    let port: Port

    func run(_ tenant: TenantTransaction) throws {
        try tenant.markExpired(port)
        try tenant.release(slot: port.slotID, isExclusive: port.isExclusive, isPrivate: port.isPrivate)
        try tenant.addUsedPortSlots(-1, customer: port.customerID)
        // Where its time is up its state is the clock's, and so is already what its row says now.
        let ended =
            port.state == .expired
            ? port : try tenant.knownPort(port.publicID, resellerID: port.resellerID, book: port.book)
        try tenant.emitPort(.portExpired, ended)
    }
}

extension TenantTransaction {
    /// A port that is found elsewhere now.
    func tellRotated(_ port: Port) throws -> Port {
        try emitPort(.portRotated, knownPort(port.publicID, resellerID: port.resellerID, book: port.book))
    }
}
