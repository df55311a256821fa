import CallKit
package import TenantRegistry

/// Services whose end has come (W9, W1).
package struct EndDueServices: DueWork {
    package let kind = DueKind.end

    package init() {}

    package func next(_ tenant: TenantReader) throws -> Timestamp? { try tenant.nextService(kind) }

    package func run(_ tenant: TenantTransaction, limit: Int) throws -> Int {
        let ids = try tenant.dueServices(kind, limit: limit)
        for group in try tenant.readServices(ids.map(\.id), kind) {
            guard let reseller = try tenant.reseller(id: group.resellerID) else { throw Refusal.notFound(.reseller) }
            let end = EndService(tenant: tenant, reseller: reseller, keyID: 0)
            var detail = AuditDetail()
            for var service in group.services {
                try end.now(&service, at: service.endsAt ?? tenant.now, &detail)
            }
            tenant.noteClockwork("services.ended", resellerID: reseller.id, book: group.book, detail)
        }
        return ids.count
    }

    package func coming(_ tenant: TenantReader, _ page: DuePage) throws -> [DueItem] {
        try tenant.comingServices(kind, page).compactMap { at, id in
            try tenant.service(id: id).map {
                DueItem(
                    kind: kind, at: at, id: id, object: $0.publicID, resellerPublicID: $0.resellerPublicID)
            }
        }
    }
}
