import CallKit
package import RateLimiter
package import TenantRegistry

/// What a reseller's key is limited to where nobody says otherwise (L5): its tenant's blueprint has said so, the
/// file keeps it. `requests/window seconds/burst`.
private let keyLimitSetting = "key_limit"

extension TenantReader {
    package func keyLimitDefault() throws -> Policy? {
        let numbers = try setting(keyLimitSetting)?.split(separator: "/").compactMap { Int($0) } ?? []
        return numbers.count == 3 ? Policy(requests: numbers[0], windowSeconds: numbers[1], burst: numbers[2]) : nil
    }
}

extension TenantTransaction {
    package func setKeyLimitDefault(_ limit: Policy?) throws {
        try set(keyLimitSetting, toOptional: limit.map { "\($0.requests)/\($0.windowSeconds)/\($0.burst)" })
    }
}
