import CallKit
import HTTPCore
import SQLite
import TenantRegistry

/// Compares the orders with what the chain says was placed (`PlaceOrder`'s detail: order, total, quantity, posting).
/// Both name orders in ascending order, so that one that was added or removed shows.
struct VouchedOrders {
    private var ids = AscendingIDs()

    mutating func take(
        _ detail: JSON, _ record: AuditRecord, _ sequence: Int64, _ file: inout VerifiedFile
    ) throws {
        guard case .string(let publicID) = detail["order"], case .string(let total) = detail["total"],
            case .string(let quantity) = detail["quantity"]
        else { return }
        let found = try file.connection.row(
            """
            SELECT id, book, reseller_id, wholesale_total, quantity, posting_id FROM orders WHERE public_id = ?1
            """,
            .text(publicID)
        ) { row in
            try Placed(
                id: row.int(), book: row.int(), reseller: row.int(), total: row.int(), quantity: row.int(),
                posting: row.int())
        }
        guard let found else {
            file.report.add(
                .orders, "orders", nil, "The order \(publicID) is missing: audit row \(sequence) says it was placed.")
            return
        }
        switch ids.follow(found.id) {
        case .next: break
        case .after(let gap): try reportUnvouched(gap, &file)
        case .notAscending:
            file.report.add(
                .orders, "audit", sequence, "The row places order \(publicID) again, or out of its order.")
        }
        func differs(_ what: String, _ here: String, _ there: String) {
            file.report.add(
                .orders, "orders", found.id, "The order's \(what) is \(here); audit row \(sequence) says \(there).")
        }
        if String(found.total) != total {
            differs("total", file.amount(found.total), Int64(total).map { file.amount($0) } ?? total)
        }
        if String(found.quantity) != quantity { differs("quantity", String(found.quantity), quantity) }
        if found.reseller != record.resellerID {
            differs("reseller", String(found.reseller), String(record.resellerID))
        }
        if found.book != record.book.rawValue {
            differs("book", Book(rawValue: found.book)?.name ?? String(found.book), record.book.name)
        }
        // What was due before it was paid before it, in the same transaction (W9).
        if let voucher = PostingVoucher.all(in: detail).last ?? nil, voucher.id != found.posting {
            differs("posting", String(found.posting), String(voucher.id))
        }
    }

    mutating func finish(_ file: inout VerifiedFile) throws {
        if ids.last < .max { try reportUnvouched(ids.last + 1...(.max), &file) }
    }

    private func reportUnvouched(_ gap: ClosedRange<Int64>, _ file: inout VerifiedFile) throws {
        try file.connection.forEach(
            "SELECT id, public_id FROM orders WHERE id BETWEEN ?1 AND ?2 ORDER BY id", .integer(gap.lowerBound),
            .integer(gap.upperBound)
        ) { row in
            let (id, publicID) = (try row.int(), try row.text())
            file.report.add(
                .orders, "orders", id,
                "No audit row says that the order \(publicID) was placed: it was added, or its audit row is gone.")
            return true
        }
    }

    private struct Placed {
        let id: Int64
        let book: Int64
        let reseller: Int64
        let total: Int64
        let quantity: Int64
        let posting: Int64
    }
}
