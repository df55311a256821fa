import CallKit
package import TenantRegistry

/// Services whose end has come (W9, W1).
package struct EndDueServices: DueWork {
    package let kind = DueKind.end

    package init() {}

    package func next(_ tenant: TenantReader) throws -> Timestamp? { try tenant.nextService(kind) }

    package func run(_ tenant: TenantTransaction, limit: Int) throws -> Int {
        // The last hours of one that ends are charged with it.
        let paid = try PayDueServices.goOn(tenant, limit: limit)
        guard paid < limit, let due = try tenant.readDueServices(kind, limit: limit - paid) else { return paid }
        for group in due.groups {
            guard let reseller = try tenant.reseller(id: group.resellerID) else { throw Refusal.notFound(.reseller) }
            let end = EndService(tenant: tenant, reseller: reseller, keyID: 0)
            var detail = AuditDetail()
            for var service in group.services {
                try end.now(&service, at: service.endsAt ?? tenant.now, &detail)
            }
            tenant.noteClockwork("services.ended", resellerID: reseller.id, book: group.book, detail)
        }
        return paid + due.count
    }

    package func coming(_ tenant: TenantReader, _ page: DuePage) throws -> [DueItem] {
        try tenant.comingServices(kind, page).compactMap { at, id in
            try tenant.service(id: id).map {
                DueItem(
                    kind: kind, at: at, id: id, object: $0.publicID, resellerPublicID: $0.resellerPublicID,
                    book: $0.book)
            }
        }
    }
}
