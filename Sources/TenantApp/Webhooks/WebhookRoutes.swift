package import CallKit
import HTTPCore
import RateLimiter
import TenantRegistry

/// A reseller's webhooks in one API (H4): the same calls in each, in its own words.
package struct WebhookRoutes: Sendable {
    let shapes: WebhookShapes
    /// Before `/webhooks` and `/deliveries`.
    let base: String
    let reads: Route.Access
    let writes: Route.Access
    /// What its endpoints may be subscribed to.
    let events: [EventType]

    package init(
        _ style: WebhookStyle, base: String = "", reads: Route.Access, writes: Route.Access, events: [EventType]
    ) {
        switch style {
        case .native: shapes = .native
        case .codes: shapes = .codes
        case .ports: shapes = .ports
        }
        self.base = base
        self.reads = reads
        self.writes = writes
        self.events = events
    }

    package var all: [Route] { endpoints + changes + moves + [test] + deliveries + [feed] }

    private var style: WebhookStyle { shapes.style }

    // MARK: The endpoint named `default`

    /// Where events go, for APIs whose documents know one place for them.
    func ofDefault(_ body: Body<SetDefaultWebhook>) -> [Route] {
        let shapes = shapes
        return [
            Route(.get, "\(base)/webhook", "Read where your events go", access: reads, gives: .read(shapes.endpoint)) {
                call in
                .read { tenant in
                    guard let endpoint = try tenant.defaultWebhook(resellerID: call.resellerID, book: call.book) else {
                        throw Refusal.notFound(.webhook)
                    }
                    return .json(shapes.endpoint, try tenant.shown(endpoint), in: tenant.currency)
                }
            },
            Route(
                .put, "\(base)/webhook", "Say where your events go", access: writes, moves: .oneBook,
                takes: body.schema, gives: .done(shapes.endpoint), refuses: [409]
            ) { call in
                let set = try call.read(body)
                return call.savingWebhook(set.url) { tenant, detail in
                    let endpoint = try set.run(tenant, resellerID: call.resellerID, book: call.book, &detail)
                    return .json(shapes.endpoint, try tenant.shown(endpoint), in: tenant.currency)
                }
            },
        ]
    }

    // MARK: The feed

    private var feed: Route {
        let (types, isNative) = (events + [.webhookTest], style.isNative)
        let list = Schema.array(of: EventFeed.element)
        return Route(
            .get, "\(base)/events", "Read your events, oldest first", access: reads,
            parameters: EventFeed.parameters,
            gives: isNative
                ? .read(["data": list, "has_more": .boolean, "next_cursor": .string])
                : .read(["events": list, "hasMore": .boolean, "nextCursor": .string])
        ) { call in
            let feed = try EventFeed(call, types: types)
            return feed.work(call) { tenant in
                let page = try feed.page(tenant, resellerID: call.resellerID, book: call.book)
                let answer = Answer.json { json in
                    page.write(isNative ? "data" : "events", to: &json)
                    json.field(isNative ? "has_more" : "hasMore", page.hasMore)
                    json.field(isNative ? "next_cursor" : "nextCursor", page.cursor)
                }
                return (page, answer)
            }
        }
    }

    // MARK: Endpoints

    private var endpoints: [Route] {
        let shapes = shapes
        let body = WebhookBodies.new(events, style)
        return [
            Route(
                .post, "\(base)/webhooks", "Add a webhook; its signing secret is shown once", access: writes,
                moves: .oneBook, idempotency: .accepted, takes: body.schema, gives: .made(shapes.made), refuses: [409]
            ) { call in
                let create = try call.read(body)
                return call.savingWebhook(create.url) { tenant, detail in
                    let made = try create.run(tenant, resellerID: call.resellerID, book: call.book, &detail)
                    let shown = try tenant.shown(made.endpoint)
                    return .shownOnce(201) { json, isShown in
                        var shown = shown
                        shown.secret = isShown ? made.secret : nil
                        shapes.made.write(shown, in: tenant.currency, to: &json)
                    }
                }
            },
            list,
            Route(
                .get, "\(base)/webhooks/{id}", "Read a webhook, its health, and what waits for it", access: reads,
                gives: .read(shapes.endpoint)
            ) { call in
                .read { tenant in
                    .json(shapes.endpoint, try tenant.shown(try call.webhook(tenant)), in: tenant.currency)
                }
            },
        ]
    }

    private var list: Route {
        let shapes = shapes
        let path = "\(base)/webhooks"
        guard style.isNative else {
            let all = Shape<[ShownEndpoint]>([.list("webhooks", Shape(shapes.endpointMembers)) { $0 }])
            return Route(.get, path, "List webhooks", access: reads, gives: .read(all)) { call in
                .read { tenant in
                    let rows = try tenant.webhookEndpoints(resellerID: call.resellerID, book: call.book)
                    return .json(all, try rows.map { try tenant.shown($0) }, in: tenant.currency)
                }
            }
        }
        return Route(
            .get, path, "List webhooks", access: reads, parameters: .page(), gives: .list(shapes.endpoint)
        ) { call in
            let page = try Paging(call)
            return .read { tenant in
                let rows = try tenant.webhookEndpoints(
                    resellerID: call.resellerID, book: call.book, after: page.after, limit: page.fetch)
                return page.answer(
                    try rows.map { try tenant.shown($0) }, id: \.endpoint.id, shapes.endpoint, in: tenant.currency)
            }
        }
    }

    private var changes: [Route] {
        let shapes = shapes
        let body = WebhookBodies.change(events, style)
        return [
            Route(
                .patch, "\(base)/webhooks/{id}", "Change a webhook", access: writes, moves: .oneBook,
                takes: body.schema, gives: .done(shapes.endpoint), refuses: [409]
            ) { call in
                let terms = try call.read(body)
                return call.savingWebhook(terms.url) { tenant, detail in
                    let changed = try ChangeWebhook(terms).run(try call.webhook(tenant), tenant, &detail)
                    return .json(shapes.endpoint, try tenant.shown(changed), in: tenant.currency)
                }
            },
            Route(
                .delete, "\(base)/webhooks/{id}", "Remove a webhook, and drop what is queued for it", access: writes,
                moves: .oneBook, gives: .done(shapes.removed), refuses: [409]
            ) { call in
                .write { tenant, detail in
                    let endpoint = try call.webhook(tenant)
                    try RemoveWebhook().run(endpoint, tenant, &detail)
                    return .json(shapes.removed, endpoint, in: tenant.currency)
                }
            },
            Route(
                .post, "\(base)/webhooks/{id}/secret/rotate",
                "Give a webhook a new signing secret; the old one signs on for a day, or as you say", access: writes,
                moves: .oneBook, idempotency: .accepted, needsNoRoom: true,
                takes: WebhookBodies.rotation(style).schema, gives: .done(shapes.rotated)
            ) { call in
                let overlap = try call.read(WebhookBodies.rotation(style))
                let rotate = RotateEndpointSecret(
                    overlapSeconds: overlap, isPerson: call.known.projection.role == .resellerSession)
                return .write { tenant, detail in
                    let endpoint = try call.webhook(tenant)
                    let secret = try rotate.run(endpoint, tenant, &detail)
                    var shown = try tenant.shown(endpoint)
                    shown.secretUntil = tenant.now.adding(seconds: overlap)
                    return .shownOnce(200) { [shown] json, isShown in
                        var shown = shown
                        shown.secret = isShown ? secret : nil
                        shapes.rotated.write(shown, in: tenant.currency, to: &json)
                    }
                }
            },
        ]
    }

    private var moves: [Route] {
        let shapes = shapes
        let told: [(ChangeEndpointState.Move, String)] = [
            (.pause, "Pause a webhook: what is for it is held"),
            (.resume, "Resume a webhook; a replay sends what was held"),
            (.enable, "Enable a webhook that was disabled; a replay sends what was held"),
        ]
        return told.map { move, summary in
            Route(
                .post, "\(base)/webhooks/{id}/\(move.rawValue)", summary, access: writes, moves: .oneBook,
                endsForGood: move == .pause, gives: .done(shapes.endpoint), refuses: [409]
            ) { call in
                .write { tenant, detail in
                    let changed = try ChangeEndpointState(move, byOperator: false)
                        .run(try call.webhook(tenant), tenant, &detail)
                    return .json(shapes.endpoint, try tenant.shown(changed), in: tenant.currency)
                }
            }
        }
    }

    private var test: Route {
        let shapes = shapes
        let isMade = style == .ports
        return Route(
            .post, "\(base)/webhooks/{id}/test", "Send a test event to a webhook, and see its answer", access: writes,
            moves: .oneBook, routeClass: .webhookTest, gives: isMade ? .made(shapes.tested) : .done(shapes.tested),
            refuses: [503]
        ) { call in call.testing(shapes.tested, status: isMade ? 201 : 200) { try call.webhook($0) } }
    }

    // MARK: Deliveries

    private var deliveries: [Route] {
        let (shapes, style) = (shapes, style)
        return [
            Route(
                .get, "\(base)/deliveries", "List deliveries of your events", access: reads,
                parameters: AskedDeliveries.parameters(style), gives: DeliveryPage.gives(shapes.delivery, style),
                refuses: [404]
            ) { call in
                let asked = try AskedDeliveries(try call.query())
                let page = try DeliveryPage(call)
                return .read { tenant in
                    let filter = try asked.filter(tenant, resellerID: call.resellerID, book: call.book)
                    let rows = try tenant.deliveries(filter, before: page.before, limit: page.fetch)
                    return page.answer(rows, shapes.delivery, style, in: tenant.currency)
                }
            },
            Route(
                .get, "\(base)/deliveries/{id}", "Read a delivery and its last attempts", access: reads,
                gives: .read(shapes.whole)
            ) { call in
                .read { tenant in
                    let delivery = try tenant.delivery(publicID: call.parameters[0])
                    guard let delivery, delivery.resellerID == call.resellerID, delivery.book == call.book else {
                        throw Refusal.notFound(.delivery)
                    }
                    return .json(shapes.whole, try tenant.whole(delivery), in: tenant.currency)
                }
            },
            Route(
                .post, "\(base)/deliveries/{id}/retry", "Deliver again", access: writes, moves: .oneBook,
                gives: .done(shapes.whole), refuses: [409]
            ) { call in
                let retry = RetryDelivery(
                    deliveryID: call.parameters[0], resellerID: call.resellerID, book: call.book)
                return .write { tenant, detail in
                    let delivery = try retry.run(tenant, &detail)
                    return .json(shapes.whole, try tenant.whole(delivery), in: tenant.currency)
                }
            },
            replay,
        ]
    }

    private var replay: Route {
        let body = WebhookBodies.replay(style)
        return Route(
            .post, "\(base)/deliveries/replay", "Deliver again whatever a filter finds, or count it", access: writes,
            moves: .oneBook, idempotency: .accepted, takes: body.schema, gives: .done(shapes.replayed), refuses: [404]
        ) { [shapes] call in
            let replay = try call.read(body)
            return call.replaying(replay, shapes.replayed) { tenant in
                try replay.asked.filter(tenant, resellerID: call.resellerID, book: call.book)
            }
        }
    }
}

