package import TenantRegistry

extension TenantSchema {
    /// What a tenant's file is made of, for the fleet. `verify` says everything wrong with the file at a path.
    package static func app(verify: @escaping @Sendable (_ path: String) throws -> [String]) -> TenantSchema {
        TenantSchema(
            migrations: [Migration0001.migration], readProjections: { try $0.allProjections() },
            housekeep: { try $0.housekeep() }, verify: verify)
    }
}
