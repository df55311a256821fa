package import CallKit
package import TenantRegistry

/// Money has come in: what a reseller has not paid is paid from it, oldest first, ties by id, and what was suspended
/// for it runs again (W9). Called in the transaction in which the money comes, by whatever makes money available.
///
/// What one transaction has no room for is noted, and paid before anything else of the reseller is charged. A service
/// that costs more than there is left keeps no other from being paid.
package struct PayDueServices {
    /// So many are looked at in the transaction of the call.
    package static let servicesMax = 100

    package struct Paid: Sendable {
        package let service: String
        package let amount: Money
    }

    /// Nothing is ever owed in the test book.
    @discardableResult
    package static func run(
        _ tenant: TenantTransaction, resellerID: Int64, book: Book, keyID: Int64, _ detail: inout AuditDetail
    ) throws -> [Paid] {
        guard book == .live, let reseller = try tenant.reseller(id: resellerID) else { return [] }
        guard tenant.isClockBelieved else {
            // Money comes in all the same, and waits for the clock.
            if try !tenant.unpaidServices(resellerID: resellerID, after: nil, limit: 1).isEmpty {
                try tenant.setPayable(resellerID: resellerID, after: .beginning)
            }
            return []
        }
        let pay = PayDueServices(tenant: tenant, reseller: reseller, keyID: keyID)
        let (paid, _, rest) = try pay.pay(after: nil, limit: servicesMax, &detail)
        if rest != nil || !paid.isEmpty { try tenant.setPayable(resellerID: resellerID, after: rest) }
        return paid
    }

    /// Called first by whatever spends a reseller's balance, but for the clock, which goes on by itself: where money
    /// came in and more was due than one transaction pays, the rest is paid before. Throws where it is more than this
    /// one has room for.
    package static func payFirst(
        _ tenant: TenantTransaction, resellerID: Int64, book: Book, _ detail: inout AuditDetail
    ) throws {
        guard book == .live, tenant.isClockBelieved, let place = try tenant.payable(resellerID: resellerID),
            let reseller = try tenant.reseller(id: resellerID)
        else { return }
        let pay = PayDueServices(tenant: tenant, reseller: reseller, keyID: 0)
        let (_, _, rest) = try pay.pay(after: place, limit: servicesMax, &detail)
        guard rest == nil else { throw Refusal.unavailable(.payingDue) }
        try tenant.setPayable(resellerID: resellerID, after: nil)
    }

    /// Likewise, before a charge of this service that its reseller or an operator asks for. It may be among what is
    /// paid here: it is read anew.
    static func payFirst(
        _ tenant: TenantTransaction, before service: inout Service, _ detail: inout AuditDetail
    ) throws {
        try payFirst(tenant, resellerID: service.resellerID, book: service.book, &detail)
        service = try tenant.knownService(service.publicID)
    }

    /// Pays on where transactions had no room. Returns how many services were looked at.
    static func goOn(_ tenant: TenantTransaction, limit: Int) throws -> Int {
        var done = 0
        while done < limit, let (resellerID, place) = try tenant.nextPayable() {
            guard let reseller = try tenant.reseller(id: resellerID) else { throw Refusal.notFound(.reseller) }
            var detail = AuditDetail()
            let pay = PayDueServices(tenant: tenant, reseller: reseller, keyID: 0)
            let (_, count, rest) = try pay.pay(after: place, limit: limit - done, &detail)
            try tenant.setPayable(resellerID: resellerID, after: rest)
            if detail.hasMembers {
                tenant.noteClockwork("services.charged", resellerID: resellerID, book: .live, detail)
            }
            done += count
        }
        return done
    }

    private let tenant: TenantTransaction
    private let reseller: Reseller
    private let keyID: Int64

    /// `rest`: where to go on, if there is more.
    private func pay(
        after place: DuePlace?, limit: Int, _ detail: inout AuditDetail
    ) throws -> (paid: [Paid], count: Int, rest: DuePlace?) {
        let ids = try tenant.unpaidServices(resellerID: reseller.id, after: place, limit: limit + 1)
        let charge = ChargeService(tenant: tenant, reseller: reseller, keyID: keyID)
        let services = try tenant.readServices(ids.prefix(limit).map(\.id)).flatMap(\.services)
        let last = ids.count > limit ? ids.prefix(limit).last : nil
        var (paid, spent, budget) = ([Paid](), Money.zero, Int.max)
        try charge.run(services, upTo: last ?? .end, budget: &budget, &detail) { service, outcome, detail in
            switch outcome {
            case .nothing: break
            case .paid(let amount):
                paid.append(Paid(service: service.publicID, amount: amount))
                spent = try spent.adding(amount)
            case .unpaid(let amount):
                // What was past due before has its tries; what runs again is tried first now.
                if service.state == .active { try charge.putOff(&service, amount, &detail) }
            }
        }
        try LowBalance.check(tenant, reseller, book: .live, spent: spent)
        return (paid, min(ids.count, limit), last)
    }
}

extension DuePlace {
    /// Before everything.
    static let beginning = DuePlace(at: Timestamp(milliseconds: 0), id: 0)
    /// Behind everything.
    static let end = DuePlace(at: .latest, id: .max)

    init?(_ service: Service) {
        guard let at = service.dueAt else { return nil }
        self.init(at: at, id: service.id)
    }
}
