package import CallKit
package import TenantRegistry

/// Corrects what is said of a device (O9): its address, with that of its slots, a few in each step; resellers are told
/// of each port that is found elsewhere. Asked again, it goes on where it was cut off. A value.
package struct ChangeDevice: Sendable {
    private static let slotsMax = 20

    package let name: String
    package let book: Book
    package var serverIP: String?
    package var city: String??
    package var carrier: String??
    package var isExclusiveCapable: Bool?

    package init(name: String, book: Book) {
        self.name = name
        self.book = book
    }

    package func run(_ steps: Steps) async throws {
        let id = try await steps.write { tenant, detail in
            let device = try tenant.knownPortDevice(name, book: book)
            detail.note("device", name)
            try change(device, tenant)
            return device.id
        }
        while try await steps.write({ tenant, detail in
            detail.note("device", name)
            return try readdress(id, tenant)
        }) == Self.slotsMax {}
    }

    private func change(_ known: StockedDevice, _ tenant: TenantTransaction) throws {
        guard known.state == .active else { throw Refusal.conflict(.deviceWithdrawn) }
        var device = known.device
        if let serverIP { device.serverIP = serverIP }
        if let city { device.city = city }
        if let carrier { device.carrier = carrier }
        if let isExclusiveCapable {
            if known.exclusivePorts > 0 && !isExclusiveCapable { throw Refusal.conflict(.deviceExclusive) }
            device.isExclusiveCapable = isExclusiveCapable
        }
        if device.serverIP != known.device.serverIP {
            guard try !tenant.isAddressTaken(by: known, at: device.serverIP, book: book) else {
                throw Refusal.conflict(.addressTaken)
            }
        }
        try tenant.save(device, id: known.id)
    }

    /// Returns how many slots were elsewhere.
    private func readdress(_ id: Int64, _ tenant: TenantTransaction) throws -> Int {
        guard let address = try tenant.portDevice(named: name, book: book)?.device.serverIP else {
            throw Refusal.notFound(.device)
        }
        let slots = try tenant.slotsElsewhere(ofDevice: id, limit: Self.slotsMax)
        for slot in slots {
            try tenant.give(slot, address, httpPort: slot.httpPort, socksPort: slot.socksPort, book: book)
        }
        return slots.count
    }
}

/// Corrects the ports of one slot.
package struct ChangeSlot: Sendable {
    package let address: SlotAddress
    package let book: Book
    package let httpPort: Int64?
    package let socksPort: Int64?

    package func run(_ tenant: TenantTransaction, _ detail: inout AuditDetail) throws -> PortSlot {
        let slot = try address.slot(tenant, book)
        detail.note("slot", address.text)
        let (http, socks) = (httpPort ?? slot.httpPort, socksPort ?? slot.socksPort)
        guard http != socks else {
            throw Refusal.field("/socks_port", "range", "must be another port than http_port")
        }
        try tenant.give(slot, address.serverIP, httpPort: http, socksPort: socks, book: book)
        guard let known = try tenant.portSlot(id: slot.id) else { throw Refusal.defect }
        return known
    }
}

/// A slot by its address and its port for HTTP, say `203.0.113.7:10001` or `[2001:db8::7]:10001`.
package struct SlotAddress: Sendable {
    package let text: String
    package let serverIP: String
    package let httpPort: Int64

    package init(text: String, serverIP: String, httpPort: Int64) {
        self.text = text
        self.serverIP = serverIP
        self.httpPort = httpPort
    }

    func slot(_ tenant: TenantReader, _ book: Book) throws -> HeldSlot {
        guard let slot = try tenant.heldSlot(serverIP: serverIP, httpPort: httpPort, book: book) else {
            throw Refusal.notFound(.slot)
        }
        return slot
    }
}

extension TenantTransaction {
    /// The slot is found there from now on, and its port's reseller is told.
    fileprivate func give(
        _ slot: HeldSlot, _ serverIP: String, httpPort: Int64, socksPort: Int64, book: Book
    ) throws {
        let isTaken = try isAddressTaken(
            serverIP: serverIP, httpPort: httpPort, socksPort: socksPort, book: book, butBy: slot.id)
        if isTaken { throw Refusal.conflict(.addressTaken) }
        try setAddress(ofSlot: slot.id, serverIP: serverIP, httpPort: httpPort, socksPort: socksPort)
        if let id = slot.portID, let port = try port(id: id) { _ = try tellRotated(port) }
    }
}
