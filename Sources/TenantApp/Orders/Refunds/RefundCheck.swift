import CallKit
import SQLite
import TenantRegistry

/// Refunds (O10): each has a posting of its own from sales to its order's reseller, and what was paid back of an order,
/// a service and a period is no more than was taken for it.
enum RefundCheck {
    static func run(_ file: inout VerifiedFile) throws {
        guard file.version >= Migration0023.version else { return }
        var parts: Set<RefundedPart> = []
        try file.connection.forEach(
            dynamic: """
                SELECT f.id, f.book, f.order_id, f.service_id, f.period, f.amount, o.public_id, o.book, o.reseller_id,
                    o.state, (SELECT s.order_id FROM service s WHERE s.id = f.service_id),
                    p.kind, p.book, p.reseller_id, p.reference, \(EntryPlaces.amount(of: "p.id")),
                    (SELECT group_concat(iif(e.amount > 0, '>', '<') || a.kind, '') FROM entry e
                        CROSS JOIN ledger_account a ON a.id = e.account_id
                        WHERE \(EntryPlaces.of("p.id", "e")) AND e.amount <> 0)
                FROM refund f LEFT JOIN orders o ON o.id = f.order_id LEFT JOIN posting p ON p.id = f.posting_id
                ORDER BY f.id
                """
        ) { row in
            let line = try RefundLine(&row)
            for fault in line.faults(file) { file.report.add(.orders, "refund", line.id, fault) }
            parts.formUnion(line.part.wholes)
            return true
        }
        try checkSums(parts, &file)
        try checkLonePostings(&file)
    }

    private static func checkSums(_ parts: Set<RefundedPart>, _ file: inout VerifiedFile) throws {
        let amounts = CapturedAmounts(
            connection: file.connection, minorUnitDigits: file.currency.minorUnitDigits)
        for part in parts {
            let (taken, back) = (try amounts.captured(part), try amounts.refunded(part))
            guard back > taken else { continue }
            let name = part.serviceID.map { id in part.period.map { "period \($0) of service \(id)" } ?? "service \(id)"
            }
            file.report.add(
                .orders, "orders", part.orderID,
                "\(file.amount(back.micros)) of \(name ?? "it") was paid back; \(file.amount(taken.micros)) was taken.")
        }
    }

    private static func checkLonePostings(_ file: inout VerifiedFile) throws {
        try file.connection.forEach(
            """
            SELECT p.id, p.reference FROM posting p
            WHERE p.kind = 'refund' AND p.id NOT IN (SELECT f.posting_id FROM refund f) ORDER BY p.id
            """
        ) { row in
            let (id, reference) = (try row.int(), try row.text())
            file.report.add(
                .orders, "posting", id, "The posting pays back something of \(reference), but no refund says so.")
            return true
        }
    }
}

/// A refund with what its order and its posting say.
private struct RefundLine {
    let id: Int64
    let book: Int64
    let part: RefundedPart
    let amount: Int64
    /// Nil where the order is missing.
    let order: (publicID: String, book: Int64, reseller: Int64, state: String)?
    let serviceOrderID: Int64?
    let posting: PostingSide?
    /// Which accounts gave and got.
    let accounts: String?

    init(_ row: inout RowReader) throws {
        id = try row.int()
        book = try row.int()
        part = RefundedPart(orderID: try row.int(), serviceID: try row.optionalInt(), period: try row.optionalInt())
        amount = try row.int()
        if row.isNextNull {
            order = nil
            row.skip(4)
        } else {
            order = (try row.text(), try row.int(), try row.int(), try row.text())
        }
        serviceOrderID = try row.optionalInt()
        posting = try PostingSide(&row)
        accounts = try row.optionalText()
    }

    func faults(_ file: VerifiedFile) -> [String] {
        guard let order else { return ["Its order is missing."] }
        var faults: [String] = []
        if order.book != book { faults.append("It is of another book than its order.") }
        if order.state == "pending" { faults.append("Its order is pending: nothing of it is refunded yet.") }
        if part.serviceID != nil && serviceOrderID != part.orderID {
            faults.append("Its service is of another order, or missing.")
        }
        let isLive = book == Book.live.rawValue
        let wanted = PostingSide(
            kind: PostingKind.refund.rawValue, book: book, reseller: order.reseller, reference: order.publicID,
            amount: isLive ? amount : 0)
        guard let posting else { return faults + ["Its posting is missing."] }
        if posting.amount != wanted.amount {
            faults.append("Its posting moves \(file.amount(posting.amount)), not \(file.amount(wanted.amount)).")
        } else if posting != wanted {
            faults.append("Its posting is for \(posting.reference), of kind \(posting.kind), or another's.")
        } else if isLive && accounts != "<sales>balance" {
            faults.append("Its posting does not go from sales to the balance.")
        }
        return faults
    }
}
