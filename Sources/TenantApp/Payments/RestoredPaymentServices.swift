package import SQLite
package import TenantRegistry

extension TenantTransaction {
    /// Payment services in a file that takes another one's place (P5): one that has ended since has ended, with its
    /// secrets, and those put in force since are there. Else a secret that was rotated away would credit balances
    /// again. `replaced` is the file that goes; where it is damaged there, they stay as they were then.
    package func keepPaymentServices(of replaced: Connection) throws {
        guard let present = try whole({ try replaced.rows(KeptPaymentService.all, read: KeptPaymentService.init) })
        else { return }
        let restored = try connection.rows(KeptPaymentService.all, read: KeptPaymentService.init)
        let byID = Dictionary(present.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        for service in restored {
            guard let now = byID[service.id], now.createdAt == service.createdAt, now != service else { continue }
            try connection.run(
                """
                UPDATE payment_service SET api_key = ?2, webhook_secret = ?3, ended_at = ?4, verifies_until = ?5
                WHERE id = ?1
                """,
                .integer(now.id), .optional(now.apiKey), .optional(now.webhookSecret), .optional(now.endedAt),
                .optional(now.verifiesUntil))
        }
        let last = restored.last?.id ?? 0
        let hasOne = try connection.exists("SELECT 1 FROM payment_service WHERE ended_at IS NULL")
        for service in present where service.id > last && !(hasOne && service.endedAt == nil) {
            try insert(service)
        }
    }

    private func insert(_ service: KeptPaymentService) throws {
        try connection.run(
            """
            INSERT INTO payment_service (id, driver, create_url, callback_url, return_url, api_key, webhook_secret,
                created_at, ended_at, verifies_until)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
            """,
            .integer(service.id), .text(service.driver), .optional(service.createURL),
            .optional(service.callbackURL), .optional(service.returnURL), .optional(service.apiKey),
            .optional(service.webhookSecret), .integer(service.createdAt), .optional(service.endedAt),
            .optional(service.verifiesUntil))
    }
}

/// A row of `payment_service`, its secrets as they are sealed: for the tenant, whichever row they stand in.
private struct KeptPaymentService: Equatable {
    let id: Int64
    let driver: String
    let createURL: String?
    let callbackURL: String?
    let returnURL: String?
    let apiKey: [UInt8]?
    let webhookSecret: [UInt8]?
    let createdAt: Int64
    let endedAt: Int64?
    let verifiesUntil: Int64?

    static let all = Statement(
        """
        SELECT id, driver, create_url, callback_url, return_url, api_key, webhook_secret, created_at, ended_at,
            verifies_until
        FROM payment_service ORDER BY id
        """)

    init(_ row: inout RowReader) throws {
        id = try row.int()
        driver = try row.text()
        createURL = try row.optionalText()
        callbackURL = try row.optionalText()
        returnURL = try row.optionalText()
        apiKey = try row.optionalBlob()
        webhookSecret = try row.optionalBlob()
        createdAt = try row.int()
        endedAt = try row.optionalInt()
        verifiesUntil = try row.optionalInt()
    }
}
