import CallKit
import SQLite
import TenantRegistry

/// Each order by itself: its sums, its postings, its decision, its services.
enum OrderCheck {
    static func run(_ file: inout VerifiedFile) throws {
        // A price that an operator changed is the business of `RenewalCheck`.
        let isRepriced =
            file.version >= Migration0017.version ? "EXISTS (SELECT 1 FROM repricing WHERE service_id = s.id)" : "0"
        let units =
            file.version >= Migration0018.version
            ? "(SELECT count(*) FROM unit_decision WHERE order_id = o.id)" : "0"
        try file.connection.forEach(
            dynamic: """
                SELECT o.id, o.public_id, o.book, o.reseller_id, o.term, o.quantity, o.term_price, o.discount_rate,
                    o.line_total, o.setup_total, o.wholesale_total, o.state, o.decided_at IS NOT NULL,
                    p.kind, p.book, p.reseller_id, p.reference, \(EntryPlaces.amount(of: "p.id")),
                    o.decided_posting_id,
                    d.kind, d.book, d.reseller_id, d.reference, \(EntryPlaces.amount(of: "d.id")),
                    (SELECT count(*) FROM service WHERE order_id = o.id),
                    (SELECT count(*) FROM service s WHERE s.order_id = o.id AND (s.book <> o.book
                        OR s.reseller_id <> o.reseller_id OR s.product_id <> o.product_id OR s.customer_id <> o.customer_id
                        OR s.term <> o.term OR (s.term_price <> o.term_price AND NOT \(isRepriced))
                        OR s.discount_rate <> o.discount_rate)),
                    \(units)
                FROM orders o LEFT JOIN posting p ON p.id = o.posting_id LEFT JOIN posting d ON d.id = o.decided_posting_id
                ORDER BY o.id
                """
        ) { row in
            file.report.counts.orders += 1
            let order = try OrderLine(&row)
            for fault in order.faults(file) { file.report.add(.orders, "orders", order.id, fault) }
            return true
        }
        try checkLonePostings(&file)
    }

    /// Postings that were made for an order belong to one.
    private static func checkLonePostings(_ file: inout VerifiedFile) throws {
        let orUnits =
            file.version >= Migration0018.version
            ? " AND p.id NOT IN (SELECT d.posting_id FROM unit_decision d)" : ""
        try file.connection.forEach(
            dynamic: """
                SELECT p.id, p.kind, p.reference FROM posting p
                WHERE p.kind IN ('order', 'hold', 'capture', 'void') AND NOT EXISTS (
                    SELECT 1 FROM orders o WHERE o.public_id = p.reference AND p.id IN (o.posting_id, o.decided_posting_id))
                    \(orUnits)
                ORDER BY p.id
                """
        ) { row in
            let (id, kind, reference) = (try row.int(), try row.text(), try row.text())
            file.report.add(
                .orders, "posting", id,
                "The posting of kind \(kind) is for the order \(reference), which is missing or has another.")
            return true
        }
    }
}

/// An order with what its postings and services say.
private struct OrderLine {
    let id: Int64
    let publicID: String
    let book: Int64
    let reseller: Int64
    let term: String
    let quantity: Int64
    let termPrice: Money
    let rate: Percent?
    let line: Int64
    let setup: Int64
    let total: Int64
    let state: String
    let hasDecisionTime: Bool
    let posting: PostingSide?
    let decidedPostingID: Int64?
    let decision: PostingSide?
    let services: Int64
    let differingServices: Int64
    /// Units that were decided one by one, which `UnitCheck` judges.
    let decidedUnits: Int64

    init(_ row: inout RowReader) throws {
        id = try row.int()
        publicID = try row.text()
        book = try row.int()
        reseller = try row.int()
        term = try row.text()
        quantity = try row.int()
        termPrice = try row.money()
        rate = Percent(partsPerMillion: try row.int())
        line = try row.int()
        setup = try row.int()
        total = try row.int()
        state = try row.text()
        hasDecisionTime = try row.bool()
        posting = try PostingSide(&row)
        decidedPostingID = try row.optionalInt()
        decision = try PostingSide(&row)
        services = try row.int()
        differingServices = try row.int()
        decidedUnits = try row.int()
    }

