import CallKit
import SQLite
import TenantRegistry

/// Services by period (W9, W3): one charge for each, none left out, at the price that was recorded and in a posting of
/// its own; dates where the arithmetic has them; what hours came to equals what was charged.
enum RenewalCheck {
    static func run(_ file: inout VerifiedFile) throws {
        guard file.version >= Migration0017.version else { return }
        let connection = file.connection
        try connection.forEach(
            dynamic: "SELECT \(Service.columns), o.term_price FROM \(Service.tables) ORDER BY s.id"
        ) { row in
            let service = try Service(&row)
            // `BoundsCheck` names it.
            guard counts.contains(service.period), counts.contains(service.accruedHours) else { return true }
            let life = ServiceLife(service, prices: try Prices(of: service.id, first: row.money(), in: connection))
            for fault in try life.faults() + life.toldFaults(file) {
                file.report.add(.orders, "service", service.id, fault)
            }
            if service.term == .hourly {
                try checkHours(life, &file)
            } else {
                try checkPeriods(life, &file)
            }
            return true
        }
        try checkLonePostings(&file)
    }

    private static let counts = TenantStore.counters

    // MARK: Terms

    private static func checkPeriods(_ life: ServiceLife, _ file: inout VerifiedFile) throws {
        let service = life.service
        var last: Int64 = 0
        try file.connection.forEach(
            dynamic: """
                SELECT n.period, n.book, n.begins_at, n.ends_at, n.amount, p.kind, p.book, p.reseller_id, p.reference,
                    \(EntryPlaces.amount(of: "p.id"))
                FROM renewal n LEFT JOIN posting p ON p.id = n.posting_id WHERE n.service_id = ?1 ORDER BY n.period
                """, [.integer(service.id)]
        ) { row in
            let (period, book) = (try row.int(), try row.int())
            let (begins, ends, amount) = (try row.time(), try row.time(), try row.money())
            let posting = try PostingSide(&row)
            func add(_ text: String) {
                file.report.add(.orders, "renewal", nil, "Service \(service.id), period \(period): \(text)")
            }
            guard counts.contains(period) else { return true }
            if period != last + 1 { add("the one before it is \(last): a period was left out.") }
            last = period
            if service.start(ofPeriod: period) != begins || service.start(ofPeriod: period + 1) != ends {
                add("it runs from \(begins.text) to \(ends.text), which is not where the anchor has it.")
            }
            let (price, digits) = (life.prices.price(at: period), file.currency.minorUnitDigits)
            let wanted = try? Pricing.renewal(termPrice: price, rate: service.rate, minorUnitDigits: digits)
            // Before 0060 what came to less than half a minor unit cost nothing.
            let former = try? Pricing.line(
                termPrice: price, rate: service.rate, quantity: 1, minorUnitDigits: digits)
            if wanted != amount && former != amount {
                let owed = wanted.map { file.amount($0.micros) } ?? "too much"
                add("it cost \(file.amount(amount.micros)); its price comes to \(owed).")
            }
            if book != service.book.rawValue { add("it is of another book than its service.") }
            for fault in faults(posting, .renewal, service, period, amount, file) { add(fault) }
            return true
        }
        checkCount(life, last, &file)
    }

    private static func checkCount(_ life: ServiceLife, _ last: Int64, _ file: inout VerifiedFile) {
        guard life.service.period != last else { return }
        file.report.add(
            .orders, "service", life.service.id,
            "It is said to have been charged \(life.service.period) times; its charges end with \(last).")
    }

    private static func faults(
        _ posting: PostingSide?, _ kind: PostingKind, _ service: Service, _ number: Int64, _ amount: Money,
        _ file: VerifiedFile
    ) -> [String] {
        let charged = service.book == .live ? amount.micros : 0
        let wanted = PostingSide(
            kind: kind.rawValue, book: service.book.rawValue, reseller: service.resellerID,
            reference: "\(service.publicID):\(number)", amount: charged)
        guard let posting else { return ["its posting is missing."] }
        guard posting != wanted else { return [] }
        if posting.amount != charged {
            return ["its posting moves \(file.amount(posting.amount)), not \(file.amount(charged))."]
        }
        return ["its posting is for \(posting.reference), of kind \(posting.kind), or another reseller's or book's."]
    }

    // MARK: Hours

