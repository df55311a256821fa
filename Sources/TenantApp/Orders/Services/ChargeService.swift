import CallKit
import TenantRegistry

/// Charges one service for its next period (W9), or for what its hours have come to (W3): posting, row, dates and event
/// together, or none of it. What cannot be paid is put off.
///
/// Invariant: one charge for each service and number. The row of a second one is refused by the file, and the
/// transaction with it. On the tenant's lane.
struct ChargeService {
    enum Outcome: Equatable {
        case paid(Money)
        /// The balance has less than this.
        case unpaid(Money)
        /// No hour has begun since the last charge, and that is not rounded up at an end.
        case nothing
    }

    let tenant: TenantTransaction
    let reseller: Reseller
    /// Of the call whose money pays; 0 where the clock charges.
    let keyID: Int64

    func run(_ service: inout Service, _ detail: inout AuditDetail) throws -> Outcome {
        try service.term == .hourly ? payHours(&service, &detail) : payPeriod(&service, &detail)
    }

    /// Charges all that is due of a service now, each period in its order, until one cannot be paid.
    func catchUp(_ service: inout Service, _ detail: inout AuditDetail) throws -> Money {
        var spent = Money.zero
        while service.isRunning, let due = service.renewsAt, due <= tenant.now {
            switch try run(&service, &detail) {
            case .paid(let amount): spent = try spent.adding(amount)
            case .nothing: break
            case .unpaid(let amount):
                try putOff(&service, amount, &detail)
                return spent
            }
        }
        return spent
    }

    /// Charges services in the order of their places. One of which several periods were missed comes up again in its
    /// place, as long as that is not behind `last`: what lies there is the business of whoever comes next. Stops when
    /// `budget` charges have been tried.
    func run(
        _ services: [Service], upTo last: DuePlace, budget: inout Int, _ detail: inout AuditDetail,
        then: (inout Service, Outcome, inout AuditDetail) throws -> Void
    ) throws {
        var queue = services
        var next = 0
        while next < queue.count, budget > 0 {
            var service = queue[next]
            next += 1
            budget -= 1
            let outcome = try run(&service, &detail)
            try then(&service, outcome, &detail)
            guard service.isRunning, service.nextAt == service.renewsAt, let place = DuePlace(service),
                place.at <= tenant.now, place <= last
            else { continue }
            let behind = queue[next...].firstIndex { DuePlace($0).map { place < $0 } ?? true } ?? queue.count
            queue.insert(service, at: behind)
        }
    }

    // MARK: Paid

    private func payPeriod(_ service: inout Service, _ detail: inout AuditDetail) throws -> Outcome {
        let number = service.period + 1
        guard let begins = service.start(ofPeriod: number), let ends = service.start(ofPeriod: number + 1) else {
            throw Refusal.defect
        }
        let amount = try tenant.renewalAmount(of: service)
        guard try isThere(amount, service.book) else { return .unpaid(amount) }
        let posting = try post(.renewal, amount, for: service, &detail)
        try tenant.insertRenewal(
            of: service, period: number, begins: begins, ends: ends, amount: amount, posting: posting)
        service.period = number
        service.renewsAt = ends
        // What is due at once is past announcing.
        service.isAnnounced = ends <= tenant.now
        try settle(&service, paid: amount)
        return .paid(amount)
    }

    private func payHours(_ service: inout Service, _ detail: inout AuditDetail) throws -> Outcome {
        let due = try hoursDue(of: service)
        guard due.hours > 0 || due.amount > .zero, let until = due.counted.accruesFrom else {
            service = due.counted
            try settle(&service, paid: nil)
            return .nothing
        }
        let amount = due.amount
        guard try isThere(amount, service.book) else { return .unpaid(amount) }
        let posting = try post(.hourly, amount, for: service, &detail)
        try tenant.insertHourlyCharge(
            of: service, number: service.period + 1, until: until, stand: due.stand, amount: amount, posting: posting)
        service = due.counted
        service.period += 1
        try settle(&service, paid: amount)
        return .paid(amount)
    }

    /// What a charge of hours would take now.
    private struct HoursDue {
        /// The service with them counted.
        let counted: Service
        let hours: Int64
        let stand: HourlyStand
        let amount: Money
    }

