package import CallKit
package import TenantRegistry

/// Picks one of a reseller's available licences at random and keeps it from every other fetch for a while (L3).
/// Whoever calls for the reseller may assign it meanwhile, and it stays in the list of what is available.
package struct FetchLicence: Sendable {
    package static let holdSeconds: Int64 = 60

    package let resellerID: Int64
    package let book: Book

    package init(resellerID: Int64, book: Book) {
        self.resellerID = resellerID
        self.book = book
    }

    package func run(_ tenant: TenantTransaction, _ detail: inout AuditDetail) throws -> Licence {
        let random = tenant.store.random
        let lot = Int64(bitPattern: random.uint64())
        guard let id = try tenant.drawLicence(from: lot, resellerID: resellerID, book: book),
            let licence = try tenant.licence(id: id)
        else { throw Refusal.notFound(.availableLicence) }
        try tenant.holdLicence(
            id, until: tenant.now.adding(seconds: Self.holdSeconds), lot: Int64(bitPattern: random.uint64()))
        detail.note("licence", String(id))
        return licence
    }
}
