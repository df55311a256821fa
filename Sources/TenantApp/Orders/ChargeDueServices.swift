import CallKit
import SQLite
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
        var done = kind == .renewal ? try PayDueServices.goOn(tenant, limit: limit) : 0
        // A service of which several periods were missed is due again when one of them is paid.
        while done < limit {
            let ids = try tenant.dueServices(kind, limit: limit - done)
            if ids.isEmpty { break }
            for group in try tenant.readServices(ids, kind) { try charge(group, tenant) }
            done += ids.count
        }
        return done
    }

    private func charge(_ group: ServiceGroup, _ tenant: TenantTransaction) throws {
        guard let reseller = try tenant.reseller(id: group.resellerID) else { throw Refusal.notFound(.reseller) }
        let charge = ChargeService(tenant: tenant, reseller: reseller, keyID: 0)
        var detail = AuditDetail()
        var spent = Money.zero
        for var service in group.services {
            switch try charge.run(&service, &detail) {
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
            let amount = service.term == .hourly ? nil : try service.renewalAmount(in: tenant.currency)
            return DueItem(
                kind: kind, at: at, id: id, object: service.publicID, resellerPublicID: service.resellerPublicID,
                amount: amount)
        }
    }
}

/// Services of one reseller and book, in the order in which they are due.
struct ServiceGroup {
    let resellerID: Int64
    let book: Book
    var services: [Service]
}

extension TenantTransaction {
    /// By reseller and book. A row that cannot be read is told and put off by a day.
    func readServices(_ ids: [Int64], _ kind: DueKind) throws -> [ServiceGroup] {
        struct Place: Hashable {
            let resellerID: Int64
            let book: Book
        }
        var groups: [ServiceGroup] = []
        var places: [Place: Int] = [:]
        for id in ids {
            do {
                guard let service = try service(id: id) else { throw Refusal.notFound(.service) }
                let key = Place(resellerID: service.resellerID, book: service.book)
                if let place = places[key] {
                    groups[place].services.append(service)
                } else {
                    places[key] = groups.count
                    groups.append(ServiceGroup(resellerID: key.resellerID, book: key.book, services: [service]))
                }
            } catch let corrupt as CorruptRow {
                store.tell(corrupt)
                try postponeService(id, kind)
            } catch is Refusal {
                // Its order, customer or product is missing: `verify` says so.
                try postponeService(id, kind)
            }
        }
        return groups
    }
}
