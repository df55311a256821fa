import CallKit
package import TenantRegistry

/// Says three days ahead that a service renews, at which amount, and whether the balance has it now: once a period
/// (W10).
package struct AnnounceRenewals: DueWork {
    package let kind = DueKind.notice

    package init() {}

    package func next(_ tenant: TenantReader) throws -> Timestamp? { try tenant.nextService(kind) }

    package func run(_ tenant: TenantTransaction, limit: Int) throws -> Int {
        let ids = try tenant.dueServices(kind, limit: limit)
        for group in try tenant.readServices(ids.map(\.id), kind) {
            guard let reseller = try tenant.reseller(id: group.resellerID) else { throw Refusal.notFound(.reseller) }
            let available = try tenant.balances(of: reseller, book: group.book).available
            for var service in group.services {
                service.isAnnounced = true
                service.schedule()
                try tenant.noteAnnounced(service)
                // What fell due meanwhile is charged at once.
                guard let due = service.renewsAt, due > tenant.now else { continue }
                let amount = try tenant.renewalAmount(of: service)
                let isCovered = group.book == .test || amount <= available || amount == .zero
                try tenant.emitService(.serviceRenewing, service) { json in
                    json.field("amount", tenant.decimal(amount))
                    json.field("is_covered", isCovered)
                }
            }
        }
        return ids.count
    }

    package func coming(_ tenant: TenantReader, _ page: DuePage) throws -> [DueItem] {
        try tenant.comingServices(kind, page).compactMap { at, id in
            guard let service = try tenant.service(id: id) else { return nil }
            return DueItem(
                kind: kind, at: at, id: id, object: service.publicID, resellerPublicID: service.resellerPublicID,
                amount: try tenant.renewalAmount(of: service))
        }
    }
}