    private func hoursDue(of service: Service) throws -> HoursDue {
        var counted = service
        if service.isRunning, let due = service.renewsAt {
            counted.accrue(until: due)
            counted.renewsAt = counted.dailyCharge(after: due)
        }
        let before = try tenant.hourlyStand(ofService: service.id)
        let hours = counted.accruedHours - before.hours
        let unit = Pricing.unit(termPrice: service.termPrice, rate: service.rate)
        let accrued = try before.accrued.adding(unit, times: hours)
        let digits = tenant.currency.minorUnitDigits
        let owed = try accrued.line(quantity: 1, minorUnitDigits: digits, rounding: service.hoursRounding)
        let amount = try owed.subtracting(before.charged)
        let stand = HourlyStand(hours: counted.accruedHours, accrued: accrued, charged: owed)
        return HoursDue(counted: counted, hours: hours, stand: stand, amount: amount)
    }

    private func isThere(_ amount: Money, _ book: Book) throws -> Bool {
        if book == .test || amount == .zero { return true }
        return try amount <= tenant.balance(.balance(reseller: reseller.id), book: book).adding(reseller.creditLimit)
    }

    /// The test book moves nothing (X7).
    private func post(
        _ kind: PostingKind, _ amount: Money, for service: Service, _ detail: inout AuditDetail
    ) throws -> Int64 {
        try tenant.post(
            kind, service.book == .live ? amount : .zero, from: .balance(reseller: reseller.id), to: .sales,
            reference: "\(service.publicID):\(service.period + 1)", resellerID: reseller.id, book: service.book,
            keyID: keyID, detail: &detail)
    }

    /// What was past due or suspended for it runs again.
    private func settle(_ service: inout Service, paid amount: Money?) throws {
        let wasOwed = service.pastDueSince != nil
        let wasSuspended = service.state == .suspended && service.suspendedBy == .unpaid
        if amount != nil { try takeUpPrice(&service) }
        service.pastDueSince = nil
        if service.state == .pastDue || wasSuspended {
            service.state = .active
            service.suspendedBy = nil
        }
        if wasSuspended { service.countAgain(from: tenant.now) }
        service.schedule()
        try tenant.save(service)
        if wasSuspended {
            try tenant.want(.active, ofService: service.id)
            service = try tenant.emitService(.serviceResumed, service)
        }
        if service.state == .active, let amount {
            service = try tenant.emitService(.serviceRenewed, service) { json in
                json.field("amount", tenant.decimal(amount))
            }
        } else if !wasSuspended, wasOwed || amount == nil && service.isRunning {
            // A day without an hour moves the next charge alone.
            service = try tenant.emitService(.serviceUpdated, service)
        }
    }

    /// A new price holds from the first charge on that it was agreed for: several may come before it.
    private func takeUpPrice(_ service: inout Service) throws {
        guard service.nextTermPrice != nil,
            let agreed = try tenant.repricing(of: service.id, at: service.runningCharge)
        else { return }
        service.termPrice = agreed.price
        if agreed.isLast { service.nextTermPrice = nil }
    }

    // MARK: Not paid

    /// Past due from the first try on, tried each day, suspended after seven days. What was cut off already is only
    /// tried, as long.
    func putOff(_ service: inout Service, _ amount: Money, _ detail: inout AuditDetail) throws {
        let isOver = service.isGraceOver(at: tenant.now)
        let event: EventType?
        switch service.state {
        case .active:
            service.state = .pastDue
            event = .servicePastDue
        case .pastDue where isOver:
            service.accrue(until: tenant.now)
            service.state = .suspended
            service.suspendedBy = .unpaid
            event = .serviceSuspended
        default: event = nil
        }
        service.pastDueSince = service.pastDueSince ?? tenant.now
        service.isAnnounced = true
        service.nextAt = isOver ? nil : service.nextTry(after: tenant.now)
        try tenant.save(service)
        guard let event else { return }
        if service.state == .suspended { try tenant.want(.suspended, ofService: service.id) }
        detail.note(named: service.publicID, service.state.rawValue)
        // Hours that began since the charge that was tried are owed with it, as soon as they stop.
        let owed = try service.term == .hourly ? hoursDue(of: service).amount : amount
        service = try tenant.emitService(event, service) { json in json.field("amount", tenant.decimal(owed)) }
    }
}

extension TenantReader {
    /// Judges a call that charges or ends by the time of day: it waits while that is not believed (G7).
    func judgeClock() throws {
        guard isClockBelieved else { throw Refusal.unavailable(.clockNotBelieved) }
    }
}
