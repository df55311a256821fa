import CallKit
import SQLite
package import TenantRegistry

/// How far a new tenant has come: whether it has something to sell, and whether somebody has sold it.
package struct FirstSteps: Sendable {
    package let product: Bool
    package let price: Bool
    /// An active one.
    package let reseller: Bool
    /// A reseller's, ended or not.
    package let key: Bool
    /// Of whatever its dialects sell, in either book.
    package let sale: Bool

    /// Each ends at its first row.
    fileprivate static let taken = Statement(
        """
        SELECT EXISTS (SELECT 1 FROM product) OR EXISTS (SELECT 1 FROM port_slot),
            EXISTS (SELECT 1 FROM price) OR EXISTS (SELECT 1 FROM product WHERE wholesale_price IS NOT NULL)
                OR EXISTS (SELECT 1 FROM port_country),
            EXISTS (SELECT 1 FROM reseller WHERE state = \(ResellerState.active.rawValue)),
            EXISTS (SELECT 1 FROM api_key WHERE reseller_id > 0 AND role = \(KeyRole.reseller.rawValue)),
            EXISTS (SELECT 1 FROM orders) OR EXISTS (SELECT 1 FROM code_batch) OR EXISTS (SELECT 1 FROM port)
                OR EXISTS (SELECT 1 FROM licence_assignment) OR EXISTS (SELECT 1 FROM credit_event)
        """)

    fileprivate init(_ row: inout RowReader) throws {
        product = try row.bool()
        price = try row.bool()
        reseller = try row.bool()
        key = try row.bool()
        sale = try row.bool()
    }
}

extension TenantReader {
    package func firstSteps() throws -> FirstSteps {
        guard let steps = try connection.row(FirstSteps.taken, read: FirstSteps.init) else { throw Refusal.defect }
        return steps
    }
}
