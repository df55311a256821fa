package import TenantRegistry

extension TenantSchema {
    /// The schema of every tenant file.
    package static let app = TenantSchema(
        migrations: [Migration0001.migration], readProjections: { try $0.allProjections() },
        housekeep: { try $0.purgeIdempotency() }, verify: { _ in [] })
}
