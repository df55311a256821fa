import CallKit
import HTTPCore
import TenantRegistry

/// Becoming a reseller, its profile and its key (CONTRACT A2, A3, A7).
extension ActivationCodes {
    static let account: [Route] = [
        Route(
            .post, "/register", "Register as a reseller", access: .open, isRationedByAddress: true,
            takes: Schemas.registration, gives: .done(Schemas.registered), refuses: [409]
        ) { call in
            var fields = try call.fields()
            let company = fields.string("companyName", characters: 1...200)
            let email = fields.email("email")
            let password = fields.string(
                "password", characters: PasswordRule.charactersMin...PasswordRule.charactersMax)
            try fields.finish()
            guard let company, let email, let password else { throw Refusal.defect }
            let application = ResellerApplication(email: email, name: company, company: company, password: password)
            let seed = MintedSecret(shape: .hex64, book: .live, random: call.services.random)
            return .background {
                let application = try application.hashed(call.services)
                return .reserving([seed.hash]) { tenant, detail in
                    let made = try application.run(tenant, state: .pending, approvedBy: nil, &detail)
                    let new = NewKey(
                        accountID: made.accountID, resellerID: made.reseller.id, role: .resellerSession, scopes: .all,
                        display: seed.display, createdBy: made.accountID)
                    _ = try MintKey(secret: seed, new: new).run(tenant, &detail)
                    return .json { json in
                        json.field("ok", true)
                        json.field("status", made.reseller.state.name)
                        json.field("seedHash", seed.text)
                    }
                }
            }
        },
        Route(
            .post, loginPattern, "Log in to the dashboard", access: .open, takes: KeyBodies.credentials.schema,
            gives: .done(Schemas.session), refuses: [401]
        ) { call in
            let (email, password) = try call.read(KeyBodies.credentials)
            return SignIn.work(call, email: email, password: password, roles: [.reseller], shape: .hex64) { session in
                .json { json in
                    json.field("ok", true)
                    json.field("seedHash", session.token)
                    json.field("expiresAt", session.expiresAt.text)
                }
            }
        },
        Route(
            .post, "/logout", "End the dashboard's credential that is sent", access: .resellerSession,
            isForPending: true, gives: .done(Schemas.ok)
        ) { call in
            .write { tenant, _ in
                try tenant.revokeKey(call.keyID)
                return ok()
            }
        },
        Route(
            .post, "/activate", "Activate your account", access: .resellerSession, isForPending: true,
            gives: .done(Schemas.activated)
        ) { call in
            .write { tenant, detail in
                guard let reseller = try tenant.reseller(id: call.resellerID) else { throw Refusal.unknownCredential }
                if reseller.state == .pending {
                    guard try tenant.allowsSelfActivation() else {
                        throw Refusal.forbidden(
                            code: "operator_activates", detail: "The operator activates accounts here.")
                    }
                    _ = try MoveReseller(resellerID: reseller.publicID, move: .approve, accountID: call.accountID)
                        .run(tenant, &detail)
                }
                return .json { json in
                    json.field("ok", true)
                    json.field("status", ResellerState.active.name)
                }
            }
        },
        Route(
            .get, "/me", "Read your profile, balance and sales", access: .reseller(.codes), isForPending: true,
            gives: .read(Schemas.profile)
        ) { call in
            .read { tenant in
                guard let reseller = try tenant.reseller(id: call.resellerID) else { throw Refusal.unknownCredential }
                let balance = try tenant.balance(.balance(reseller: reseller.id), book: call.book)
                let counts = try tenant.codeCounts(resellerID: reseller.id, book: call.book)
                let topUps = try tenant.topUpTotal(resellerID: reseller.id, book: call.book)
                let key = try ownKey(call, tenant)
                return .json { json in
                    json.field("companyName", reseller.company ?? reseller.name)
                    json.field("balance", raw: tenant.decimal(balance))
                    json.field("status", reseller.state.name)
                    json.field("apiKey", key?.display.mask)
                    json.object("stats") { json in
                        json.field("totalCodes", counts.codes)
                        json.field("redeemedCodes", counts.redeemed)
                        json.field("totalTopups", raw: tenant.decimal(topUps))
                    }
                }
            }
        },
        Route(
            .post, "/regenerate-key", "Get a new API key; the old one is dead at once", access: .reseller(.codes),
            idempotency: .accepted, gives: .done(Schemas.newKey), refuses: [409]
        ) { call in
            let secret = call.newSecret(call.book)
            return .reserving([secret.hash]) { tenant, detail in
                if let key = try ownKey(call, tenant) {
                    _ = try tenant.rotateKey(key.id, to: secret, overlapSeconds: 0)
                    detail.note("key", key.publicID)
                } else {
                    let new = NewKey(
                        accountID: call.accountID, resellerID: call.resellerID, role: .reseller,
                        scopes: try tenant.scopesOffered(), display: secret.display, createdBy: call.accountID)
                    _ = try MintKey(secret: secret, new: new).run(tenant, &detail)
                }
                return .shownOnce(200) { json, isShown in
                    json.field("ok", true)
                    if isShown { json.field("apiKey", secret.text) }
                }
            }
        },
    ]

    /// The key that calls; for the dashboard the reseller's newest. Nil where there is none yet.
    private static func ownKey(_ call: Call, _ tenant: TenantReader) throws -> APIKey? {
        call.known.role.isSession
            ? try tenant.newestKey(resellerID: call.resellerID, book: call.book) : try tenant.key(id: call.keyID)
    }

    private static func ok() -> Answer { .json { json in json.field("ok", true) } }
}