extension Call {
    /// A test-send, with what its receiver said. `endpoint`: the one that the path names.
    func testing(
        _ shape: Shape<TestSent>, status: Int = 200,
        _ endpoint: @escaping @Sendable (TenantReader) throws -> WebhookEndpoint
    ) -> Work {
        let probe: WebhookProbe = services.shared()
        let (places, payer) = (services.fleet.budgets.webhookTests, payer)
        return .flow { steps in
            // Before anything is written: one that finds no place leaves nothing behind.
            guard let place = places.place(for: payer) else { throw Refusal.unavailable(.webhooksBusy) }
            defer { withExtendedLifetime(place) {} }
            let (sent, endpoint) = try await steps.write { tenant, detail in
                let endpoint = try endpoint(tenant)
                detail.resellerID = endpoint.resellerID
                return (try SendTest(endpoint: endpoint).prepare(tenant, &detail), endpoint)
            }
            let result = try await SendTest.send(sent.claimed, to: endpoint.url, by: probe, steps)
            return .write { tenant, detail in
                try tenant.record([result])
                detail.resellerID = endpoint.resellerID
                detail.note("delivery", sent.delivery.publicID)
                detail.note("outcome", result.outcome.rawValue)
                let told = TestSent(event: sent.event, delivery: sent.delivery.publicID, result: result)
                return .json(status, shape, told, in: tenant.currency)
            }
        }
    }

