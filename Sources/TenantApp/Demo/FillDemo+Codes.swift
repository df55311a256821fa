import CallKit
import HTTPCore
import TenantRegistry

/// Activation codes bought by a demo reseller, some redeemed (D1): bought and redeemed as any other.
extension FillDemo {
    /// `codes`: `[{plan, count, redeemed_by: [emails]}]`; the end customers' password is their reseller's.
    func fillCodes(_ person: Person, _ reseller: Reseller, _ key: APIKey, _ tenant: TenantTransaction) throws {
        var fields = FieldReader(person.json)
        for (index, value) in (fields.optionalArray("codes", count: 0...100) ?? []).enumerated() {
            var purchase = FieldReader(value, at: "/codes/\(index)")
            let plan = purchase.string("plan", characters: 1...64)
            let count = purchase.integer("count", in: 1...GenerateCodes.countMax)
            let customers = purchase.optionalArray("redeemed_by", count: 0...100) ?? []
            fields.absorb(purchase)
            guard let plan, let count else { continue }
            var detail = AuditDetail()
            let made = try GenerateCodes(
                planID: plan, count: count, resellerID: reseller.id, book: .live, keyID: key.id
            ).run(tenant, &detail)
            tenant.noteClockwork("demo.codes", resellerID: reseller.id, book: .live, detail)
            for (code, customer) in zip(made.codes, customers) {
                guard case .string(let email) = customer else { continue }
                try redeem(code, email, person, reseller, tenant)
            }
        }
        try fields.finish()
    }

    private func redeem(
        _ code: String, _ email: String, _ person: Person, _ reseller: Reseller, _ tenant: TenantTransaction
    ) throws {
        let known = try tenant.subscriber(email: email, book: .live)
        var detail = AuditDetail()
        _ = try RedeemCode(
            code: code,
            customer: known.map { .known(publicID: $0.publicID, passwordHash: $0.passwordHash) }
                ?? .new(email: email, passwordHash: person.passwordHash)
        ).run(tenant, &detail)
        tenant.noteClockwork("demo.redemption", resellerID: reseller.id, book: .live, detail)
    }
}
