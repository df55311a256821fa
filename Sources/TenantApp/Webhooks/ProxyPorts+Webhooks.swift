import CallKit
import HTTPCore
import TenantRegistry

/// Where a reseller's events go (X6): for keys that may write (X1).
extension ProxyPorts {
    static let webhooks: [Route] = [
        Route(
            .post, "/reseller/webhooks", "Subscribe to events", access: .resellerWithAny(.writes), moves: .oneBook,
            idempotency: .accepted,
            takes: Schemas.newWebhook.schema, gives: .made(Schemas.madeWebhook), refuses: [409]
        ) {
            call in
            let (name, url, events) = try call.read(Schemas.newWebhook)
            return .write { tenant, detail in
                let made = try CreateWebhook(name: name, url: url, events: events).run(
                    tenant, resellerID: call.resellerID, book: call.book, &detail)
                return .shownOnce(201) { json, isShown in
                    let made = Schemas.MadeWebhook(endpoint: made.endpoint, secret: isShown ? made.secret : nil)
                    Schemas.madeWebhook.write(made, in: tenant.currency, to: &json)
                }
            }
        },
        Route(
            .get, "/reseller/webhooks", "List webhooks", access: .resellerWithAny(.writes),
            gives: .read(Schemas.webhooks)
        ) { call in
            .read { tenant in
                let rows = try tenant.webhookEndpoints(resellerID: call.resellerID, book: call.book)
                return .json(Schemas.webhooks, rows, in: tenant.currency)
            }
        },
        Route(
            .delete, "/reseller/webhooks/{id}", "Remove a webhook", access: .resellerWithAny(.writes), moves: .oneBook,
            gives: .done(Schemas.removedWebhook)
        ) { call in
            .write { tenant, detail in
                let endpoint = try tenant.knownWebhookEndpoint(
                    call.parameters[0], resellerID: call.resellerID, book: call.book)
                try RemoveWebhook().run(endpoint, tenant, &detail)
                return .json(Schemas.removedWebhook, endpoint, in: tenant.currency)
            }
        },
        Route(
            .post, "/reseller/webhooks/{id}/secret/rotate", "Give a webhook a new signing secret",
            access: .resellerWithAny(.writes), moves: .oneBook, idempotency: .accepted,
            takes: WebhookBodies.rotation.schema, gives: .done(Schemas.rotatedSecret)
        ) { call in
            let overlap = try call.read(WebhookBodies.rotation)
            return .write { tenant, detail in
                let endpoint = try tenant.knownWebhookEndpoint(
                    call.parameters[0], resellerID: call.resellerID, book: call.book)
                let secret = try tenant.mintSecret(of: endpoint, overlapSeconds: overlap)
                let end = tenant.now.adding(seconds: overlap)
                detail.note("webhook", endpoint.publicID)
                return .shownOnce(200) { json, isShown in
                    let rotated = Schemas.RotatedSecret(
                        endpoint: endpoint,
                        rotated: WebhookBodies.Rotated(secret: isShown ? secret : nil, previousValidUntil: end))
                    Schemas.rotatedSecret.write(rotated, in: tenant.currency, to: &json)
                }
            }
        },
        Route(
            .post, "/reseller/webhooks/{id}/test", "Send a test event to a webhook", access: .resellerWithAny(.writes),
            moves: .oneBook, routeClass: .webhookTest, gives: .made(Schemas.testSent)
        ) { call in
            .write { tenant, detail in
                let endpoint = try tenant.knownWebhookEndpoint(
                    call.parameters[0], resellerID: call.resellerID, book: call.book)
                let event = try tenant.emitUnsent(.webhookTest, endpoint) { json in json.field("test", true) }
                let delivery = try tenant.insertTestDelivery(event: event.id, to: endpoint)
                detail.note("webhook", endpoint.publicID)
                let sent = Schemas.SentTest(event: event.publicID, delivery: "\(delivery)")
                return .json(201, Schemas.testSent, sent, in: tenant.currency)
            }
        },
    ]
}