    /// A replay, whose filter is read on the lane.
    func replaying(
        _ replay: WebhookBodies.Replay, _ shape: Shape<ReplayCount>,
        _ filter: @escaping @Sendable (TenantReader) throws -> DeliveryFilter
    ) -> Work {
        let running: RunningReplays = services.shared()
        let (id, reseller) = (tenant.id, known.projection.resellerID)
        let (keyID, accountID) = (keyID, accountID)
        return .flow { [currency] steps in
            // One that was answered before needs no turn.
            try await steps.replay()
            return try await running.run(of: id, reseller: reseller) {
                guard !replay.isDry else {
                    let begun = try await steps.read { try ReplayDeliveries(try filter($0), $0) }
                    let count = try await begun.count(steps)
                    return .answer(.json(shape, ReplayCount(id: nil, count: count, isDry: true), in: currency))
                }
                let (begun, row, mark) = try await steps.write { tenant, detail in
                    let filter = try filter(tenant)
                    let row = try tenant.insertReplay(
                        of: filter, asked: replay.asked.written, keyID: keyID, accountID: accountID)
                    let mark = running.mark(row.id, of: id)
                    detail.resellerID = filter.resellerID
                    detail.note("replay", row.publicID)
                    return (try ReplayDeliveries(filter, tenant), row, mark)
                }
                let count = try await begun.send(steps, as: row.id)
                return .write { tenant, detail in
                    // It is under way until its row says that it is done.
                    defer { withExtendedLifetime(mark) {} }
                    try tenant.finishReplay(row.id)
                    detail.note("replay", row.publicID)
                    detail.note("replayed", "\(count)")
                    let told = ReplayCount(id: row.publicID, count: count, isDry: false)
                    return .json(shape, told, in: tenant.currency)
                }
            }
        }
    }
}

