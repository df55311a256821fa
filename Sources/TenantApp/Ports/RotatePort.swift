package import CallKit
package import HTTPCore
package import TenantRegistry

/// Moves a port to another device: id, login, password and end stay (X5).
package struct RotatePort: Sendable {
    package let portID: String
    package let resellerID: Int64
    package let book: Book

    package init(portID: String, resellerID: Int64, book: Book) {
        self.portID = portID
        self.resellerID = resellerID
        self.book = book
    }

    package func run(_ tenant: TenantTransaction, _ detail: inout AuditDetail) throws -> Port {
        let port = try tenant.knownPort(portID, resellerID: resellerID, book: book)
        detail.note("port", port.publicID)
        guard port.state == .active else {
            throw Refusal.conflict(.portExpired)
        }
        var wish = port.wish
        wish.notDevice = port.deviceID
        let place = try AllocateSlot(wish: wish).run(tenant)
        try tenant.release(slot: port.slotID, isExclusive: port.isExclusive, isPrivate: port.isPrivate)
        try tenant.move(port, toSlot: place.slot)
        try tenant.take(slot: place.slot, device: place.device, port: port.id, wish: wish)
        let moved = try tenant.knownPort(portID, resellerID: resellerID, book: book)
        try tenant.emit(.portRotated, resellerID: resellerID, book: book) { json in moved.writeEvent(&json) }
        return moved
    }
}

extension Port {
    /// What events say of a port: nothing to sign in with.
    package func writeEvent(_ json: inout JSONWriter) {
        json.field("portId", publicID)
        json.field("customerId", customerPublicID)
        json.field("countryId", countryPublicID)
        json.field("serverIp", serverIP)
        json.field("httpPort", httpPort)
        json.field("socksPort", socksPort)
        json.field("expiresAt", expiresAt.milliseconds)
    }
}
