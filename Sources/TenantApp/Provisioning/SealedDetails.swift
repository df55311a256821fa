import CallKit
import Cryptography
import HTTPCore
import SQLite
package import TenantRegistry

/// The details of services (O10): sealed as a whole under the tenant's key, bound to their service.
extension TenantReader {
    /// Nil where there are none.
    package func details(ofService id: Int64) throws -> ServiceDetails? {
        try connection.row("SELECT sealed FROM service_details WHERE service_id = ?1", .integer(id)) { row in
            let bytes = try AES256GCM.open(row.blob(), key: store.secretKey, associatedData: detailsContext(id))
            return try ServiceDetails(kept: try JSON.parse(bytes))
        }
    }

    fileprivate func detailsContext(_ service: Int64) -> [UInt8] {
        tenantID.bytes + Array("service-details:\(service)".utf8)
    }
}

extension TenantTransaction {
    /// In the place of those that there are.
    package func setDetails(_ details: ServiceDetails, ofService id: Int64) throws {
        let sealed = try AES256GCM.seal(
            details.encoded, key: store.secretKey, associatedData: detailsContext(id), random: store.random)
        try connection.run(
            """
            INSERT INTO service_details (service_id, sealed, updated_at) VALUES (?1, ?2, ?3)
            ON CONFLICT (service_id) DO UPDATE SET sealed = excluded.sealed, updated_at = excluded.updated_at
            """,
            .integer(id), .blob(sealed), .time(now))
    }
}
