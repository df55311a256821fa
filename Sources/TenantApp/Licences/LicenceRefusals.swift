package import CallKit

extension Missing {
    static let licence = Missing("license")
    /// None is left to draw.
    package static let availableLicence = Missing("available_license")
}

extension Conflict {
    static let licenceAssigned = Conflict("license_assigned", "License is already assigned to another user.")
    static let licenceHeld = Conflict("license_held", "The licence was fetched a moment ago.")
    package static let licenceExpired = Conflict("license_expired", "License has expired.")
}
