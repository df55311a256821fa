import CallKit

extension Missing {
    static let port = Missing("port")
    static let country = Missing("country")
    static let city = Missing("city")
    static let carrier = Missing("carrier")
    static let device = Missing("device")
    static let slot = Missing("slot")
}

extension Conflict {
    static let customerInactive = Conflict("customer_inactive", "The customer is not active.")
    static let externalIDTaken = Conflict(
        "external_id_taken", "There is a customer with this externalId.", pointer: "/externalId")
    static let noPortAvailable = Conflict(
        "no_port_available", "No port is available there now; nothing was charged.")
    static let addressTaken = Conflict(
        "address_taken", "Another slot has, or had, one of these ports at this address.")
    static let deviceExclusive = Conflict("device_exclusive", "An exclusive port is on the device.")
    static let deviceWithdrawn = Conflict("device_withdrawn", "The device has been taken out.")
    static let slotInUse = Conflict("slot_in_use", "A port has the slot: say ?ports=move or ?ports=end.")

    static func deviceInUse(_ ports: Int64) -> Conflict {
        Conflict("device_in_use", "The device has \(ports) ports in use: say ?ports=move or ?ports=end.")
    }

    static let portExpired = Conflict("port_expired", "The port has expired.")

    static func customerQuotaExceeded(_ customer: PortCustomer) -> Conflict {
        let (used, allocated) = (customer.usedPortSlots, customer.allocatedPortSlots)
        return Conflict("customer_quota_exceeded", "The customer has \(used) of \(allocated) port slots in use.")
    }

    /// `amount`: of the transfer that has the reference.
    static func referenceReused(_ amount: String) -> Conflict {
        Conflict("reference_reused", "The referenceId belongs to a transfer of \(amount).")
    }
}
