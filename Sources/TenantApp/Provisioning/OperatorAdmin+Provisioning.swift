import CallKit
import Cryptography
import HTTPCore
import TenantRegistry

/// The tenant's provisioners, and what they are asked for (W13). Their secrets are write-only.
extension OperatorAdmin {
    static let provisioning: [Route] =
        provisioners("/provisioning", "the tenant's provisioner")
        + provisioners(
            "/products/{sku}/provisioning", "a product's own provisioner")
        + [
            Route(
                .get, "/provisioning/queue", "List what provisioners are asked for, oldest unit first",
                access: .administrator, parameters: .page(.query("state", .choice(Schemas.QueueFilter.self))),
                gives: .list(Schemas.queued)
            ) { call in
                let query = try call.query()
                let page = try Paging(call)
                let filter = try query.choice("state", as: Schemas.QueueFilter.self)
                return .read { tenant in
                    let rows = try tenant.provisioningQueue(
                        stuckOnly: filter == .stuck, after: page.after, limit: page.fetch)
                    return page.answer(rows, id: \.serviceID, Schemas.queued, in: tenant.currency)
                }
            },
            Route(
                .post, "/provisioning/{service}/retry", "Ask for a unit's verb again, now, under the same id",
                access: .administrator, moves: .oneBook, idempotency: .accepted, parameters: [.mode],
                gives: .done(Schemas.queued), refuses: [409]
            ) { call in try move(call, .retry) },
            Route(
                .post, "/provisioning/{service}/confirm", "Say that a unit's verb is done at the provisioner",
                access: .administrator, moves: .oneBook, idempotency: .accepted, parameters: [.mode],
                takes: Schemas.confirmation.schema, gives: .done(Schemas.queued), refuses: [409]
            ) { call in try move(call, .confirm(try call.read(Schemas.confirmation))) },
            Route(
                .post, "/provisioning/{service}/give_up",
                "Give a unit up: one that was to be created is paid back, anything else is left as it is",
                access: .administrator, moves: .oneBook, idempotency: .accepted, parameters: [.mode],
                takes: Schemas.givingUp.schema, gives: .done(Schemas.queued), refuses: [409]
            ) { call in try move(call, .giveUp(reason: try call.read(Schemas.givingUp))) },
            Route(
                .post, "/provisioning/test", "Try a provisioner with a dry run: the request, its signature, the answer",
                access: .administrator, takes: Schemas.dryRun.schema, gives: .done(Schemas.dryRunAnswer),
                refuses: [404]
            ) { call in try rehearse(call) },
        ]

    private static func provisioners(_ path: String, _ noun: String) -> [Route] {
        [
            Route(
                .get, path, "Read \(noun), without its secret", access: .administrator, isOpenToSupport: false,
                gives: .read(Schemas.provisioner), refuses: [404]
            ) { call in
                .read { tenant in
                    let product = try product(of: call, tenant)
                    return .json(Schemas.provisioner, try shown(product, tenant), in: tenant.currency)
                }
            },
            Route(
                .put, path, "Put \(noun) in force; a secret that is minted for it is shown once", access: .owner,
                idempotency: .accepted, takes: Schemas.newProvisioner.schema, gives: .done(Schemas.madeProvisioner)
            ) { call in
                let new = try call.read(Schemas.newProvisioner)
                return call.savingWebhook(new.url) { tenant, detail in
                    let product = try product(of: call, tenant)
                    var secret = new.secret
                    var minted: String?
                    if secret == nil, try tenant.provisioner(product: product?.id ?? Provisioner.ofTenant) == nil {
                        minted = WebhookSecret.mint(random: call.services.random)
                        secret = minted.flatMap(WebhookSecret.decode)
                    }
                    try tenant.setProvisioner(
                        product: product?.id ?? Provisioner.ofTenant, url: new.url, secret: secret,
                        timeoutSeconds: new.timeoutSeconds, baseURL: call.baseURL)
                    detail.note("provisioner", product?.sku ?? "tenant")
                    if let product { detail.note("product", product.sku) }
                    return try .shownOnce(200) { json, isShown in
                        let shown = try shown(product, tenant, secret: isShown ? minted : nil)
                        Schemas.madeProvisioner.write(shown, in: tenant.currency, to: &json)
                    }
                }
            },
            Route(
                .delete, path, "Take \(noun) away; what is under way waits", access: .owner, gives: .nothing,
                refuses: [404]
            ) { call in
                .write { tenant, detail in
                    let product = try product(of: call, tenant)
                    _ = try shown(product, tenant)
                    try tenant.removeProvisioner(product: product?.id ?? Provisioner.ofTenant)
                    detail.note("provisioner", product?.sku ?? "tenant")
                    if let product { detail.note("product", product.sku) }
                    return .noContent
                }
            },
        ]
    }

