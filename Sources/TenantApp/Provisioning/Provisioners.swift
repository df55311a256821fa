import CallKit
import Cryptography
package import SQLite
package import TenantRegistry

/// Who makes what is ordered (W13): the tenant's own provisioner, or one product's. Without its secret.
package struct Provisioner: Sendable {
    /// 0: the tenant's, for every product that has none of its own.
    package let productID: Int64
    package let url: String
    package let timeoutSeconds: Int64
    package let createdAt: Timestamp
    package let updatedAt: Timestamp

    package static let ofTenant: Int64 = 0
    package static let timeoutSecondsRange: ClosedRange<Int64> = 1...120
    package static let timeoutSecondsDefault: Int64 = 30

    static let columns = Columns<Provisioner>("product_id", "url", "timeout_seconds", "created_at", "updated_at")
    fileprivate static let byProduct = Statement("SELECT \(columns) FROM provisioner WHERE product_id = ?1")

    init(_ row: inout RowReader) throws {
        productID = try row.int()
        url = try row.text()
        timeoutSeconds = try row.int()
        createdAt = try row.time()
        updatedAt = try row.time()
    }
}

/// What a call needs of a provisioner, its secret among it: it goes to the caller and nowhere else.
package struct ProvisionerAccess: Sendable {
    package let url: String
    package let secret: [UInt8]
    package let timeoutSeconds: Int64
    /// The tenant's base URL, below which its callbacks come in.
    package let baseURL: String
}

extension TenantReader {
    /// The one of this product alone.
    package func provisioner(product: Int64) throws -> Provisioner? {
        try connection.row(Provisioner.byProduct, .integer(product), read: Provisioner.init)
    }

    /// The product's own, or the tenant's; nil where there is neither.
    package func provisionerAccess(product: Int64) throws -> ProvisionerAccess? {
        try connection.row(
            """
            SELECT product_id, url, secret, timeout_seconds, base_url FROM provisioner
            WHERE product_id = ?1 OR product_id = 0 ORDER BY product_id DESC LIMIT 1
            """,
            .integer(product)
        ) { row in
            let id = try row.int()
            return ProvisionerAccess(
                url: try row.text(),
                secret: try AES256GCM.open(
                    row.blob(), key: store.secretKey, associatedData: provisionerContext(id)),
                timeoutSeconds: try row.int(), baseURL: try row.text())
        }
    }

    /// Whom a product's units are asked of now; nil where there is nobody. `ofTenant`: of products without their own.
    package func provisionerURL(product: Int64) throws -> String? {
        try connection.row(
            "SELECT url FROM provisioner WHERE product_id = ?1 OR product_id = 0 ORDER BY product_id DESC LIMIT 1",
            .integer(product)
        ) { try $0.text() }
    }

    fileprivate func provisionerContext(_ product: Int64) -> [UInt8] {
        tenantID.bytes + Array("provisioner:\(product)".utf8)
    }
}

extension TenantTransaction {
    /// Puts a provisioner in force: what waits for it is asked for. Nil for the secret keeps the one there is, which
    /// must exist then.
    package func setProvisioner(
        product: Int64, url: String, secret: [UInt8]?, timeoutSeconds: Int64, baseURL: String
    ) throws {
        let before = try provisionerURL(product: product)
        try saveProvisioner(
            product: product, url: url, secret: secret, timeoutSeconds: timeoutSeconds, baseURL: baseURL)
        try askAnew(product: product, before: before)
    }

    private func saveProvisioner(
        product: Int64, url: String, secret: [UInt8]?, timeoutSeconds: Int64, baseURL: String
    ) throws {
        let sealed = try secret.map {
            try AES256GCM.seal(
                $0, key: store.secretKey, associatedData: provisionerContext(product), random: store.random)
        }
        guard let sealed else {
            try connection.run(
                """
                UPDATE provisioner SET url = ?2, timeout_seconds = ?3, base_url = ?4, updated_at = ?5
                WHERE product_id = ?1
                """,
                .integer(product), .text(url), .integer(timeoutSeconds), .text(baseURL), .time(now))
            return
        }
        try connection.run(
            """
            INSERT INTO provisioner (product_id, url, secret, timeout_seconds, base_url, created_at, updated_at)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6)
            ON CONFLICT (product_id) DO UPDATE SET url = excluded.url, secret = excluded.secret,
                timeout_seconds = excluded.timeout_seconds, base_url = excluded.base_url,
                updated_at = excluded.updated_at
            """,
            .integer(product), .text(url), .blob(sealed), .integer(timeoutSeconds), .text(baseURL), .time(now))
    }

    /// In a file that takes another one's place (P5): a provisioner that both have keeps the secret that it has now.
    /// What was rotated away neither signs nor verifies again. `replaced` is the file that goes.
    package func keepProvisionerSecrets(of replaced: Connection) throws {
        // A restore is often the answer to a damaged file: then the secrets of then stand.
        guard let rows = try whole({ try Self.sealedSecrets(in: replaced) }) else { return }
        let byProduct = Dictionary(rows.map { ($0.product, $0) }, uniquingKeysWith: { first, _ in first })
        for restored in try Self.sealedSecrets(in: connection) {
            guard let present = byProduct[restored.product], present.sku == restored.sku else { continue }
            if present.secret == restored.secret { continue }
            let opened = try? AES256GCM.open(
                present.secret, key: store.secretKey, associatedData: provisionerContext(present.product))
            guard opened != nil else { continue }
            try connection.run(
                "UPDATE provisioner SET secret = ?2 WHERE product_id = ?1", .integer(present.product),
                .blob(present.secret))
        }
    }

    private static func sealedSecrets(
        in connection: Connection
    ) throws -> [(product: Int64, sku: String, secret: [UInt8])] {
        try connection.rows(
            """
            SELECT v.product_id, coalesce(p.sku, ''), v.secret
            FROM provisioner v LEFT JOIN product p ON p.id = v.product_id ORDER BY v.product_id
            """
        ) { row in (product: try row.int(), sku: try row.text(), secret: try row.blob()) }
    }

    /// All call back at `baseURL` from now on: nobody gives them another address than that which the call was made at.
    func moveProvisioners(to baseURL: String) throws {
        try connection.run("UPDATE provisioner SET base_url = ?1", .text(baseURL))
    }

    /// What is under way is asked of whoever is in force then; of nobody, it waits.
    package func removeProvisioner(product: Int64) throws {
        let before = try provisionerURL(product: product)
        try connection.run("DELETE FROM provisioner WHERE product_id = ?1", .integer(product))
        try askAnew(product: product, before: before)
    }

    /// Another one knows nothing of what is under way at the one before: it is asked for there, under the same id, as
    /// is what found nobody to ask. All of it has all its tries and its time before it.
    private func askAnew(product: Int64, before: String?) throws {
        let isAnother = try provisionerURL(product: product) != before
        try connection.run(
            """
            UPDATE provisioning SET phase = 'asking', tries = 0, since = ?2, next_at = ?2
            WHERE phase <> 'idle'
                AND (?3 AND phase = 'pending' OR last_outcome IN ('no_provisioner', 'address_refused'))
                AND (SELECT s.product_id = ?1 OR ?1 = 0 AND s.product_id NOT IN (SELECT product_id FROM provisioner)
                    FROM service s WHERE s.id = provisioning.service_id)
            """,
            .integer(product), .time(now), .bool(isAnother))
        if connection.changes > 0 { noteDue(.provisioning, at: now) }
    }
}
