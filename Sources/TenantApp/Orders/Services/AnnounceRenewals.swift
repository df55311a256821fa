import CallKit
package import TenantRegistry

/// Says three days ahead that a service renews, at which amount, and whether the balance has it now beside what is
/// charged before: once a period (W10).
package struct AnnounceRenewals: DueWork {
    package let kind = DueKind.notice
    /// So many of a reseller's renewals are charged in thought, the first ones; what is announced of those behind them
    /// is judged as if it came next.
    private let renewalsMax: Int

    package init(renewalsMax: Int = 2_000) { self.renewalsMax = renewalsMax }

    package func next(_ tenant: TenantReader) throws -> Timestamp? { try tenant.nextService(kind) }

    package func run(_ tenant: TenantTransaction, limit: Int) throws -> Int {
        guard let due = try tenant.readDueServices(kind, limit: limit) else { return 0 }
        for group in due.groups {
            guard let reseller = try tenant.reseller(id: group.resellerID) else { throw Refusal.notFound(.reseller) }
            var cover = try cover(group, of: reseller, tenant)
            for var service in group.services {
                service.isAnnounced = true
                service.schedule()
                try tenant.noteAnnounced(service)
                // What fell due meanwhile is charged at once.
                guard let due = service.renewsAt, due > tenant.now else { continue }
                let amount = try tenant.renewalAmount(of: service)
                let isCovered = try group.book == .test || cover.has(amount, for: service.id) || amount == .zero
                try tenant.emitService(.serviceRenewing, service) { json in
                    json.field("amount", tenant.decimal(amount))
                    json.field("is_covered", isCovered)
                }
            }
        }
        return due.count
    }

    /// What became of the renewals that were charged in thought.
    private struct Cover {
        var isPaid: [Int64: Bool] = [:]
        var left = Money.zero
        /// None was left out behind them.
        var isWhole = true

        mutating func pay(_ amount: Money, for serviceID: Int64) throws {
            let fits = amount <= left
            if fits { left = try left.subtracting(amount) }
            isPaid[serviceID] = fits
        }

        mutating func has(_ amount: Money, for serviceID: Int64) throws -> Bool {
            if !isWhole, isPaid[serviceID] == nil { try pay(amount, for: serviceID) }
            return isPaid[serviceID] ?? false
        }
    }

    /// What the balance has if it is charged as renewals fall due: each has its part, and one that costs more than is
    /// left keeps none behind it from being paid. Nothing is asked for the test book, where nothing moves.
    private func cover(_ group: ServiceGroup, of reseller: Reseller, _ tenant: TenantReader) throws -> Cover {
        var cover = Cover()
        guard group.book == .live, let last = group.services.compactMap(\.renewsAt).max() else { return cover }
        cover.left = try tenant.balances(of: reseller, book: group.book).available
        let coming = try tenant.comingRenewals(
            ofReseller: reseller.id, book: group.book, until: last, limit: renewalsMax)
        for renewal in coming.renewals { try cover.pay(renewal.amount, for: renewal.serviceID) }
        cover.isWhole = coming.isWhole
        return cover
    }

    package func coming(_ tenant: TenantReader, _ page: DuePage) throws -> [DueItem] {
        try tenant.comingServices(kind, page).compactMap { at, id in
            guard let service = try tenant.service(id: id) else { return nil }
            return DueItem(
                kind: kind, at: at, id: id, object: service.publicID, resellerPublicID: service.resellerPublicID,
                amount: try tenant.renewalAmount(of: service), book: service.book)
        }
    }
}
