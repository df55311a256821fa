import CallKit
import HTTPCore
import TenantRegistry

/// Signing customers up, and credit events. There is no call that changes or deletes an event (C4).
extension CreditReports {
    static let reports: [Route] = [
        Route(
            .post, "/signup", "Sign a downstream user up", access: .reseller(.resellerSignup), moves: .oneBook,
            idempotency: .accepted,
            takes: Schemas.signUp.schema, gives: .done(Schemas.signedUp), refuses: [409]
        ) { call in
            try call.judgeIsKey(or: .keyReports)
            let (email, name, password) = try call.read(Schemas.signUp)
            return .background {
                let hash = try Password.hash(password, by: call.services.scrypt, random: call.services.random)
                let signUp = SignUpUser(
                    email: email, name: name, passwordHash: hash, resellerID: call.resellerID,
                    keyID: call.known.projection.keyID, book: call.book)
                return .write { tenant, detail in
                    let id = try signUp.run(tenant, &detail)
                    return .json(Schemas.signedUp, Schemas.SignedUp(id: id, email: email), in: tenant.currency)
                }
            }
        },
        Route(
            .post, "/credit", "Report a credit event", access: .reseller(.resellerCredit), moves: .oneBook,
            idempotency: .accepted,
            takes: Schemas.report.schema, gives: .done(Schemas.reported)
        ) { call in
            try call.judgeIsKey(or: .keyReports)
            let report = try call.read(Schemas.report)
            let credit = ReportCredit(
                report: report, resellerID: call.resellerID, keyID: call.known.projection.keyID, book: call.book)
            return .write { tenant, detail in
                let outcome = try credit.run(tenant, &detail)
                return .json(Schemas.reported, outcome, in: tenant.currency)
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
                return .json(Schemas.event, event, in: CreditReport.currency)
            }
        },
        Route(
            .get, "/account", "Read who you are here, and how your account stands", access: .reseller([]),
            openIn: [.pending], gives: .read(Schemas.account)
        ) { call in
            .read { tenant in
                guard let reseller = try tenant.reseller(id: call.resellerID) else { throw Refusal.unknownCredential }
                return .json(Schemas.account, reseller, in: tenant.currency)
            }
        },
    ]
}
