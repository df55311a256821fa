package import TenantRegistry

extension TenantSchema {
    /// What every tenant's file is made of, and how the registry reads, cleans and checks it.
    package static let tollgate = TenantSchema(
        migrations: [Migration0001.migration],
        readProjections: { try $0.allProjections() },
        housekeep: { try $0.purgeIdempotency() },
        verify: { try Verifier(path: $0).run().findings.map { "\($0.place): \($0.text)" } })
}
