import HTTPCore
import TenantRegistry

/// A reseller's profile and its key (CONTRACT A2, A3, A7).
extension ActivationCodes {
    static let account: [Route] = []
}
