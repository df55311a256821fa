import CallKit
import HTTPCore
import TenantRegistry

/// Stock of licences (D1): the product document's own key, and others of its form drawn at random.
extension FillDemo {
    /// `licences`: `{product, expiration, keys: […], random: n, expired: n, test: n}`; `test` is stock of the test
    /// book.
    func fillLicences(_ json: JSON, _ reseller: Reseller, _ tenant: TenantTransaction) throws {
        guard json["licences"] != nil else { return }
        var outer = FieldReader(json)
        guard var fields = outer.object("licences") else { return try outer.finish() }
        let sentSKU = fields.string("product", characters: 1...64)
        let sentEnd = fields.time("expiration")
        let named = fields.optionalArray("keys", count: 0...100) ?? []
        let drawn = fields.optionalInteger("random", in: 0...10_000) ?? 0
        let expired = fields.optionalInteger("expired", in: 0...100) ?? 0
        let test = fields.optionalInteger("test", in: 0...100) ?? 0
        outer.absorb(fields)
        let (sku, expiration) = try outer.finish(sentSKU, sentEnd)
        let product = try tenant.knownProduct(sku)
        var live: [(key: String, expiresAt: Timestamp)] = []
        for case .string(let key) in named { live.append((key, expiration)) }
        for _ in 0..<drawn { live.append((licenceKey(tenant), expiration)) }
        for _ in 0..<expired { live.append((licenceKey(tenant), tenant.now.adding(days: -1))) }
        try stock(live, .live, product, reseller, tenant)
        try stock((0..<test).map { _ in (licenceKey(tenant), expiration) }, .test, product, reseller, tenant)
    }

    private func stock(
        _ licences: [(key: String, expiresAt: Timestamp)], _ book: Book, _ product: Product, _ reseller: Reseller,
        _ tenant: TenantTransaction
    ) throws {
        guard !licences.isEmpty else { return }
        let rows = licences.enumerated().map { index, licence in
            StagedLicence(
                place: index, resellerID: reseller.id, productID: product.id, key: licence.key,
                expiresAt: licence.expiresAt)
        }
        var detail = AuditDetail()
        try tenant.stage(rows, importID: 0)
        guard try tenant.applyStagedLicences(importID: 0, count: Int64(rows.count), book: book, detail: &detail) else {
            throw Refusal.defect
        }
        tenant.noteClockwork("demo.licences", resellerID: reseller.id, book: .live, detail)
    }

    /// `ps-` and three groups of 4, 7 and 3 letters and digits.
    private func licenceKey(_ tenant: TenantTransaction) -> String {
        let letters = Array("ABCDEFGHJKLMNPQRSTUVWXYZ23456789")
        let parts = [4, 7, 3].map { count in
            String((0..<count).map { _ in letters[Int(tenant.store.random.below(UInt64(letters.count)))] })
        }
        return "ps-" + parts.joined(separator: "-")
    }
}