    /// Nil for the tenant's own.
    private static func product(of call: Call, _ tenant: TenantReader) throws -> Product? {
        try call.parameters.isEmpty ? nil : tenant.knownProduct(call.parameters[0])
    }

    private static func shown(
        _ product: Product?, _ tenant: TenantReader, secret: String? = nil
    ) throws -> Schemas.ShownProvisioner {
        guard let known = try tenant.provisioner(product: product?.id ?? Provisioner.ofTenant) else {
            throw Refusal.notFound(.provisioner)
        }
        return Schemas.ShownProvisioner(provisioner: known, sku: product?.sku, secret: secret)
    }

    private static func move(_ call: Call, _ move: MoveProvisioning.Move) throws -> Work {
        let move = MoveProvisioning(
            serviceID: call.parameters[0], move: move, accountID: call.accountID, keyID: call.keyID,
            callerBook: try call.query().mode(or: call.book))
        return .write { tenant, detail in
            .json(Schemas.queued, try move.run(tenant, &detail), in: tenant.currency)
        }
    }

    private static func rehearse(_ call: Call) throws -> Work {
        let asked = try call.read(Schemas.dryRun)
        return .flow { steps in
            let (request, timeoutSeconds) = try await steps.read { tenant in
                let product = try asked.sku.map { try tenant.knownProduct($0) }
                guard let access = try tenant.provisionerAccess(product: product?.id ?? Provisioner.ofTenant) else {
                    throw Refusal.notFound(.provisioner)
                }
                let task = ProvisioningTask(
                    dryRunOf: asked.verb, product: product?.sku ?? "dry-run", productID: product?.id ?? 0, at: call.now
                ) { PublicID.make($0, at: call.now, chance: tenant.store.randomWords()) }
                return (ProvisioningRequest(task, to: access), access.timeoutSeconds)
            }
            let headers = request.headers(at: call.now)
            var rehearsed = Schemas.DryRunAnswer(request: request, headers: headers)
            guard asked.sends else { return .answer(answer(rehearsed)) }
            var sent = OutboundRequest(url: request.url, headers: headers, body: request.body)
            sent.onceWithinMilliseconds = Int(timeoutSeconds) * 1_000
            let result = try await ask(sent, call, steps)
            switch result {
            case .success(let response):
                let (_, news) = ProvisioningReading.read(
                    status: response.status, body: response.body, of: asked.verb, at: call.now)
                (rehearsed.outcome, rehearsed.status, rehearsed.answer) = (news.outcome, news.status, news.excerpt)
            case .failure(let failure): rehearsed.outcome = ProvisioningReading.outcome(of: failure)
            }
            return .answer(answer(rehearsed))
        }
    }

    private static func ask(
        _ request: OutboundRequest, _ call: Call, _ steps: Steps
    ) async throws -> Result<OutboundResponse, OutboundFailure> {
        try await steps.callback { done in
            let isTaken = call.services.outbound.post(request, by: call.payer) { done(.success($0)) }
            if !isTaken { done(.failure(LaneFailure.tooManyWaiting)) }
        }
    }

    private static func answer(_ rehearsed: Schemas.DryRunAnswer) -> Answer {
        .json(200) { json in
            json.object("request") { json in
                json.field("method", "POST")
                json.field("url", rehearsed.request.url)
                json.object("headers") { json in
                    for (name, value) in rehearsed.headers { json.field(named: name, .string(value)) }
                }
                json.field("body", String(decoding: rehearsed.request.body, as: UTF8.self))
            }
            json.field("sent", rehearsed.outcome != nil)
            json.field("outcome", rehearsed.outcome)
            json.field("status", rehearsed.status)
            json.field("answer", rehearsed.answer)
        }
    }
}
