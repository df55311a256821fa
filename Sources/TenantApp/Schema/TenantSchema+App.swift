import CallKit
package import TenantRegistry

extension TenantSchema {
    /// What a tenant's file is made of, for the fleet.
    package static let app = TenantSchema(
        migrations: [
            Migration0001.migration, Migration0002.migration, Migration0003.migration, Migration0004.migration,
            Migration0005.migration, Migration0006.migration, Migration0007.migration,
            Migration0008.migration, Migration0009.migration,
        ],
        readProjections: { try $0.allProjections(corrupt: $1) },
        housekeep: { try $0.housekeep() },
        verify: { path in try Verifier(path: path).run().findings.map { "\($0.place): \($0.text)" } })
}