    private static func checkHours(_ life: ServiceLife, _ file: inout VerifiedFile) throws {
        let service = life.service
        var (last, before, until) = (Int64(0), HourlyStand.none, service.anchorAt)
        try file.connection.forEach(
            dynamic: """
                SELECT \(HourlyStand.columns), c.n, c.book, c.until, c.term_price, c.amount, p.kind, p.book,
                    p.reseller_id, p.reference, \(EntryPlaces.amount(of: "p.id"))
                FROM hourly_charge c LEFT JOIN posting p ON p.id = c.posting_id WHERE c.service_id = ?1 ORDER BY c.n
                """, [.integer(service.id)]
        ) { row in
            let stand = try HourlyStand(&row)
            let (number, book, end) = (try row.int(), try row.int(), try row.time())
            let (price, amount) = (try row.money(), try row.money())
            let posting = try PostingSide(&row)
            func add(_ text: String) {
                file.report.add(.orders, "hourly_charge", nil, "Service \(service.id), charge \(number): \(text)")
            }
            guard counts.contains(number), counts.contains(stand.hours) else { return true }
            if number != last + 1 { add("the one before it is \(last): a charge was left out.") }
            if price != life.prices.price(at: number) { add("its price is not the one that was recorded.") }
            let hours = stand.hours - before.hours
            // It may count no hour of its own: then it rounds up what those before it came to.
            let isLast = service.state == .cancelled && number == service.period
            let isRoom = until.map { Service.hours(hours, fitBetween: $0, and: end) } ?? false
            if hours < (isLast ? 0 : 1) || !isRoom {
                add("\(hours) hours do not fit between the charge before it and \(end.text).")
            }
            let unit = Pricing.unit(termPrice: price, rate: service.rate)
            let accrued = try? before.accrued.adding(unit, times: hours)
            // Before 0060 the last charge was rounded as all others.
            let roundings: [UnitPrice.Rounding] = isLast ? [.up, .halfUp] : [.halfUp]
            let owed = roundings.map {
                try? stand.accrued.line(
                    quantity: 1, minorUnitDigits: file.currency.minorUnitDigits, rounding: $0)
            }
            if accrued != stand.accrued { add("what its hours are said to come to is not hours times price.") }
            if !owed.contains(stand.charged) || (try? before.charged.adding(amount)) != stand.charged {
                add("what was charged so far is \(file.amount(stand.charged.micros)), not the accrual rounded once.")
            }
            if book != service.book.rawValue { add("it is of another book than its service.") }
            for fault in faults(posting, .hourly, service, number, amount, file) { add(fault) }
            (last, before, until) = (number, stand, end)
            return true
        }
        checkCount(life, last, &file)
        let uncharged = service.accruedHours - before.hours
        if uncharged < 0
            || !(until.flatMap { from in
                service.accruesFrom.map { Service.hours(uncharged, fitBetween: from, and: $0) }
            } ?? (service.anchorAt == nil))
        {
            file.report.add(.orders, "service", service.id, "Its hours do not go on from its last charge.")
        }
        try checkPauses(service, after: until, uncharged, &file)
    }

    /// Where its hours go on: each that was counted moved that by an hour, and a pause to when an event told of its
    /// end, whatever the clock did.
    private static func checkPauses(
        _ service: Service, after charged: Timestamp?, _ uncharged: Int64, _ file: inout VerifiedFile
    ) throws {
        guard let charged, let from = service.accruesFrom else { return }
        let resumed: Timestamp? =
            try file.connection.row(
                "SELECT max(at) FROM event WHERE object = ?1 AND type = 'service.resumed'", .text(service.publicID)
            ) { try $0.optionalTime() } ?? nil
        let start = max(charged, resumed ?? charged)
        if !Service.hours(uncharged, reachFrom: start, to: from) {
            file.report.add(
                .orders, "service", service.id,
                "Its hours go on at \(from.text), later than its charges and pauses have it.")
        }
    }

    /// Postings that were made for a period or for hours belong to one.
    private static func checkLonePostings(_ file: inout VerifiedFile) throws {
        for (kind, table, number) in [("renewal", "renewal", "period"), ("hourly", "hourly_charge", "n")] {
            try file.connection.forEach(
                dynamic: """
                    SELECT p.id, p.reference FROM posting p WHERE p.kind = '\(kind)' AND NOT EXISTS (
                        SELECT 1 FROM service s JOIN \(table) c ON c.service_id = s.id
                        WHERE s.public_id = substr(p.reference, 1, instr(p.reference, ':') - 1)
                            AND c.\(number) = CAST(substr(p.reference, instr(p.reference, ':') + 1) AS INTEGER)
                            AND c.posting_id = p.id)
                    ORDER BY p.id
                    """
            ) { row in
                let (id, reference) = (try row.int(), try row.text())
                file.report.add(
                    .orders, "posting", id,
                    "The posting of kind \(kind) is for \(reference), whose charge is missing or has another.")
                return true
            }
        }
    }
}

/// What the periods of a service cost: as its order says, and as operators changed it.
private struct Prices {
    let first: Money
    private var changes: [(period: Int64, price: Money)] = []

    init(of service: Int64, first: Money, in connection: Connection) throws {
        self.first = first
        changes = try connection.rows(
            "SELECT period, term_price FROM repricing WHERE service_id = ?1 ORDER BY id", .integer(service)
        ) { (try $0.int(), try $0.money()) }
    }

    /// What was agreed last.
    var last: Money { changes.last?.price ?? first }

