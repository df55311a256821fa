import CallKit
package import TenantRegistry

/// Whether resellers mint their own keys where the owner alone does (C5). Off unless the owner says otherwise.
private let selfServiceSetting = "self_service_keys"

extension TenantReader {
    package func allowsSelfServiceKeys() throws -> Bool { try setting(selfServiceSetting) == "on" }
}

extension TenantTransaction {
    package func setSelfServiceKeys(_ areAllowed: Bool) throws {
        try set(selfServiceSetting, to: areAllowed ? "on" : "off")
    }
}
