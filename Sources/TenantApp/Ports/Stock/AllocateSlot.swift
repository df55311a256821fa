import CallKit
package import TenantRegistry

/// Finds a slot for a port, clearing ports whose time is up where there is no other (X4, X5).
package struct AllocateSlot: Sendable {
    package let wish: PortWish

    /// So many batches of ended ports at most are cleared for one port.
    private static let batchesMax = 8

    package func run(_ tenant: TenantTransaction) throws -> (slot: Int64, device: Int64) {
        guard try tenant.hasDevice(countryID: wish.countryID, city: wish.city, carrier: nil, book: wish.book) else {
            if wish.city != nil { throw Refusal.notFound(.city) }
            throw Self.none
        }
        guard try tenant.hasDevice(countryID: wish.countryID, city: nil, carrier: wish.carrier, book: wish.book) else {
            throw Refusal.notFound(.carrier)
        }
        if let place = try tenant.freeSlot(for: wish) { return place }
        for _ in 0..<Self.batchesMax {
            if try ExpirePorts(book: wish.book, customerID: nil).run(tenant).isEmpty { break }
            if let place = try tenant.freeSlot(for: wish) { return place }
        }
        throw Self.none
    }

    private static let none = Refusal.conflict(.noPortAvailable)
}
