import CallKit
import SQLite
import TenantRegistry

/// Ports against their postings, slots and quotas, and transfers against theirs (X3, X4).
enum PortCheck {
    static func run(_ file: inout VerifiedFile) throws {
        // A file of an older schema has none of these tables.
        guard file.version >= Migration0003.version else { return }
        try checkCharges(&file)
        if file.version >= Migration0016.version { try checkRenewals(&file) }
        try checkSlots(&file)
        try checkDevices(&file)
        try checkQuotas(&file)
        try checkTransfers(&file)
    }

    /// What a port cost is its base price × days, and its posting moved just that; nothing in the test book.
    private static func checkCharges(_ file: inout VerifiedFile) throws {
        let hasRenewals = file.version >= Migration0016.version
        let renewed =
            hasRenewals
            ? "86400000 * (SELECT coalesce(sum(n.days), 0) FROM port_renewal n WHERE n.port_id = x.id)" : "0"
        try file.connection.forEach(
            dynamic: """
                SELECT x.id, x.public_id, x.book, x.reseller_id, x.days, x.base_price, x.cost,
                    x.expires_at - x.created_at - \(renewed), p.kind, p.book, p.reseller_id,
                    p.reference, \(EntryPlaces.amount(of: "p.id"))
                FROM port x LEFT JOIN posting p ON p.id = x.posting_id ORDER BY x.id
                """, []
        ) { row in
            let port = try PortLine(&row)
            if !port.costsItsDays(in: file.currency) {
                file.report.add(
                    .orders, "port", port.id,
                    "The port cost \(file.amount(port.cost)); \(port.days) days of \(file.amount(port.basePrice.micros)) are another amount."
                )
            }
            if !Timestamp.days(port.days, are: port.milliseconds) {
                file.report.add(
                    .orders, "port", port.id, "The port does not run for the \(port.days) days that it was bought for.")
            }
            let charge = PostingSide(
                kind: PostingKind.port.rawValue, book: port.book, reseller: port.reseller, reference: port.publicID,
                amount: port.book == Book.live.rawValue ? port.cost : 0)
            if port.posting != charge {
                file.report.add(.ledger, "port", port.id, "The port's posting is missing or moves something else.")
            }
            return true
        }
        let ofRenewal = hasRenewals ? "AND NOT EXISTS (SELECT 1 FROM port_renewal n WHERE n.posting_id = p.id)" : ""
        try file.connection.forEach(
            dynamic: """
                SELECT p.id, p.reference FROM posting p WHERE p.kind = 'port'
                    AND NOT EXISTS (SELECT 1 FROM port x WHERE x.public_id = p.reference AND x.posting_id = p.id)
                    \(ofRenewal)
                """, []
        ) { row in
            let (id, reference) = (try row.int(), try row.text())
            file.report.add(.ledger, "posting", id, "The posting is for the port \(reference), which is missing.")
            return true
        }
    }

    /// Each renewal costs its base price × days, its posting moved just that, and it is of its port's reseller.
    private static func checkRenewals(_ file: inout VerifiedFile) throws {
        let ofItsPort =
            file.version >= Migration0034.version ? "n.reseller_id = x.reseller_id AND n.book = x.book" : "1"
        try file.connection.forEach(
            dynamic: """
                SELECT n.id, x.public_id, x.book, x.reseller_id, n.days, n.base_price, n.cost, n.days * 86400000,
                    p.kind, p.book, p.reseller_id, p.reference, \(EntryPlaces.amount(of: "p.id")), \(ofItsPort)
                FROM port_renewal n JOIN port x ON x.id = n.port_id LEFT JOIN posting p ON p.id = n.posting_id
                ORDER BY n.id
                """
        ) { row in
            let renewal = try PortLine(&row)
            if try !row.bool() {
                file.report.add(
                    .orders, "port_renewal", renewal.id, "The renewal is of another reseller or book than its port.")
            }
            let charge = PostingSide(
                kind: PostingKind.port.rawValue, book: renewal.book, reseller: renewal.reseller,
                reference: renewal.publicID, amount: renewal.book == Book.live.rawValue ? renewal.cost : 0)
            if !renewal.costsItsDays(in: file.currency) || renewal.posting != charge {
                file.report.add(
                    .ledger, "port_renewal", renewal.id,
                    "The renewal's posting is missing or moves another amount than its days cost.")
            }
            return true
        }
    }

    /// An active port has its slot and the slot has it; an ended one has none.
    private static func checkSlots(_ file: inout VerifiedFile) throws {
        try file.connection.forEach(
            """
            SELECT x.id, x.state FROM port x LEFT JOIN port_slot s ON s.id = x.slot_id
            WHERE s.id IS NULL OR x.book <> s.book OR (x.state = 'active') <> coalesce(s.port_id = x.id, 0)
            """
        ) { row in
            let (id, state) = (try row.int(), try row.text())
            file.report.add(.quantity, "port", id, "The port is \(state), and its slot does not say the same.")
            return true
        }
        try file.connection.forEach(
            """
            SELECT s.id FROM port_slot s LEFT JOIN port x ON x.id = s.port_id
            WHERE s.port_id IS NOT NULL AND (x.id IS NULL OR x.slot_id <> s.id OR x.state <> 'active')
            """
        ) { row in
            file.report.add(.quantity, "port_slot", try row.int(), "The slot is taken by a port that does not have it.")
            return true
        }
    }

