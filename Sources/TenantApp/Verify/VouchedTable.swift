package import CallKit
package import Cryptography
package import SQLite

/// Append-only rows that the audit chain vouches for: the call that writes them notes their ids and a digest of what
/// they say, `"credit_event_rows":"7-7 <SHA-256>"`, so that one added, changed or removed with an SQLite shell shows.
package enum VouchedTable: String, Sendable, CaseIterable {
    case licence
    case licenceAssignment = "licence_assignment"
    case licenceWithdrawal = "licence_withdrawal"
    case creditEvent = "credit_event"
    case creditDifference = "credit_difference"
    case codeBatch = "code_batch"
    case activationCode = "activation_code"
    case codeRedemption = "code_redemption"
    case payment
    case repricing
    case refund

    /// The schema from which on files have the table.
    var version: Int32 {
        switch self {
        case .licence, .licenceAssignment, .creditEvent, .creditDifference: Migration0002.version
        case .codeBatch, .activationCode, .codeRedemption: Migration0004.version
        case .payment: Migration0005.version
        case .repricing: Migration0017.version
        case .licenceWithdrawal: Migration0022.version
        case .refund: Migration0023.version
        }
    }

    /// The member's name in the audit row.
    package var member: String { "\(rawValue)_rows" }

    /// What never changes of a row.
    private var columns: [String] {
        switch self {
        case .licence: ["id", "book", "reseller_id", "product_id", "key", "expires_at", "created_at"]
        case .licenceAssignment: ["id", "licence_id", "discord_user_id", "at", "key_id"]
        case .licenceWithdrawal:
            [
                "id", "licence_id", "book", "reseller_id", "product_id", "key", "expires_at", "created_at", "at",
                "key_id", "account_id", "successor_id",
            ]
        case .creditEvent:
            [
                "id", "public_id", "book", "key_id", "reseller_id", "kind", "amount", "external_ref", "meta", "content",
                "at",
            ]
        case .creditDifference: ["id", "event_id", "kind", "amount", "meta", "content", "at"]
        case .codeBatch:
            [
                "id", "public_id", "book", "reseller_id", "product_id", "days", "quantity", "unit_price", "total",
                "posting_id", "key_id", "created_at",
            ]
        case .activationCode: ["id", "batch_id", "book", "reseller_id", "number", "code"]
        case .codeRedemption: ["id", "code_id", "subscriber_id", "begins_at", "ends_at", "at"]
        case .payment:
            [
                "id", "public_id", "order_id", "book", "reseller_id", "key_id", "driver", "amount", "idempotency_key",
                "created_at", "expires_at",
            ]
        case .repricing: ["id", "service_id", "period", "term_price", "at", "key_id"]
        case .refund:
            [
                "id", "public_id", "book", "order_id", "service_id", "period", "amount", "reason", "posting_id", "at",
                "key_id", "account_id",
            ]
        }
    }

    /// Where its rows stand. A licence that was taken out of stock is vouched for where it went.
    func source(_ connection: Connection) throws -> String {
        guard self == .licence else { return rawValue }
        let isThere = try connection.exists("SELECT 1 FROM pragma_table_info('licence_withdrawal')")
        guard isThere else { return rawValue }
        let names = columns.dropFirst().joined(separator: ", ")
        return """
            (SELECT id, \(names) FROM licence UNION ALL SELECT licence_id, \(names) FROM licence_withdrawal)
            """
    }

    /// SHA-256 over the rows of these ids, each as SQL literals with a line end; rows that are not there count as
    /// nothing.
    package func digest(_ connection: Connection, _ ids: ClosedRange<Int64>) throws -> Digest {
        var stream = SHA256Stream()
        let source = try source(connection)
        let literals = columns.map { "quote(\($0))" }.joined(separator: " || ',' || ")
        try connection.forEach(
            dynamic: "SELECT \(literals) || char(10) FROM \(source) WHERE id BETWEEN ?1 AND ?2 ORDER BY id",
            [.integer(ids.lowerBound), .integer(ids.upperBound)]
        ) { row in
            try row.withText { stream.update($0) }
            return true
        }
        return stream.finish()
    }
}

extension AuditDetail {
    /// Has the chain vouch for rows that this transaction has just written.
    package mutating func vouch(
        for ids: ClosedRange<Int64>, of table: VouchedTable, _ connection: Connection
    ) throws {
        note(named: table.member, "\(ids.lowerBound)-\(ids.upperBound) \(try table.digest(connection, ids).hex)")
    }
}
