import CallKit
import Cryptography
import SQLite
package import TenantRegistry

/// The payment service in force, without its secrets.
package struct PaymentService: Sendable {
    package let id: Int64
    package let driver: PaymentDriverKind
    package let createURL: String?
    package let callbackURL: String?
    package let returnURL: String?
    package let createdAt: Timestamp

    static let columns = Columns<PaymentService>(
        "id", "driver", "create_url", "callback_url", "return_url", "created_at")
    fileprivate static let inForce = Statement("SELECT \(columns) FROM payment_service WHERE ended_at IS NULL")

    init(_ row: inout RowReader) throws {
        id = try row.int()
        driver = try row.value()
        createURL = try row.optionalText()
        callbackURL = try row.optionalText()
        returnURL = try row.optionalText()
        createdAt = try row.time()
    }
}

extension TenantReader {
    /// Nil where no service is configured.
    package func paymentService() throws -> PaymentService? {
        try connection.row(PaymentService.inForce, read: PaymentService.init)
    }

    /// Whether the sandbox decides this payment now: its buttons credit the live book only while it is in force there.
    func isSandboxOpen(for payment: Payment) throws -> Bool {
        try payment.book == .test || paymentService()?.driver == .sandbox
    }

    /// What the create call is authenticated with.
    package func paymentAPIKey(of service: Int64) throws -> String? {
        try connection.row("SELECT api_key FROM payment_service WHERE id = ?1", .integer(service)) { row in
            try row.optionalBlob().map { String(decoding: try open($0, "payment-key"), as: UTF8.self) }
        } ?? nil
    }

    /// The bytes that verify callbacks now, the newest service's first.
    package func paymentCallbackSecrets() throws -> [[UInt8]] {
        try connection.rows(
            """
            SELECT webhook_secret FROM payment_service
            WHERE webhook_secret IS NOT NULL AND (ended_at IS NULL OR verifies_until > ?1) ORDER BY id DESC LIMIT 8
            """,
            .time(now)
        ) { try open($0.blob(), "payment-webhook") }
    }

    fileprivate func context(_ name: String) -> [UInt8] { tenantID.bytes + Array(name.utf8) }

    private func open(_ sealed: [UInt8], _ name: String) throws -> [UInt8] {
        try AES256GCM.open(sealed, key: store.secretKey, associatedData: context(name))
    }
}

/// A payment service about to be put in force.
package struct NewPaymentService: Sendable {
    package enum Driver: Sendable {
        case sandbox
        /// `webhookSecret`: the decoded bytes.
        case http(createURL: String, apiKey: String, webhookSecret: [UInt8], callbackURL: String, returnURL: String)
    }

    package let driver: Driver

    package init(_ driver: Driver) { self.driver = driver }
}

extension TenantTransaction {
    /// The one in force ends before.
    package func insertPaymentService(_ new: NewPaymentService) throws {
        switch new.driver {
        case .sandbox:
            try connection.run(
                "INSERT INTO payment_service (driver, created_at) VALUES ('sandbox', ?1)", .time(now))
        case .http(let createURL, let apiKey, let webhookSecret, let callbackURL, let returnURL):
            try connection.run(
                """
                INSERT INTO payment_service (driver, create_url, callback_url, return_url, api_key, webhook_secret, created_at)
                VALUES ('http', ?1, ?2, ?3, ?4, ?5, ?6)
                """,
                .text(createURL), .text(callbackURL), .text(returnURL),
                .blob(try seal(Array(apiKey.utf8), "payment-key")), .blob(try seal(webhookSecret, "payment-webhook")),
                .time(now))
        }
    }

    /// It begins no payment any more; callbacks under its secret and older ones are taken for `overlapSeconds` at most
    /// (0: from now on not).
    package func endPaymentService(overlapSeconds: Int64) throws {
        let now = now
        try connection.run(
            """
            UPDATE payment_service SET ended_at = coalesce(ended_at, ?1), verifies_until = min(coalesce(verifies_until, ?2), ?2),
                api_key = NULL, webhook_secret = CASE WHEN ?2 > ?1 THEN webhook_secret END
            WHERE ended_at IS NULL OR webhook_secret IS NOT NULL
            """,
            .time(now), .time(now.adding(seconds: overlapSeconds)))
    }

    /// The one in force calls back, and sends payers back, below `baseURL`, where that was below an address that a node
    /// gives the tenant of this slug: by path, or by host.
    func movePaymentService(from slug: String, to baseURL: String, callback path: String) throws {
        guard let service = try paymentService() else { return }
        func moved(_ url: String?, _ path: String) -> String? {
            guard let url, url.hasSuffix(path) else { return url }
            let address = url.dropLast(path.count)
            let isByHost = address.contains("://\(slug).") && address.split(separator: "/").count == 2
            return isByHost || address.hasSuffix("/t/\(slug)") ? baseURL + path : url
        }
        try connection.run(
            "UPDATE payment_service SET callback_url = ?2, return_url = ?3 WHERE id = ?1", .integer(service.id),
            .optional(moved(service.callbackURL, path)),
            .optional(moved(service.returnURL, PaymentReturnPages.path)))
    }

    /// Secrets of services that have ended, once they verify nothing.
    package func purgePaymentSecrets() throws {
        try connection.run(
            "UPDATE payment_service SET webhook_secret = NULL WHERE verifies_until <= ?1 AND webhook_secret IS NOT NULL",
            .time(now))
    }

    private func seal(_ secret: [UInt8], _ name: String) throws -> [UInt8] {
        try AES256GCM.seal(secret, key: store.secretKey, associatedData: context(name), random: store.random)
    }
}
