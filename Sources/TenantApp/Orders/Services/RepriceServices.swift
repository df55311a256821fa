package import CallKit
package import TenantRegistry

/// Which services get another price, and which (W9).
package struct RepriceFilter: Sendable {
    package var resellerID: Int64?
    package var productID: Int64?
    package var term: Term?
    package let price: Money
    package let book: Book
}

/// A service whose price changes with its next period.
package struct Repricing: Sendable {
    package var service: Service
    package let old: Money
    package let new: Money
    /// The first charge at the new price.
    package let from: Int64
}

/// Changes the price of services from their next period on, a lower one from what is owed on: in pieces, so that the
/// lane is held for none of them long.
/// The same call again changes nothing that it has changed already. A value.
package struct RepriceServices: Sendable {
    /// Of each piece.
    package static let pieceServicesMax = 25
    /// So many are listed; all are counted and changed.
    package static let listedMax = 1_000

    package struct Result: Sendable {
        package var listed: [Repricing] = []
        package var count = 0
    }

    package let filter: RepriceFilter
    package let keyID: Int64
    package let isDryRun: Bool

    package func run(_ steps: Steps) async throws -> Result {
        var result = Result()
        var after: Int64 = 0
        while true {
            let place = after
            let piece =
                isDryRun
                ? try await steps.read { try look($0, after: place) }
                : try await steps.write { tenant, detail in try change(tenant, after: place, &detail) }
            result.count += piece.count
            result.listed += piece.prefix(Self.listedMax - result.listed.count)
            guard piece.count == Self.pieceServicesMax, let last = piece.last else { return result }
            after = last.service.id
        }
    }

    private func look(_ tenant: TenantReader, after place: Int64) throws -> [Repricing] {
        // What has begun is told by the time of day.
        try tenant.judgeClock()
        let ids = try tenant.servicesToReprice(filter, after: place, limit: Self.pieceServicesMax)
        return try ids.compactMap { id -> Repricing? in
            guard let service = try tenant.service(id: id) else { return nil }
            return Repricing(
                service: service, old: service.nextPrice, new: filter.price,
                from: try tenant.repricedFrom(service, price: filter.price))
        }
    }

    func change(
        _ tenant: TenantTransaction, after place: Int64, _ detail: inout AuditDetail
    ) throws -> [Repricing] {
        var rows: ClosedRange<Int64>?
        var changed: [Repricing] = []
        for var repricing in try look(tenant, after: place) {
            var service = repricing.service
            let row = try tenant.insertRepricing(repricing, keyID: keyID)
            rows = (rows?.lowerBound ?? row)...row
            service.nextTermPrice = repricing.new
            try tenant.save(service)
            let (old, new) = (tenant.decimal(repricing.old), tenant.decimal(repricing.new))
            repricing.service = try tenant.emitService(.serviceRepriced, service) { json in
                json.field("old_price", old)
                json.field("new_price", new)
            }
            changed.append(repricing)
        }
        detail.note("price", String(filter.price.micros))
        detail.note("services", String(changed.count))
        if let rows { try detail.vouch(for: rows, of: .repricing, tenant.connection) }
        return changed
    }
}
