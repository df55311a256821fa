package import CallKit
import SQLite
package import TenantRegistry

extension TenantTransaction {
    /// Days that a port was given more, and what they cost; nobody changes them any more.
    package func insertPortRenewal(
        of port: Port, days: Int64, basePrice: Money, price: PortPrice, posting: Int64, keyID: Int64
    ) throws {
        try connection.run(
            """
            INSERT INTO port_renewal
                (port_id, days, base_price, cost, reseller_price, posting_id, key_id, at, reseller_id, book)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
            """,
            .integer(port.id), .integer(days), .money(basePrice), .money(price.cost), .money(price.resellerPrice),
            .integer(posting), .integer(keyID), .time(now), .integer(port.resellerID), .book(port.book))
    }
}
