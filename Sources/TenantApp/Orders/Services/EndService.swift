package import CallKit
package import TenantRegistry

/// Ends a service, now or with its term. Nothing is given back: what was paid runs to its end. What hours have come to
/// is charged at the end, and where it cannot be paid it stays owed.
struct EndService {
    let tenant: TenantTransaction
    let reseller: Reseller
    let keyID: Int64

    /// It is over. `instant`: when its hours stop, at the latest now.
    func now(_ service: inout Service, at instant: Timestamp, _ detail: inout AuditDetail) throws {
        let end = min(instant, tenant.now)
        if service.isRunning { service.accrue(until: end) }
        service.state = .cancelled
        service.renewsAt = nil
        service.endsAt = end
        service.suspendedBy = nil
        service.nextAt = nil
        if service.term == .hourly {
            let charge = ChargeService(tenant: tenant, reseller: reseller, keyID: keyID)
            switch try charge.run(&service, &detail) {
            case .paid(let amount):
                try LowBalance.check(tenant, reseller, book: service.book, spent: amount)
            case .unpaid(let amount): try charge.putOff(&service, amount, &detail)
            case .nothing: break
            }
        } else {
            // A period that was never paid is not owed.
            service.pastDueSince = nil
            try tenant.save(service)
        }
        try tenant.addUnits(-1, resellerID: service.resellerID, productID: service.productID, book: service.book)
        detail.note(named: service.publicID, service.state.rawValue)
        try tenant.want(.terminated, ofService: service.id)
        service = try tenant.emitService(.serviceCancelled, service)
    }

    /// It runs to the end of what is paid: an hourly one to the end of the hour. Past that already, it is over.
    func withTerm(_ service: inout Service, by cause: EndCause, _ detail: inout AuditDetail) throws {
        if service.endsAt != nil {
            // Both have said so then. The operator's word stands first, and neither takes back the other's.
            if service.endedBy != cause { try tenant.note(service, endsForReseller: true) }
            if cause == .operator { service.endedBy = cause }
            return try tenant.save(service)
        }
        let end = service.term == .hourly ? service.hourEnd(at: tenant.now) : service.renewsAt
        guard service.state != .pastDue, service.suspendedBy != .unpaid, let end, end > tenant.now,
            service.isRunning || service.term != .hourly
        else { return try now(&service, at: tenant.now, &detail) }
        service.endsAt = end
        service.endedBy = cause
        service.renewsAt = nil
        service.schedule()
        try tenant.save(service)
        service = try tenant.emitService(.serviceUpdated, service)
    }

    /// It renews after all. Nobody takes back another's word: where the reseller has it end too, it still ends.
    func takeBack(_ service: inout Service, by cause: EndCause, _ detail: inout AuditDetail) throws {
        guard let end = service.endsAt, end > tenant.now else { throw Refusal.conflict(.notEnding) }
        guard service.endedBy == cause else {
            throw Refusal.conflict(cause == .reseller ? .endedByOperator : .endedByReseller)
        }
        if cause == .operator, try tenant.endsForReseller(service) {
            service.endedBy = .reseller
            try tenant.note(service, endsForReseller: false)
            detail.note("ends_at", end.text)
            return try tenant.save(service)
        }
        service.endsAt = nil
        service.endedBy = nil
        if service.term != .hourly {
            service.renewsAt = end
        } else if service.isRunning {
            service.renewsAt = service.dailyCharge(after: tenant.now)
        }
        // What is suspended may owe, and is tried on as before.
        if service.isRunning { service.schedule() }
        detail.note("renews_at", service.renewsAt?.text ?? "")
        try tenant.save(service)
        service = try tenant.emitService(.serviceUpdated, service)
    }
}

/// A reseller ends a service of its own with its term, or takes that back (W9).
package struct EndOwnService: Sendable {
    package enum Word: Sendable {
        case end
        case takeBack
    }

    package let serviceID: String
    package let word: Word
    package let resellerID: Int64
    package let book: Book
    package let keyID: Int64

    package func run(_ tenant: TenantTransaction, _ detail: inout AuditDetail) throws -> Service {
        guard var service = try tenant.service(publicID: serviceID, resellerID: resellerID, book: book) else {
            throw Refusal.notFound(.service)
        }
        guard let reseller = try tenant.reseller(id: resellerID) else { throw Refusal.unknownCredential }
        guard service.state != .pending, service.state != .cancelled else {
            throw Refusal.conflict(.service(service.state, cannot: .cancel))
        }
        try tenant.judgeClock()
        detail.note("service", service.publicID)
        switch word {
        case .end:
            // Past due, it ends at once, and its hours are charged.
            if service.term == .hourly, service.pastDueSince != nil {
                try PayDueServices.payFirst(tenant, before: &service, &detail)
            }
            try EndService(tenant: tenant, reseller: reseller, keyID: keyID)
                .withTerm(&service, by: .reseller, &detail)
            detail.note("ends_at", service.endsAt?.text ?? "")
        case .takeBack:
            try EndService(tenant: tenant, reseller: reseller, keyID: keyID).takeBack(&service, by: .reseller, &detail)
        }
        return service
    }
}
