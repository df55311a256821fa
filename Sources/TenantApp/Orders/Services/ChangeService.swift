package import CallKit
package import TenantRegistry

/// Moves a service by an operator's hand (O10): suspend, resume, cancel. Units of a pending order are decided
/// with their order.
package struct ChangeService {
    package enum Move: String, Sendable, CaseIterable {
        case suspend
        case resume
        case cancel
    }

    /// When a service ends that is cancelled.
    package enum When: String, Sendable, CaseIterable {
        case now
        case termEnd = "term_end"
    }

    package let serviceID: String
    package let move: Move
    package let when: When
    /// Of the key that calls: one of mode `test` moves services of the test book alone.
    package let callerBook: Book
    package let keyID: Int64

    package init(serviceID: String, move: Move, when: When = .now, callerBook: Book = .live, keyID: Int64 = 0) {
        self.serviceID = serviceID
        self.move = move
        self.when = when
        self.callerBook = callerBook
        self.keyID = keyID
    }

    package static func state(after move: Move, from state: ServiceState) -> ServiceState? {
        switch (state, move) {
        case (.active, .suspend), (.pastDue, .suspend): .suspended
        case (.suspended, .resume): .active
        case (.active, .cancel), (.pastDue, .cancel), (.suspended, .cancel): .cancelled
        default: nil
        }
    }

    package func run(_ tenant: TenantTransaction, _ detail: inout AuditDetail) throws -> Service {
        guard var service = try tenant.service(publicID: serviceID, resellerID: nil, book: nil) else {
            throw Refusal.notFound(.service)
        }
        try callerBook.judgeWrite(to: service.book)
        guard Self.state(after: move, from: service.state) != nil else {
            throw Refusal.conflict(.service(service.state, cannot: move))
        }
        // A term that is suspended, or ends now, asks nothing of the clock. All else is charged or ends by it.
        if service.term == .hourly || move == .resume || when == .termEnd { try tenant.judgeClock() }
        guard let reseller = try tenant.reseller(id: service.resellerID) else { throw Refusal.defect }
        detail.resellerID = service.resellerID
        detail.note("service", service.publicID)
        // Hours are charged as they stop, missed periods as they are resumed.
        if service.term == .hourly || move == .resume {
            try PayDueServices.payFirst(tenant, before: &service, &detail)
            // What it was suspended for has just been paid: it runs again.
            if move == .resume, service.state == .active {
                detail.note("state", service.state.rawValue)
                return service
            }
        }
        let end = EndService(tenant: tenant, reseller: reseller, keyID: keyID)
        let charge = ChargeService(tenant: tenant, reseller: reseller, keyID: keyID)
        var spent = Money.zero
        switch (move, when) {
        case (.suspend, _): spent = try suspend(&service, charge, &detail)
        case (.resume, _): spent = try resume(&service, charge, &detail)
        case (.cancel, .now): try end.now(&service, at: tenant.now, &detail)
        case (.cancel, .termEnd): try end.withTerm(&service, by: .operator, &detail)
        }
        try LowBalance.check(tenant, reseller, book: service.book, spent: spent)
        detail.note("state", service.state.rawValue)
        return service
    }

    /// Its hours stop, and what they came to is charged. A term runs on, and what of it was not paid is due again when
    /// the service is resumed.
    private func suspend(
        _ service: inout Service, _ charge: ChargeService, _ detail: inout AuditDetail
    ) throws -> Money {
        let tenant = charge.tenant
        var spent = Money.zero
        service.accrue(until: tenant.now)
        service.state = .suspended
        service.suspendedBy = .operator
        service.nextAt = nil
        if service.term == .hourly {
            service.renewsAt = nil
            switch try charge.run(&service, &detail) {
            case .paid(let amount): spent = amount
            case .unpaid(let amount): try charge.putOff(&service, amount, &detail)
            case .nothing: break
            }
        } else {
            service.pastDueSince = nil
            try tenant.save(service)
        }
        try tenant.want(.suspended, ofService: service.id)
        service = try tenant.emitService(.serviceSuspended, service)
        return spent
    }

    /// No anchor moves: periods that were missed are charged now, each in its order. What cannot be paid is past due
    /// from here.
    private func resume(
        _ service: inout Service, _ charge: ChargeService, _ detail: inout AuditDetail
    ) throws -> Money {
        let tenant = charge.tenant
        service.state = .active
        service.suspendedBy = nil
        service.pastDueSince = nil
        service.countAgain(from: tenant.now)
        if service.term != .hourly, let due = service.renewsAt, due <= tenant.now { service.isAnnounced = true }
        service.schedule()
        try tenant.save(service)
        try tenant.want(.active, ofService: service.id)
        service = try tenant.emitService(.serviceResumed, service)
        return try charge.catchUp(&service, &detail)
    }
}
