package import TenantRegistry

extension TenantSchema {
    /// The schema of every tenant file.
    package static let app = TenantSchema(
        migrations: [Migration0001.migration], readProjections: { try $0.allProjections() },
        housekeep: { try $0.purgeIdempotency() }, verify: { try Verifier(path: $0).run().findings.map { "\($0.place): \($0.text)" } })
}
