import CallKit
import Cryptography
import HTTPCore
import TenantRegistry

/// Applying, signing in, keys of one's own, and the signing secret (W6, W11, W12).
extension WholesaleOrders {
    static let account: [Route] =
        [
            Route(
                .post, "/apply", "Apply to become a reseller", access: .open, openCalls: .applications,
                takes: ResellerApplication.own.schema, gives: .made(Schemas.applied), refuses: [409]
            ) { call in
                let application = try call.read(ResellerApplication.own)
                return .flow { steps in
                    try await steps.read { try application.judge($0) }
                    let application = try await steps.background { try application.hashed(call.services) }
                    return .write { tenant, detail in
                        let made = try Apply(application).run(tenant, &detail)
                        return .json(201, Schemas.applied, made.reseller, in: tenant.currency)
                    }
                }
            },
            Route(
                .post, "/session", "Sign in", access: .open, openCalls: .signIns, needsNoRoom: true,
                takes: KeyBodies.credentials.schema,
                gives: .done(KeyBodies.session), refuses: [401]
            ) { call in
                let (email, password) = try call.read(KeyBodies.credentials)
                return SignIn.work(call, email: email, password: password, roles: [.reseller])
            },
            Route(
                .delete, "/session", "Sign out", access: .resellerSession, openIn: [.pending, .suspended],
                gives: .nothing
            ) { call in
                .write { tenant, _ in
                    try tenant.revokeKey(call.known.projection.keyID)
                    return .noContent
                }
            },
            Route(
                .post, "/webhook/secret/rotate",
                "Get a new signing secret; the old one works on for a day, or as you say",
                access: .resellerSession, idempotency: .accepted, openIn: [.pending], needsNoRoom: true,
                takes: WebhookBodies.rotation(.native).schema, gives: .done(Schemas.webhookSecret)
            ) { call in
                let overlap = try call.read(WebhookBodies.rotation(.native))
                return .write { tenant, detail in
                    // One secret signs in both books, and whoever waits for approval signs test orders.
                    try tenant.judgeOwnSecrets(resellerID: call.resellerID, book: .test)
                    let secret = try tenant.mintWebhookSecret(resellerID: call.resellerID, overlapSeconds: overlap)
                    detail.note("webhook_secret", "rotated")
                    let end = tenant.now.adding(seconds: overlap)
                    return .shownOnce(200) { json, isShown in
                        let rotated = WebhookBodies.Rotated(secret: isShown ? secret : nil, previousValidUntil: end)
                        Schemas.webhookSecret.write(rotated, in: tenant.currency, to: &json)
                    }
                }
            },
        ] + AccountRoutes(.native, newKey: Schemas.newKey).all
}
