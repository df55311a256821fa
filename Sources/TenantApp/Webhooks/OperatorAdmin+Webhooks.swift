import CallKit
import HTTPCore
import TenantRegistry

/// Webhooks and deliveries of all resellers (O7, H4).
extension OperatorAdmin {
    static let webhooks: [Route] =
        [
            Route(
                .get, "/webhooks", "List resellers' webhooks: their state, health, and what waits for them",
                access: .administrator,
                parameters: .page(
                    .query("state", .choice(EndpointState.self)), .query("failing", .one(of: ["true", "false"])), .mode,
                    Schemas.reseller),
                gives: .list(Schemas.webhook), refuses: [404]
            ) { call in
                let query = try call.query()
                let page = try Paging(call)
                let state = try query.choice("state", as: EndpointState.self)
                let book = try query.mode(or: call.book)
                let isFailing = try query.flag("failing")
                let reseller = try query.id("reseller")
                return .read { tenant in
                    let rows = try tenant.webhookEndpoints(
                        resellerID: try tenant.resellerID(filter: reseller), book: book, state: state,
                        isFailing: isFailing, after: page.after, limit: page.fetch)
                    return page.answer(
                        try rows.map { try tenant.owned($0) }, id: \.shown.endpoint.id, Schemas.webhook,
                        in: tenant.currency)
                }
            },
            Route(
                .get, "/webhooks/{id}", "Read a reseller's webhook", access: .administrator,
                gives: .read(Schemas.webhook)
            ) { call in
                .read { tenant in
                    let endpoint = try tenant.knownWebhookEndpoint(call.parameters[0])
                    return .json(Schemas.webhook, try tenant.owned(endpoint), in: tenant.currency)
                }
            },
            Route(
                .post, "/webhooks/{id}/test", "Send a test event to a reseller's webhook, and see its answer",
                access: .administrator, routeClass: .webhookTest, gives: .done(WebhookShapes.native.tested),
                refuses: [409, 503]
            ) { call in
                call.testing(WebhookShapes.native.tested) { try $0.knownWebhookEndpoint(call.parameters[0]) }
            },
        ] + webhookMoves

    private static let webhookMoves: [Route] = [
        (ChangeEndpointState.Move.disable, "Disable a webhook: an operator alone enables it again"),
        (.enable, "Enable a webhook, whoever disabled it"),
        (.pause, "Pause a webhook: what is for it is held"),
        (.resume, "Resume a webhook"),
    ].map { move, summary in
        Route(
            .post, "/webhooks/{id}/\(move.rawValue)", summary, access: .administrator,
            needsNoRoom: move == .disable || move == .pause, gives: .done(Schemas.webhook), refuses: [409]
        ) { call in
            .write { tenant, detail in
                let endpoint = try tenant.knownWebhookEndpoint(call.parameters[0])
                let changed = try ChangeEndpointState(move, byOperator: true).run(endpoint, tenant, &detail)
                return .json(Schemas.webhook, try tenant.owned(changed), in: tenant.currency)
            }
        }
    }
}

extension TenantReader {
    fileprivate func owned(_ endpoint: WebhookEndpoint) throws -> OperatorAdmin.Schemas.OwnedWebhook {
        OperatorAdmin.Schemas.OwnedWebhook(
            reseller: try reseller(id: endpoint.resellerID)?.publicID, book: endpoint.book, shown: try shown(endpoint))
    }
}
