import CallKit
package import TenantRegistry

/// Renewals (`.renewal`) and hourly charges (`.hourly`) as they fall due, and the daily tries of what was not paid. One
/// audit row for each reseller and slice; nobody's key stands in it.
///
/// Invariant: of one reseller what is older is charged first.
package struct ChargeDueServices: DueWork {
    package let kind: DueKind

    package init(_ kind: DueKind) { self.kind = kind }

    package func next(_ tenant: TenantReader) throws -> Timestamp? {
        if kind == .renewal, try tenant.nextPayable() != nil { return tenant.now }
        return try tenant.nextService(kind)
    }

    package func run(_ tenant: TenantTransaction, limit: Int) throws -> Int {
        var left = try limit - PayDueServices.goOn(tenant, limit: limit)
        while left > 0, let due = try tenant.readDueServices(kind, limit: left) {
            left -= due.putOff
            for group in due.groups {
                try charge(group, upTo: due.last, budget: &left, tenant)
            }
        }
        return limit - left
    }

    private func charge(
        _ group: ServiceGroup, upTo last: DuePlace, budget: inout Int, _ tenant: TenantTransaction
    ) throws {
        guard let reseller = try tenant.reseller(id: group.resellerID) else { throw Refusal.notFound(.reseller) }
        let charge = ChargeService(tenant: tenant, reseller: reseller, keyID: 0)
        var detail = AuditDetail()
        var spent = Money.zero
        try charge.run(group.services, upTo: last, budget: &budget, &detail) { service, outcome, detail in
            switch outcome {
            case .paid(let amount): spent = try spent.adding(amount)
            case .unpaid(let amount): try charge.putOff(&service, amount, &detail)
            case .nothing: break
            }
        }
        try LowBalance.check(tenant, reseller, book: group.book, spent: spent)
        if detail.hasMembers {
            tenant.noteClockwork("services.charged", resellerID: reseller.id, book: group.book, detail)
        }
    }

    package func coming(_ tenant: TenantReader, _ page: DuePage) throws -> [DueItem] {
        try tenant.comingServices(kind, page).compactMap { at, id in
            guard let service = try tenant.service(id: id) else { return nil }
            // What hours will have come to is not known before.
            let amount = service.term == .hourly ? nil : try tenant.renewalAmount(of: service)
            return DueItem(
                kind: kind, at: at, id: id, object: service.publicID, resellerPublicID: service.resellerPublicID,
                amount: amount, book: service.book)
        }
    }
}
