package import CallKit
package import TenantRegistry

/// What becomes of a port whose slot is taken out.
package enum PortFate: String, Sendable, CaseIterable {
    /// It gets another slot.
    case move
    /// It ends now.
    case end
}

/// Takes a device out of stock: no new port comes onto it, and those that are on it move or end, a few in each step, so
/// that no step holds the lane long (O9). Asked again, it goes on where it was cut off. A value.
package struct TakeOutDevice: Sendable {
    /// Of each step.
    private static let slotsMax = 500
    private static let portsMax = 10

    package struct Result: Sendable {
        package var moved = 0
        package var ended = 0
    }

    package let name: String
    package let book: Book
    /// Nil: a device that has ports stays.
    package let fate: PortFate?

    package func run(_ steps: Steps) async throws -> Result {
        let id = try await steps.write { tenant, detail in
            let device = try tenant.knownPortDevice(name, book: book)
            if device.used > 0 && fate == nil { throw Refusal.conflict(.deviceInUse(device.used)) }
            detail.note("device", name)
            try tenant.beginWithdrawal(ofDevice: device.id)
            _ = try tenant.withdrawFreeSlots(ofDevice: device.id, limit: Self.slotsMax)
            return device.id
        }
        while try await steps.write({ tenant, detail in
            detail.note("device", name)
            return try tenant.withdrawFreeSlots(ofDevice: id, limit: Self.slotsMax)
        }) == Self.slotsMax {}
        var result = Result()
        guard let fate else { return result }
        while true {
            let (count, isStuck) = try await steps.write { tenant, detail in
                detail.note("device", name)
                return try clear(id, fate, tenant, &detail)
            }
            switch fate {
            case .move: result.moved += count
            case .end: result.ended += count
            }
            if count < Self.portsMax || isStuck { return result }
        }
    }

    /// Moves or ends a few ports; stuck where one finds no other place.
    private func clear(
        _ device: Int64, _ fate: PortFate, _ tenant: TenantTransaction, _ detail: inout AuditDetail
    ) throws -> (count: Int, isStuck: Bool) {
        var count = 0
        var isStuck = false
        // A move may end other ports of the device whose time is up: each is read when its turn comes.
        while count < Self.portsMax, !isStuck, let id = try tenant.firstPortID(ofDevice: device) {
            guard let port = try tenant.port(id: id) else { throw Refusal.defect }
            switch port.state == .expired && tenant.isClockBelieved ? .end : fate {
            case .end: try EndPort(port: port).run(tenant)
            case .move:
                do {
                    _ = try MovePort(port: port, notDevice: device).run(tenant)
                } catch let refusal as Refusal {
                    // Nothing of the move has been done yet: a slot is looked for first.
                    guard refusal.status == 409 || refusal.status == 404 else { throw refusal }
                    isStuck = true
                    continue
                }
            }
            count += 1
        }
        detail.note("ports", String(count))
        _ = try tenant.withdrawFreeSlots(ofDevice: device, limit: Self.slotsMax)
        return (count, isStuck)
    }
}

/// Takes one slot out of stock; a port that has it moves or ends.
package struct TakeOutSlot: Sendable {
    package let address: SlotAddress
    package let book: Book
    package let fate: PortFate?

    package func run(_ tenant: TenantTransaction, _ detail: inout AuditDetail) throws -> PortSlot {
        let slot = try address.slot(tenant, book)
        detail.note("slot", address.text)
        if let id = slot.portID {
            guard let port = try tenant.port(id: id) else { throw Refusal.defect }
            detail.note("port", port.publicID)
            switch port.state == .expired && tenant.isClockBelieved ? .end : fate {
            case nil: throw Refusal.conflict(.slotInUse)
            case .move?: _ = try MovePort(port: port, notDevice: nil).run(tenant)
            case .end?: try EndPort(port: port).run(tenant)
            }
        }
        try tenant.withdraw(slot)
        guard let known = try tenant.portSlot(id: slot.id) else { throw Refusal.defect }
        return known
    }
}
