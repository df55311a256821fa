import CallKit
package import TenantRegistry

extension TenantSchema {
    /// What a tenant's file is made of, for the fleet.
    package static let app = TenantSchema(
        migrations: all,
        readProjections: { try $0.allProjections(corrupt: $1) },
        housekeep: { _ = try $0.housekeep() }, due: DueWorks.schema,
        meter: MeterSchema(
            quotas: { try $0.quotaUses(countsRows: $1) }, sale: MeteredSale.init(detail:),
            backlog: { try $0.backlog() }),
        vouched: shapes,
        examine: { try Examination.run($0) },
        succeed: { tenant, replaced, latest, requestID in
            try tenant.raiseRevisions(above: replaced, at: latest)
            guard let replaced else { return }
            try tenant.notePriceChanges(since: replaced, by: PriceAuthor(.restore, requestID: requestID))
            try tenant.endLinks(since: replaced)
            try tenant.keepWebhookSecrets(of: replaced)
            try tenant.keepProvisionerSecrets(of: replaced)
            try tenant.keepPaymentServices(of: replaced)
        })

    private static let all = [
        Migration0001.migration, Migration0002.migration, Migration0003.migration, Migration0004.migration,
        Migration0005.migration, Migration0006.migration, Migration0007.migration, Migration0008.migration,
        Migration0009.migration, Migration0010.migration, Migration0011.migration, Migration0012.migration,
        Migration0013.migration, Migration0014.migration, Migration0015.migration, Migration0016.migration,
        Migration0017.migration, Migration0018.migration, Migration0019.migration, Migration0020.migration,
        Migration0021.migration, Migration0022.migration, Migration0023.migration, Migration0024.migration,
        Migration0025.migration, Migration0026.migration, Migration0027.migration,
        Migration0028.migration, Migration0029.migration, Migration0030.migration, Migration0031.migration,
        Migration0032.migration, Migration0033.migration, Migration0034.migration, Migration0035.migration,
    ]

    /// Of a schema that we wrote and that every test runs.
    private static let shapes: VouchedShapes = {
        do {
            return try VouchedShapes(VouchedStates.tables, all)
        } catch {
            preconditionFailure("the schema: \(error)")
        }
    }()
}
