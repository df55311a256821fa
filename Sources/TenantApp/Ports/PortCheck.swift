import CallKit
import SQLite
import TenantRegistry

/// Ports against their postings, slots and quotas, and transfers against theirs (X3, X4).
enum PortCheck {
    static func run(_ file: inout VerifiedFile) throws {
        // A file of an older schema has none of these tables.
        guard file.version >= Migration0003.version else { return }
        try checkCharges(&file)
        try checkSlots(&file)
        try checkDevices(&file)
        try checkQuotas(&file)
        try checkTransfers(&file)
    }

    /// What a port cost is its base price × days, and its posting moved just that; nothing in the test book.
    private static func checkCharges(_ file: inout VerifiedFile) throws {
        try file.connection.forEach(
            """
            SELECT x.id, x.public_id, x.book, x.reseller_id, x.days, x.base_price, x.cost, p.kind, p.book, p.reseller_id,
                p.reference, (SELECT max(amount) FROM entry WHERE posting_id = p.id), x.expires_at - x.created_at
            FROM port x LEFT JOIN posting p ON p.id = x.posting_id ORDER BY x.id
            """
        ) { row in
            let (id, cost) = (row.int(0), row.int(6))
            let digits = file.currency.minorUnitDigits
            let wanted = try? Pricing.line(
                termPrice: row.money(5), rate: .zero, quantity: row.int(4), minorUnitDigits: digits)
            if wanted?.micros != cost {
                file.report.add(
                    .orders, "port", id,
                    "The port cost \(file.amount(cost)); \(row.int(4)) days of \(file.amount(row.int(5))) are another amount."
                )
            }
            if row.int(12) != row.int(4) * Timestamp.millisecondsPerDay {
                file.report.add(
                    .orders, "port", id, "The port does not run for the \(row.int(4)) days that it was bought for.")
            }
            let charge = row.int(2) == Book.live.rawValue ? cost : 0
            let isRight =
                row.text(7) == PostingKind.port.rawValue && row.int(8) == row.int(2) && row.int(9) == row.int(3)
                && row.text(10) == row.text(1) && row.int(11) == charge
            if row.isNull(7) || !isRight {
                file.report.add(.ledger, "port", id, "The port's posting is missing or moves something else.")
            }
            return true
        }
        try file.connection.forEach(
            """
            SELECT p.id, p.reference FROM posting p WHERE p.kind = 'port'
                AND NOT EXISTS (SELECT 1 FROM port x WHERE x.public_id = p.reference AND x.posting_id = p.id)
            """
        ) { row in
            file.report.add(
                .ledger, "posting", row.int(0), "The posting is for the port \(row.text(1)), which is missing.")
            return true
        }
    }

    /// An active port has its slot and the slot has it; an ended one has none.
    private static func checkSlots(_ file: inout VerifiedFile) throws {
        try file.connection.forEach(
            """
            SELECT x.id, x.state, x.book <> s.book, s.port_id = x.id FROM port x LEFT JOIN port_slot s ON s.id = x.slot_id
            WHERE s.id IS NULL OR x.book <> s.book OR (x.state = 'active') <> coalesce(s.port_id = x.id, 0)
            """
        ) { row in
            file.report.add(
                .quantity, "port", row.int(0), "The port is \(row.text(1)), and its slot does not say the same.")
            return true
        }
        try file.connection.forEach(
            """
            SELECT s.id FROM port_slot s LEFT JOIN port x ON x.id = s.port_id
            WHERE s.port_id IS NOT NULL AND (x.id IS NULL OR x.slot_id <> s.id OR x.state <> 'active')
            """
        ) { row in
            file.report.add(.quantity, "port_slot", row.int(0), "The slot is taken by a port that does not have it.")
            return true
        }
    }

    /// Each device's counts follow from its slots; an exclusive port is alone, a private device is one reseller's.
    private static func checkDevices(_ file: inout VerifiedFile) throws {
        try file.connection.forEach(
            """
            SELECT d.id, d.capacity, d.used, d.exclusive_ports, d.private_ports, count(s.id), count(x.id),
                coalesce(sum(x.is_exclusive), 0), coalesce(sum(x.is_private), 0), count(DISTINCT x.reseller_id),
                d.sole_reseller_id, min(x.reseller_id)
            FROM port_device d LEFT JOIN port_slot s ON s.device_id = d.id LEFT JOIN port x ON x.id = s.port_id
            GROUP BY d.id ORDER BY d.id
            """
        ) { row in
            let id = row.int(0)
            if (1...4).contains(where: { row.int($0) != row.int($0 + 4) }) {
                file.report.add(
                    .quantity, "port_device", id, "The device's counts are not those of its slots and ports.")
            }
            if row.int(7) > 0 && row.int(6) > 1 {
                file.report.add(.quantity, "port_device", id, "An exclusive port shares its device.")
            }
            if row.int(8) > 0 && row.int(9) > 1 {
                file.report.add(.quantity, "port_device", id, "A private port's device is shared by resellers.")
            }
            let sole = row.int(9) == 1 ? row.optionalInt(11) : nil
            if row.optionalInt(10) != sole {
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
            file.report.add(
                .quantity, "port_customer", row.int(0),
                "The customer uses \(row.int(1)) port slots by its record and \(row.int(2)) by its ports.")
            return true
        }
    }

    /// Each transfer's posting moved its amount to its customer's account, and each such posting has its transfer.
    private static func checkTransfers(_ file: inout VerifiedFile) throws {
        try file.connection.forEach(
            """
            SELECT t.id FROM customer_transfer t LEFT JOIN posting p ON p.id = t.posting_id
            WHERE p.id IS NULL OR p.kind <> 'transfer' OR p.book <> t.book OR p.reseller_id <> t.reseller_id
                OR p.reference <> t.public_id OR NOT EXISTS (
                    SELECT 1 FROM entry e JOIN ledger_account a ON a.id = e.account_id
                    WHERE e.posting_id = p.id AND e.amount = t.amount AND e.balance_after = t.customer_balance
                        AND a.kind = 'customer:' || t.customer_id)
            """
        ) { row in
            file.report.add(
                .ledger, "customer_transfer", row.int(0), "The transfer's posting is missing or moves something else.")
            return true
        }
        try file.connection.forEach(
            """
            SELECT p.id FROM posting p WHERE p.kind = 'transfer'
                AND NOT EXISTS (SELECT 1 FROM customer_transfer t WHERE t.public_id = p.reference AND t.posting_id = p.id)
            """
        ) { row in
            file.report.add(.ledger, "posting", row.int(0), "The posting is for a transfer that is missing.")
            return true
        }
    }
}
