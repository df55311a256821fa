import CallKit
import Cryptography
import SQLite
package import TenantRegistry

/// An endpoint among several that a reseller has, with its name.
package struct NamedWebhookEndpoint: Sendable {
    package let id: Int64
    package let publicID: String
    package let resellerID: Int64
    package let book: Book
    package let name: String?
    package let url: String
    package let events: [String]
    package let isEnabled: Bool
    package let createdAt: Timestamp
    package var revision: Int64

    static let columns = Columns<NamedWebhookEndpoint>(
        "id", "public_id", "reseller_id", "book", "name", "url", "events", "is_enabled", "created_at", "revision")
    fileprivate static let ofReseller = Statement(
        """
        SELECT \(columns) FROM webhook_endpoint
        WHERE reseller_id = ?1 AND book = ?2 AND removed_at IS NULL ORDER BY id
        """)
    fileprivate static let byPublicID = Statement(
        """
        SELECT \(columns) FROM webhook_endpoint
        WHERE public_id = ?1 AND reseller_id = ?2 AND book = ?3 AND removed_at IS NULL
        """)

    init(_ row: inout RowReader) throws {
        id = try row.int()
        publicID = try row.text()
        resellerID = try row.int()
        book = try row.value()
        name = try row.optionalText()
        url = try row.text()
        events = try row.text().split(separator: ",").map(String.init)
        isEnabled = try row.bool()
        createdAt = try row.time()
        revision = try row.int()
    }
}

/// So many endpoints a reseller has at most in a book: each event is queued for every one.
package let webhookEndpointsMax = 20

extension TenantReader {
    package func namedWebhookEndpoints(resellerID: Int64, book: Book) throws -> [NamedWebhookEndpoint] {
        try connection.rows(
            NamedWebhookEndpoint.ofReseller, .integer(resellerID), .book(book), read: NamedWebhookEndpoint.init)
    }

    package func knownWebhookEndpoint(_ publicID: String, resellerID: Int64, book: Book) throws -> NamedWebhookEndpoint
    {
        let endpoint = try connection.row(
            NamedWebhookEndpoint.byPublicID, .text(publicID), .integer(resellerID), .book(book),
            read: NamedWebhookEndpoint.init)
        guard let endpoint else { throw Refusal.notFound(.webhook) }
        return endpoint
    }

    /// What signs that which goes to this endpoint, newest first, as bytes; none where it has no secret of its own.
    package func secrets(ofEndpoint id: Int64) throws -> [[UInt8]] {
        try connection.rows(
            """
            SELECT sealed FROM webhook_endpoint_secret
            WHERE endpoint_id = ?1 AND (expires_at IS NULL OR expires_at > ?2) ORDER BY id DESC
            """,
            .integer(id), .time(now)
        ) { row in try AES256GCM.open(row.blob(), key: store.secretKey, associatedData: endpointContext(id)) }
    }

    fileprivate func endpointContext(_ id: Int64) -> [UInt8] { tenantID.bytes + Array("endpoint:\(id)".utf8) }
}

extension TenantTransaction {
    /// Adds an endpoint with a signing secret of its own. Returns it and the secret's `whsec_` text, to be shown once.
    package func insertWebhookEndpoint(
        name: String, url: String, events: [String], resellerID: Int64, book: Book
    ) throws -> (endpoint: NamedWebhookEndpoint, secret: String) {
        let publicID = newPublicID("whe")
        try connection.run(
            """
            INSERT INTO webhook_endpoint (public_id, reseller_id, book, name, url, events, created_at)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
            """,
            .text(publicID), .integer(resellerID), .book(book), .text(name), .text(url),
            .text(events.joined(separator: ",")), .time(now))
        let secret = try mintSecret(ofEndpoint: connection.lastInsertedRowID, overlapSeconds: 0)
        forgetEndpoints(resellerID: resellerID)
        return (try knownWebhookEndpoint(publicID, resellerID: resellerID, book: book), secret)
    }

    /// A new secret of the endpoint's own. The present one ends after the overlap (0: now), one that has an end already
    /// at once. Returns the new one's `whsec_` text, to be shown once.
    package func mintSecret(ofEndpoint id: Int64, overlapSeconds: Int64) throws -> String {
        let secret = WebhookSecret.mint(random: store.random)
        guard let bytes = WebhookSecret.decode(secret) else { throw Refusal.defect }
        try connection.run(
            """
            UPDATE webhook_endpoint_secret SET expires_at = iif(expires_at IS NULL, ?3, min(expires_at, ?2))
            WHERE endpoint_id = ?1
            """,
            .integer(id), .time(now), .time(now.adding(seconds: overlapSeconds)))
        let sealed = try AES256GCM.seal(
            bytes, key: store.secretKey, associatedData: endpointContext(id), random: store.random)
        try connection.run(
            "INSERT INTO webhook_endpoint_secret (endpoint_id, sealed, created_at) VALUES (?1, ?2, ?3)", .integer(id),
            .blob(sealed), .time(now))
        return secret
    }

    /// It receives nothing any more; what is queued for it is dropped. Its row stays: deliveries name it.
    package func removeWebhookEndpoint(_ endpoint: NamedWebhookEndpoint) throws {
        try connection.run(
            "UPDATE webhook_endpoint SET removed_at = ?2 WHERE id = ?1", .integer(endpoint.id), .time(now))
        forgetEndpoints(resellerID: endpoint.resellerID)
        try connection.run("DELETE FROM webhook_endpoint_secret WHERE endpoint_id = ?1", .integer(endpoint.id))
        try connection.run(
            """
            UPDATE delivery SET state = 'dropped', next_at = NULL, updated_at = ?2
            WHERE state = 'pending' AND endpoint_id = ?1
            """,
            .integer(endpoint.id), .time(now))
    }
}
