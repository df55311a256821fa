import CallKit
package import TenantRegistry

/// Whether a reseller that waits for approval may integrate meanwhile (W12): it mints test keys, and they open the test
/// book. On unless the tenant says otherwise.
private let sandboxSetting = "sandbox_before_approval"

extension TenantReader {
    package func offersSandbox() throws -> Bool { try setting(sandboxSetting) != "off" }
}

extension TenantTransaction {
    package func setSandbox(_ isOffered: Bool) throws { try set(sandboxSetting, to: isOffered ? "on" : "off") }
}