extension TenantReader {
    func whole(_ delivery: Delivery) throws -> WholeDelivery {
        WholeDelivery(delivery: delivery, attempts: try attempts(ofDelivery: delivery.id))
    }
}

extension Call {
    /// The endpoint that the path names: the reseller's own.
    fileprivate func webhook(_ tenant: TenantReader) throws -> WebhookEndpoint {
        try tenant.knownWebhookEndpoint(parameters[0], resellerID: resellerID, book: book)
    }

    /// A write that saves where events go. Where that is a name, what it stands for is judged first, as each connection
    /// is (H6): one public address among others does not make it public. A name that nobody knows now may be known
    /// later.
    func savingWebhook(_ url: String?, _ effect: @escaping TenantWrite.Effect<Answer>) -> Work {
        guard let url, let address = WebAddress(parsing: url), case .name(let name) = address.host,
            !HostName.isReserved(name),
            let rule = OutboundRule.rule(
                isPlain: address.isPlain, allowsPrivateAddresses: services.outbound.allowsPrivateAddresses),
            rule == .publicOnly
        else { return .write(effect) }
        let probe: WebhookProbe = services.shared()
        return .flow { steps in
            let addresses: [IPAddress]? = try await steps.callback { done in
                probe.resolve(name) { done(.success($0)) }
            }
            guard addresses?.allSatisfy(rule.allows) ?? true else { throw Refusal.invalid([.unreachable("url")]) }
            return .write(effect)
        }
    }
}