    func faults(_ file: VerifiedFile) -> [String] {
        sumFaults(file) + postingFaults(file) + decisionFaults(file) + serviceFaults()
    }

    private func sumFaults(_ file: VerifiedFile) -> [String] {
        var faults: [String] = []
        let (sum, overflow) = line.addingReportingOverflow(setup)
        if overflow || sum != total {
            faults.append(
                "The total is \(file.amount(total)); line and setup come to \(overflow ? "too much" : file.amount(sum))."
            )
        }
        guard let term = Term(rawValue: term), let rate, quantity > 0 else {
            return faults + ["Its term, discount rate or quantity is none that there can be."]
        }
        let digits = file.currency.minorUnitDigits
        let computed =
            term == .hourly
            ? Money.zero
            : try? Pricing.line(termPrice: termPrice, rate: rate, quantity: quantity, minorUnitDigits: digits)
        if computed?.micros != line {
            faults.append(
                "The line is \(file.amount(line)); \(quantity) × \(file.amount(termPrice.micros)) less \(rate.decimal) % is "
                    + "\(computed.map { file.amount($0.micros) } ?? "too much").")
        }
        if setup < 0 || !Money(micros: setup).isWhole(inMinorUnitDigits: digits) {
            faults.append("The setup fee of \(file.amount(setup)) is none that there can be.")
        }
        return faults
    }

    /// What its postings must move: the total, and nothing in the test book.
    private var charge: Int64 { book == Book.live.rawValue ? total : 0 }

    private func postingFaults(_ file: VerifiedFile) -> [String] {
        guard let posting else { return ["Its posting is missing."] }
        guard posting.kind == "order" || posting.kind == "hold" else {
            return ["Its posting is of kind \(posting.kind), neither order nor hold."]
        }
        return sideFaults(posting, "posting", file)
    }

    private func sideFaults(_ side: PostingSide, _ name: String, _ file: VerifiedFile) -> [String] {
        var faults: [String] = []
        if side.amount != charge {
            faults.append("Its \(name) moves \(file.amount(side.amount)); the order is \(file.amount(charge)).")
        }
        if side.book != book || side.reseller != reseller {
            faults.append("Its \(name) is of another book or reseller.")
        }
        if side.reference != publicID {
            faults.append("Its \(name) belongs to the order \(side.reference), not to \(publicID).")
        }
        return faults
    }

    private func decisionFaults(_ file: VerifiedFile) -> [String] {
        let wanted: String?
        switch (state, posting?.kind) {
        case ("pending", "hold"): wanted = nil
        case ("completed", "hold") where decidedUnits > 0, ("rejected", "hold") where decidedUnits > 0: wanted = nil
        case ("completed", "hold"): wanted = "capture"
        case ("rejected", "hold"): wanted = "void"
        case ("completed", "order"): wanted = nil
        default: return ["It is \(state), which does not go with a posting of kind \(posting?.kind ?? "none")."]
        }
        var faults: [String] = []
        if hasDecisionTime != (state != "pending") {
            faults.append("It is \(state) and \(hasDecisionTime ? "has" : "lacks") a time of decision.")
        }
        guard let wanted else {
            return decidedPostingID == nil ? faults : faults + ["It is \(state) and has a posting that decides it."]
        }
        guard let decision else { return faults + ["It is \(state) without the posting that decides it."] }
        if decision.kind != wanted {
            faults.append("It is \(state), but the posting that decides it is of kind \(decision.kind).")
        }
        return faults + sideFaults(decision, "deciding posting", file)
    }

    private func serviceFaults() -> [String] {
        var faults: [String] = []
        if services != quantity { faults.append("It is for \(quantity) units and has \(services) services.") }
        if differingServices > 0 {
            faults.append("\(differingServices) of its services differ from it in owner, product, term or price.")
        }
        return faults
    }
}
