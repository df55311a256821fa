import CallKit
import HTTPCore
import TenantRegistry

/// Signing customers up, and credit events. There is no call that changes or deletes an event (C4).
extension CreditReports {
    static let reports: [Route] = [
        Route(
            .post, "/signup", "Sign a downstream user up", access: .reseller(.resellerSignup), idempotency: .accepted,
            takes: Schemas.signUp, gives: .done(Schemas.signedUp), refuses: [409]
        ) { call in
            var fields = try call.fields()
            let email = fields.email("email")
            let name = fields.string("name", characters: 1...200)
            let password = fields.string(
                "password", characters: PasswordRule.charactersMin...PasswordRule.charactersMax)
            try fields.finish()
            guard let email, let name, let password else { throw Refusal.defect }
            return .background {
                let hash = try call.services.scrypt.hash(password, random: call.services.random)
                let signUp = SignUpUser(
                    email: email, name: name, passwordHash: hash, resellerID: call.resellerID,
                    keyID: call.known.projection.keyID, book: call.book)
                return .write { tenant, detail in
                    let id = try signUp.run(tenant, &detail)
                    return .json { json in
                        json.field("ok", true)
                        json.field("id", id)
                        json.field("email", email)
                    }
                }
            }
        },
        Route(
            .post, "/credit", "Report a credit event", access: .reseller(.resellerCredit), idempotency: .accepted,
            takes: Schemas.report, gives: .done(Schemas.reported)
        ) { call in
            var fields = try call.fields()
            let report = fields.creditReport()
            try fields.finish()
            guard let report else { throw Refusal.defect }
            let credit = ReportCredit(
                report: report, resellerID: call.resellerID, keyID: call.known.projection.keyID, book: call.book)
            return .write { tenant, detail in
                let outcome = try credit.run(tenant, &detail)
                return .json { json in
                    json.field("ok", true)
                    switch outcome {
                    case .recorded(let id): json.field("id", id)
                    case .duplicate: json.field("duplicate", true)
                    }
                }
            }
        },
        Route(
            .get, "/credit/{id}", "Read a credit event of yours", access: .reseller(.resellerCredit),
            gives: .read(Schemas.event)
        ) { call in
            .read { tenant in
                guard let event = try tenant.creditEvent(publicID: call.parameters[0]),
                    event.resellerID == call.resellerID, event.book == call.book
                else { throw Refusal.notFound(.event) }
                return .json { json in
                    json.field("ok", true)
                    json.object("event") { json in
                        json.field("id", event.publicID)
                        json.field("kind", event.kind.rawValue)
                        json.field("amount_usd", raw: tenant.decimal(event.amount))
                        json.field("external_ref", event.externalRef)
                        json.field("meta", raw: event.meta)
                        json.field("at", event.at.text)
                    }
                }
            }
        },
    ]
}

extension FieldReader {
    /// `{kind, amount_usd, external_ref, meta?}` (C3).
    mutating func creditReport() -> CreditReport? {
        let kind = choice("kind", as: CreditKind.self)
        let amount = moneyNumber("amount_usd", in: Money(micros: 1)...AmountRule.most)
        let ref = string("external_ref", characters: 1...CreditReport.externalRefCharactersMax)
        let meta = value("meta").flatMap { $0 == .null ? nil : $0 }
        if let meta {
            if case .object = meta {
                if meta.encoded().count > CreditReport.metaBytesMax {
                    fail("meta", code: "length", detail: "must have at most \(CreditReport.metaBytesMax) bytes")
                }
            } else {
                fail("meta", code: "type", detail: "must be an object")
            }
        }
        guard let kind, let amount, let ref, errors.isEmpty else { return nil }
        return CreditReport(kind: kind, amount: amount, externalRef: ref, meta: meta)
    }
}
