package import CallKit
import SQLite
package import TenantRegistry

/// Money that a reseller moved to a customer of its own (X3).
package struct CustomerTransfer: Sendable {
    package let id: Int64
    package let publicID: String
    package let amount: Money
    package let description: String?
    package let referenceID: String?
    /// Both as they were after it.
    package let customerBalance: Money
    package let resellerBalance: Money
    package let createdAt: Timestamp

    static let columns = Columns<CustomerTransfer>(
        "id", "public_id", "amount", "description", "reference_id", "customer_balance", "reseller_balance",
        "created_at")
    fileprivate static let byReference = Statement(
        "SELECT \(columns) FROM customer_transfer WHERE customer_id = ?1 AND book = ?2 AND reference_id = ?3")
    fileprivate static let byPublicID = Statement("SELECT \(columns) FROM customer_transfer WHERE public_id = ?1")

    init(_ row: inout RowReader) throws {
        id = try row.int()
        publicID = try row.text()
        amount = try row.money()
        description = try row.optionalText()
        referenceID = try row.optionalText()
        customerBalance = try row.money()
        resellerBalance = try row.money()
        createdAt = try row.time()
    }
}

extension TenantReader {
    package func transfer(referenceID: String, customer id: Int64, book: Book) throws -> CustomerTransfer? {
        try connection.row(
            CustomerTransfer.byReference, .integer(id), .book(book), .text(referenceID), read: CustomerTransfer.init)
    }

    fileprivate func transfer(publicID: String) throws -> CustomerTransfer? {
        try connection.row(CustomerTransfer.byPublicID, .text(publicID), read: CustomerTransfer.init)
    }
}

extension TenantTransaction {
    /// Records the transfer that `posting` carried out.
    package func insertTransfer(
        _ publicID: String, to customer: Int64, of amount: Money, description: String?, referenceID: String?,
        posting: Int64, customerBalance: Money, resellerBalance: Money, resellerID: Int64, book: Book
    ) throws -> CustomerTransfer {
        try connection.run(
            """
            INSERT INTO customer_transfer (public_id, book, reseller_id, customer_id, amount, description, reference_id,
                posting_id, customer_balance, reseller_balance, created_at)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
            """,
            .text(publicID), .book(book), .integer(resellerID), .integer(customer), .money(amount),
            .optional(description), .optional(referenceID), .integer(posting), .money(customerBalance),
            .money(resellerBalance), .time(now))
        guard let transfer = try transfer(publicID: publicID) else { throw Refusal.defect }
        return transfer
    }
}
