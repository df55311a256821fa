import CallKit
import HTTPCore
import TenantRegistry

/// Becoming a reseller, its profile and its key (A2, A3, A7).
extension ActivationCodes {
    static let account: [Route] = [
        Route(
            .post, "/register", "Register as a reseller", access: .open, openCalls: .applications,
            takes: Schemas.registration.schema, gives: .done(Schemas.registered), refuses: [409]
        ) { call in
            let (company, email, password) = try call.read(Schemas.registration)
            let application = ResellerApplication(
                email: email, name: company, company: company, password: password, isOwn: true)
            let seed = MintedSecret(shape: .hex64, book: .live, random: call.services.random)
            return .flow { steps in
                try await steps.read { try application.judge($0) }
                let application = try await steps.background { try application.hashed(call.services) }
                return .reserving(seed.hash) { tenant, detail in
                    let made = try Apply(application).run(tenant, &detail)
                    var new = NewKey(
                        accountID: made.accountID, resellerID: made.reseller.id, role: .resellerSession, scopes: .all,
                        display: seed.display, createdBy: made.accountID)
                    new.expiresAt = tenant.now.adding(seconds: SessionTerms.dashboardSeconds)
                    _ = try MintKey(secret: seed, new: new).run(tenant, &detail)
                    let registered = Schemas.Registered(state: made.reseller.state, seedHash: seed.text)
                    return .json(Schemas.registered, registered, in: tenant.currency)
                }
            }
        },
        Route(
            .post, "/login", "Log in to the dashboard", access: .open, openCalls: .signIns, needsNoRoom: true,
            takes: KeyBodies.credentials.schema,
            gives: .done(Schemas.session), refuses: [401]
        ) { call in
            let (email, password) = try call.read(KeyBodies.credentials)
            return SignIn.work(call, email: email, password: password, roles: [.reseller], shape: .hex64) {
                session, _ in
                .json(Schemas.session, session, in: call.currency)
            }
        },
        Route(
            .post, "/logout", "End the dashboard's credential that is sent", access: .resellerSession,
            openIn: [.pending, .suspended], endsForGood: true, gives: .done(Schemas.ok)
        ) { call in
            .write { tenant, _ in
                try tenant.revokeKey(call.keyID)
                return .json(Schemas.ok, (), in: tenant.currency)
            }
        },
        Route(
            .post, "/activate", "Activate your account", access: .resellerSession, openIn: [.pending],
            gives: .done(Schemas.activated)
        ) { call in
            let activate = ActivateAccount(resellerID: call.resellerID, accountID: call.accountID)
            return .write { tenant, detail in
                try activate.run(tenant, &detail)
                return .json(Schemas.activated, .active, in: tenant.currency)
            }
        },
        Route(
            .get, "/me", "Read your profile, balance and sales", access: .reseller(.codes), openIn: [.pending],
            gives: .read(Schemas.profile)
        ) { call in
            .read { tenant in
                guard let reseller = try tenant.reseller(id: call.resellerID) else { throw Refusal.unknownCredential }
                let balance = try tenant.balance(.balance(reseller: reseller.id), book: call.book)
                let counts = try tenant.codeCounts(resellerID: reseller.id, book: call.book)
                let topUps = try tenant.topUpTotal(resellerID: reseller.id, book: call.book)
                let key = try ownKey(call, tenant)
                let profile = Schemas.Profile(
                    reseller: reseller, balance: balance, key: key, codes: counts.codes, redeemed: counts.redeemed,
                    topUps: topUps)
                return .json(Schemas.profile, profile, in: tenant.currency)
            }
        },
        Route(
            .post, "/regenerate-key", "Get a new API key; the old one is dead at once", access: .reseller(.codes),
            moves: .oneBook, idempotency: .accepted, needsNoRoom: true, takes: Schemas.whichKey.schema,
            gives: .done(Schemas.newKey), refuses: [409]
        ) { call in
            let named = try call.read(Schemas.whichKey)
            let secret = call.newSecret(call.book)
            let regenerate = RegenerateKey(
                named: named, secret: secret, resellerID: call.resellerID, accountID: call.accountID, book: call.book,
                keyID: call.keyID, isSession: call.known.role.isSession)
            return .reserving(secret.hash) { tenant, detail in
                try regenerate.run(tenant, &detail)
                return .shownOnce(200) { json, isShown in
                    Schemas.newKey.write(isShown ? secret.text : nil, in: tenant.currency, to: &json)
                }
            }
        },
    ]

    /// Where somebody is logged in, keys beside the dashboard's one, and the ends of both (O13).
    static let sessions: [Route] =
        AccountRoutes(.codes, newKey: Schemas.ownKey).all + [
            Route(
                .get, "/account", "Read how your account stands", access: .reseller(.codes), openIn: [.pending],
                gives: .read(Schemas.standing)
            ) { call in
                .read { tenant in
                    guard let reseller = try tenant.reseller(id: call.resellerID) else {
                        throw Refusal.unknownCredential
                    }
                    return .json(Schemas.standing, reseller, in: tenant.currency)
                }
            },
            Route(
                .post, "/regenerate-seed-hash", "Get a new dashboard credential in place of this one",
                access: .resellerSession, openIn: [.pending, .suspended], needsNoRoom: true,
                gives: .done(Schemas.session)
            ) { call in
                let secret = MintedSecret(shape: .hex64, book: .live, random: call.services.random)
                let rotate = RotateSession(keyID: call.keyID, secret: secret)
                return .reserving(secret.hash) { tenant, detail in
                    let session = try rotate.run(tenant, &detail)
                    return .json(Schemas.session, session, in: tenant.currency)
                }
            },
        ]

    /// The key that calls; for the dashboard the reseller's newest of this API. Nil where there is none yet.
    private static func ownKey(_ call: Call, _ tenant: TenantReader) throws -> APIKey? {
        guard call.known.role.isSession else { return try tenant.key(id: call.keyID) }
        return try tenant.keysInForce(resellerID: call.resellerID, book: call.book, scopes: scopes.bits, limit: 1).first
    }
}
