import CallKit
import SQLite
import TenantRegistry

/// Orders whose units are decided one by one (W13): captures and voids are their shares of what is held and come to all
/// of it, and what is wanted of each provisioner is what its service's state says.
enum UnitCheck {
    static func run(_ file: inout VerifiedFile) throws {
        guard file.version >= Migration0018.version else { return }
        try file.connection.forEach(
            dynamic: """
                SELECT o.id, o.public_id, o.book, o.reseller_id, o.quantity, o.wholesale_total, o.state,
                    s.id, s.state, v.book, v.wanted, v.verb, d.order_id,
                    p.kind, p.book, p.reseller_id, p.reference, \(EntryPlaces.amount(of: "p.id"))
                FROM orders o CROSS JOIN service s ON s.order_id = o.id
                    LEFT JOIN provisioning v ON v.service_id = s.id LEFT JOIN unit_decision d ON d.service_id = s.id
                    LEFT JOIN posting p ON p.id = d.posting_id
                WHERE v.service_id IS NOT NULL OR d.service_id IS NOT NULL
                    -- A provisioner makes all units of an order, or none.
                    OR (s.state = 'pending' AND EXISTS (
                        SELECT 1 FROM service t JOIN provisioning w ON w.service_id = t.id WHERE t.order_id = o.id))
                ORDER BY o.id, s.id
                """
        ) { row in
            let unit = try UnitLine(&row)
            for fault in unit.faults(file) { file.report.add(.orders, "service", unit.id, fault) }
            return true
        }
        try checkOrders(&file)
    }

    /// What the units come to, and what the order says of itself.
    private static func checkOrders(_ file: inout VerifiedFile) throws {
        try file.connection.forEach(
            """
            SELECT o.id, o.state, o.quantity, count(*), count(*) FILTER (WHERE p.kind = 'capture'),
                coalesce(max(u.ready_units), 0), coalesce(max(u.rejected_units), 0)
            FROM unit_decision d JOIN orders o ON o.id = d.order_id LEFT JOIN posting p ON p.id = d.posting_id
                LEFT JOIN order_outcome u ON u.order_id = o.id
            GROUP BY o.id
            """
        ) { row in
            let (id, state, quantity) = (try row.int(), try row.text(), try row.int())
            let (decided, ready) = (try row.int(), try row.int())
            let counted = (ready: try row.int(), rejected: try row.int())
            let wanted = decided < quantity ? "pending" : ready > 0 ? "completed" : "rejected"
            if state != wanted {
                file.report.add(
                    .orders, "orders", id,
                    "It is \(state); \(decided) of its \(quantity) units are decided, \(ready) of them ready.")
            }
            if counted != (ready, decided - ready) {
                file.report.add(
                    .orders, "order_outcome", id,
                    "It counts \(counted.ready) units ready and \(counted.rejected) rejected; there are \(ready) and \(decided - ready)."
                )
            }
            return true
        }
        try file.connection.forEach(
            """
            SELECT o.id, o.state, o.quantity, u.ready_units, u.rejected_units FROM order_outcome u
            LEFT JOIN orders o ON o.id = u.order_id
            WHERE NOT EXISTS (SELECT 1 FROM unit_decision d WHERE d.order_id = u.order_id)
            """
        ) { row in
            let (id, state, quantity) = (try row.optionalInt(), try row.optionalText(), try row.optionalInt())
            let (ready, rejected) = (try row.int(), try row.int())
            if state != "rejected" || ready != 0 || rejected != quantity {
                file.report.add(
                    .orders, "order_outcome", id,
                    "It counts units that no posting decided, and the order was not rejected.")
            }
            return true
        }
    }
}

/// A unit with what its order, its provisioning and its decision say.
private struct UnitLine {
    let order: Int64
    let orderPublicID: String
    let book: Int64
    let reseller: Int64
    let quantity: Int64
    let total: Int64
    let orderState: String
    let id: Int64
    let state: String
    let provisionedBook: Int64?
    let wanted: String?
    let verb: String?
    let decidedIn: Int64?
    let posting: PostingSide?

    init(_ row: inout RowReader) throws {
        order = try row.int()
        orderPublicID = try row.text()
        book = try row.int()
        reseller = try row.int()
        quantity = try row.int()
        total = try row.int()
        orderState = try row.text()
        id = try row.int()
        state = try row.text()
        provisionedBook = try row.optionalInt()
        wanted = try row.optionalText()
        verb = try row.optionalText()
        decidedIn = try row.optionalInt()
        posting = try PostingSide(&row)
    }

    func faults(_ file: VerifiedFile) -> [String] { decisionFaults(file) + wishFaults() }

    private func decisionFaults(_ file: VerifiedFile) -> [String] {
        guard let decidedIn else {
            return state == "pending" && orderState == "pending"
                ? [] : ["The unit is \(state) and its order \(orderState), but no posting decided it."]
        }
        guard let posting else { return ["The posting that decided the unit is missing."] }
        var faults: [String] = []
        if decidedIn != order { faults.append("The unit was decided in another order.") }
        if posting.reference != orderPublicID || posting.book != book || posting.reseller != reseller {
            faults.append("The posting that decided the unit is of another order, book or reseller.")
        }
        switch posting.kind {
        case "capture" where state != "pending": break
        case "void" where state == "cancelled": break
        default: faults.append("The unit is \(state), but a posting of kind \(posting.kind) decided it.")
        }
        let share = book == Book.live.rawValue ? (try? share(file)) ?? nil : 0
        if posting.amount != share {
            faults.append(
                "The posting moves \(file.amount(posting.amount)); the unit's share of \(file.amount(total)) is "
                    + "\(share.map { file.amount($0) } ?? "none").")
        }
        return faults
    }

    private func share(_ file: VerifiedFile) throws -> Int64? {
        let place = try file.connection.row(
            "SELECT count(*) FROM service WHERE order_id = ?1 AND id < ?2", .integer(order), .integer(id)
        ) { try $0.int() }
        guard let place, quantity > place, total >= 0 else { return nil }
        return Order.share(
            of: total, unit: place, quantity: quantity, minorUnitDigits: file.currency.minorUnitDigits)
    }

    private func wishFaults() -> [String] {
        guard let wanted else {
            return state == "pending" ? ["The unit is pending, but no provisioner is to make it."] : []
        }
        if provisionedBook != book { return ["The unit and its provisioning are of different books."] }
        if state == "pending", wanted == "active", verb != "create" {
            return ["The unit is pending, but its provisioner is not asked to create it."]
        }
        let isRight =
            switch state {
            case "pending", "active", "past_due": wanted == "active"
            case "suspended": wanted == "suspended"
            default: wanted == "terminated"
            }
        return isRight ? [] : ["The unit is \(state), but its provisioner is to make it \(wanted)."]
    }
}