    /// Each device's counts follow from its slots; an exclusive port is alone, a private device is one reseller's.
    private static func checkDevices(_ file: inout VerifiedFile) throws {
        let inStock = file.version >= Migration0022.version ? "s.withdrawn_at IS NULL" : "1"
        try file.connection.forEach(
            dynamic: """
                    SELECT d.id, d.capacity, d.used, d.exclusive_ports, d.private_ports,
                    count(iif(\(inStock), s.id, NULL)), count(x.id), coalesce(sum(x.is_exclusive), 0),
                    coalesce(sum(x.is_private), 0), d.sole_reseller_id, count(DISTINCT x.reseller_id), min(x.reseller_id)
                FROM port_device d LEFT JOIN port_slot s ON s.device_id = d.id LEFT JOIN port x ON x.id = s.port_id
                GROUP BY d.id ORDER BY d.id
                """, []
        ) { row in
            let id = try row.int()
            let kept = DeviceCounts(
                slots: try row.int(), ports: try row.int(), exclusive: try row.int(), private: try row.int())
            let counted = DeviceCounts(
                slots: try row.int(), ports: try row.int(), exclusive: try row.int(), private: try row.int())
            let (sole, resellers, first) = (try row.optionalInt(), try row.int(), try row.optionalInt())
            if kept != counted {
                file.report.add(
                    .quantity, "port_device", id, "The device's counts are not those of its slots and ports.")
            }
            if counted.exclusive > 0 && counted.ports > 1 {
                file.report.add(.quantity, "port_device", id, "An exclusive port shares its device.")
            }
            if counted.private > 0 && resellers > 1 {
                file.report.add(.quantity, "port_device", id, "A private port's device is shared by resellers.")
            }
            if sole != (resellers == 1 ? first : nil) {
                file.report.add(.quantity, "port_device", id, "The device names another reseller than its ports have.")
            }
            return true
        }
    }

    /// A customer's used slots are its active ports.
    private static func checkQuotas(_ file: inout VerifiedFile) throws {
        try file.connection.forEach(
            """
            SELECT p.customer_id, p.used_port_slots,
                (SELECT count(*) FROM port x WHERE x.customer_id = p.customer_id AND x.state = 'active') AS counted
            FROM port_customer p WHERE p.used_port_slots <> counted
            """
        ) { row in
            let (id, used, counted) = (try row.int(), try row.int(), try row.int())
            file.report.add(
                .quantity, "port_customer", id,
                "The customer uses \(used) port slots by its record and \(counted) by its ports.")
            return true
        }
    }

    /// Each transfer's posting moved its amount to its customer's account, and each such posting has its transfer.
    private static func checkTransfers(_ file: inout VerifiedFile) throws {
        try file.connection.forEach(
            dynamic: """
                SELECT t.id FROM customer_transfer t LEFT JOIN posting p ON p.id = t.posting_id
                WHERE p.id IS NULL OR p.kind <> 'transfer' OR p.book <> t.book OR p.reseller_id <> t.reseller_id
                    OR p.reference <> t.public_id OR NOT EXISTS (
                        SELECT 1 FROM entry e CROSS JOIN ledger_account a ON a.id = e.account_id
                        WHERE \(EntryPlaces.of("p.id", "e")) AND e.amount = t.amount
                            AND e.balance_after = t.customer_balance AND a.kind = 'customer:' || t.customer_id)
                """
        ) { row in
            file.report.add(
                .ledger, "customer_transfer", try row.int(),
                "The transfer's posting is missing or moves something else.")
            return true
        }
        try file.connection.forEach(
            """
            SELECT p.id FROM posting p WHERE p.kind = 'transfer'
                AND NOT EXISTS (SELECT 1 FROM customer_transfer t WHERE t.public_id = p.reference AND t.posting_id = p.id)
            """
        ) { row in
            file.report.add(.ledger, "posting", try row.int(), "The posting is for a transfer that is missing.")
            return true
        }
    }
}

/// A port with what its posting says.
private struct PortLine {
    let id: Int64
    let publicID: String
    let book: Int64
    let reseller: Int64
    let days: Int64
    let basePrice: Money
    let cost: Int64
    let milliseconds: Int64
    let posting: PostingSide?

    init(_ row: inout RowReader) throws {
        id = try row.int()
        publicID = try row.text()
        book = try row.int()
        reseller = try row.int()
        days = try row.int()
        basePrice = try row.money()
        cost = try row.int()
        milliseconds = try row.int()
        posting = try PostingSide(&row)
    }

    func costsItsDays(in currency: Currency) -> Bool {
        let (price, digits) = (Pricing.unit(termPrice: basePrice, rate: .zero), currency.minorUnitDigits)
        // Before 0060 was of ports too, days of less than half a minor unit cost nothing.
        let costs = [
            try? price.charge(quantity: days, minorUnitDigits: digits),
            try? price.line(quantity: days, minorUnitDigits: digits),
        ]
        return costs.contains { $0?.micros == cost }
    }
}

private struct DeviceCounts: Equatable {
    let slots: Int64
    let ports: Int64
    let exclusive: Int64
    let `private`: Int64
}
