import CallKit
import HTTPCore
import TenantRegistry

/// Users signed up and credit events reported with the reseller's demo key (D1).
extension FillDemo {
    /// `users`: `[{email, name}]`, whose password is their reseller's; `credit_events`: as the call takes them.
    func fillCredits(_ person: Person, _ reseller: Reseller, _ key: APIKey, _ tenant: TenantTransaction) throws {
        var fields = FieldReader(person.json)
        var detail = AuditDetail()
        for (index, value) in (fields.optionalArray("users", count: 0...1_000) ?? []).enumerated() {
            var user = FieldReader(value, at: "/users/\(index)")
            let email = user.email("email")
            let name = user.string("name", characters: 1...200)
            fields.absorb(user)
            guard let email, let name else { continue }
            _ = try SignUpUser(
                email: email, name: name, passwordHash: person.passwordHash, resellerID: reseller.id, keyID: key.id,
                book: .live
            ).run(tenant, &detail)
        }
        for (index, value) in (fields.optionalArray("credit_events", count: 0...1_000) ?? []).enumerated() {
            var event = FieldReader(value, at: "/credit_events/\(index)")
            let report = event.read(Field.part(CreditReports.Schemas.report))
            fields.absorb(event)
            guard let report else { continue }
            var detail = AuditDetail()
            _ = try ReportCredit(report: report, resellerID: reseller.id, keyID: key.id, book: .live).run(
                tenant, &detail)
            tenant.noteClockwork("demo.credit", resellerID: reseller.id, book: .live, detail)
        }
        try fields.finish()
    }
}