    func price(at period: Int64) -> Money { changes.last { $0.period <= period }?.price ?? first }
}

/// A service with what it is judged by.
private struct ServiceLife {
    let service: Service
    let prices: Prices

    init(_ service: Service, prices: Prices) {
        self.service = service
        self.prices = prices
    }

    func faults() -> [String] { priceFaults() + stateFaults() + dateFaults() + nextFaults() }

    /// Of hours that run the price was agreed before they began.
    private func priceFaults() -> [String] {
        var faults: [String] = []
        if service.termPrice != prices.price(at: service.runningCharge) || service.nextPrice != prices.last {
            faults.append("Its price is neither its order's nor one that an operator has changed it to.")
        }
        return faults
    }

    private func stateFaults() -> [String] {
        let isRight =
            switch service.state {
            case .pending: service.anchorAt == nil && service.renewsAt == nil && service.period == 0
            case .active: service.pastDueSince == nil && service.suspendedBy == nil
            // One that is not announced would be looked at for its notice, and never for its charge.
            case .pastDue: service.pastDueSince != nil && service.suspendedBy == nil && service.isAnnounced
            case .suspended:
                service.suspendedBy == .operator || service.suspendedBy == .unpaid && service.pastDueSince != nil
            case .cancelled: service.renewsAt == nil && service.endsAt != nil && service.suspendedBy == nil
            }
        var faults =
            isRight ? [] : ["It is \(service.state.rawValue), which does not go with what it owes or its dates."]
        if service.anchorAt != service.activatedAt { faults.append("Its anchor is not when it was activated.") }
        if (service.term == .hourly && service.anchorAt != nil) != (service.accruesFrom != nil) {
            faults.append("Its hours do not go with its term.")
        }
        if service.term == .hourly && service.anchorAt != nil && !service.isAnnounced {
            faults.append("Its hours are announced, as no hour is.")
        }
        if service.term != .hourly && service.accruedHours != 0 {
            faults.append("It counts hours, which its term lacks.")
        }
        return faults
    }

    private func dateFaults() -> [String] {
        guard service.state != .pending, service.state != .cancelled, let anchor = service.anchorAt else { return [] }
        guard service.term != .hourly else {
            let rest = service.renewsAt.map { ($0.milliseconds - anchor.milliseconds) % Timestamp.millisecondsPerDay }
            let isOne = service.renewsAt == nil || service.endsAt == nil
            return (rest ?? 0 == 0 ? [] : ["Its next charge is not at its anchor's time of day."])
                + (isOne ? [] : ["Its hours are to be charged on, and to end."])
        }
        let wanted = service.start(ofPeriod: service.period + 1)
        let isOne = (service.renewsAt == nil) != (service.endsAt == nil)
        return isOne && (service.renewsAt ?? service.endsAt) == wanted
            ? [] : ["Its paid term ends at \(wanted?.text ?? "no time"), which is not where it renews or ends."]
    }

    /// A row that the clock would never find is as bad as one that it charges early.
    private func nextFaults() -> [String] {
        if service.state == .active {
            var scheduled = service
            scheduled.schedule()
            return scheduled.nextAt == service.nextAt ? [] : ["It is looked at next at another time than is due."]
        }
        guard let next = service.nextAt else {
            return service.state == .pastDue && service.endsAt == nil ? ["It is past due, and never tried again."] : []
        }
        return service.isTry(at: next) ? [] : ["It is tried again at \(next.text), which no try of its is due at."]
    }

    /// Times that nothing in its own row proves.
    func toldFaults(_ file: VerifiedFile) throws -> [String] {
        var faults: [String] = []
        if let since = service.pastDueSince, try !isTold(since, in: file.connection) {
            faults.append("No event tells that it could not be paid first at \(since.text).")
        }
        guard service.term == .hourly, service.state != .cancelled else { return faults }
        if let end = service.endsAt, end > file.latest.adding(milliseconds: Timestamp.millisecondsPerHour) {
            faults.append("It ends at \(end.text), later than with an hour that has begun.")
        }
        if let due = service.renewsAt, due > file.latest.adding(days: 1) {
            faults.append("Its hours are charged at \(due.text), later than a day ahead.")
        }
        return faults
    }

    /// What could not be paid is told of in the transaction of its first try. Hours that are charged as a service stops
    /// are told of with that.
    private func isTold(_ since: Timestamp, in connection: Connection) throws -> Bool {
        if service.state == .pastDue || service.suspendedBy == .unpaid {
            return try connection.row(
                "SELECT at FROM event WHERE object = ?1 AND type = 'service.past_due' ORDER BY id DESC LIMIT 1",
                .text(service.publicID)
            ) { try $0.time() } == since
        }
        return try connection.exists(
            """
            SELECT 1 FROM event WHERE object = ?1 AND at = ?2
                AND type IN ('service.past_due', 'service.suspended', 'service.cancelled')
            """,
            .text(service.publicID), .time(since))
    }
}
