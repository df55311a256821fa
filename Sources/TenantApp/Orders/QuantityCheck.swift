import CallKit
import SQLite
import TenantRegistry

/// The units that a reseller holds are its services that are not cancelled (W2).
enum QuantityCheck {
    private struct Key: Hashable {
        let reseller: Int64
        let product: Int64
        let book: Int64

        var name: String {
            "Reseller \(reseller) and product \(product)\(book == Book.test.rawValue ? " in the test book" : "")"
        }
    }

    static func run(_ file: inout VerifiedFile) throws {
        var held: [Key: Int64] = [:]
        try file.connection.forEach(
            "SELECT reseller_id, product_id, book, state <> 'cancelled' FROM service ORDER BY id"
        ) { row in
            file.report.counts.services += 1
            let key = try Key(reseller: row.int(), product: row.int(), book: row.int())
            if try row.bool() { held[key, default: 0] += 1 }
            return true
        }
        try file.connection.forEach("SELECT reseller_id, product_id, book, units FROM holding") { row in
            let key = try Key(reseller: row.int(), product: row.int(), book: row.int())
            let units = try row.int()
            let counted = held.removeValue(forKey: key) ?? 0
            if units < 0 {
                file.report.add(.quantity, "holding", nil, "\(key.name): \(units) units are held, fewer than none.")
            }
            if units != counted {
                file.report.add(
                    .quantity, "holding", nil,
                    "\(key.name): \(units) units are recorded as held, \(counted) services are not cancelled.")
            }
            return true
        }
        for (key, counted) in held {
            file.report.add(
                .quantity, "holding", nil,
                "\(key.name): nothing is recorded as held, \(counted) services are not cancelled.")
        }
    }
}
