import CallKit
import HTTPCore
import TenantRegistry

/// Webhook deliveries (O7).
extension OperatorAdmin {
    static let deliveries: [Route] = [
        Route(
            .get, "/deliveries", "List webhook deliveries", access: .administrator,
            parameters: AskedDeliveries.parameters(.native) + [.query("status"), .mode, Schemas.reseller],
            gives: .list(Schemas.delivery), refuses: [404]
        ) { call in
            let query = try call.query()
            let asked = try AskedDeliveries(query)
            let page = try DeliveryPage(call)
            let book = try query.mode(or: call.book)
            let reseller = try query.id("reseller")
            return .read { tenant in
                let filter = try asked.filter(
                    tenant, resellerID: try tenant.resellerID(filter: reseller), book: book)
                let rows = try tenant.deliveries(filter, before: page.before, limit: page.fetch)
                return page.answer(rows, Schemas.delivery, .native, in: tenant.currency)
            }
        },
        Route(
            .get, "/deliveries/count", "Count what a replay by this filter would send", access: .administrator,
            parameters: AskedDeliveries.parameters(.native).filter { $0.name != "limit" && $0.name != "cursor" }
                + [.query("status"), .mode, Schemas.reseller],
            gives: .read(Schemas.counted), refuses: [404]
        ) { call in
            let query = try call.query()
            let asked = try AskedDeliveries(query)
            let book = try query.mode(or: call.book)
            let reseller = try query.id("reseller")
            return .flow { [currency = call.currency] steps in
                let replay = try await steps.read { tenant in
                    try ReplayDeliveries(
                        try asked.filter(tenant, resellerID: try tenant.resellerID(filter: reseller), book: book),
                        tenant)
                }
                return .answer(.json(Schemas.counted, try await replay.count(steps), in: currency))
            }
        },
        Route(
            .get, "/deliveries/{id}", "Read a webhook delivery and its last attempts", access: .administrator,
            gives: .read(Schemas.wholeDelivery)
        ) { call in
            .read { tenant in
                guard let delivery = try tenant.delivery(publicID: call.parameters[0]) else {
                    throw Refusal.notFound(.delivery)
                }
                return .json(Schemas.wholeDelivery, try tenant.known(delivery), in: tenant.currency)
            }
        },
        Route(
            .post, "/deliveries/{id}/retry", "Deliver again", access: .administrator,
            gives: .done(Schemas.wholeDelivery), refuses: [409]
        ) { call in
            let retry = RetryDelivery(deliveryID: call.parameters[0])
            return .write { tenant, detail in
                let delivery = try retry.run(tenant, &detail)
                return .json(Schemas.wholeDelivery, try tenant.known(delivery), in: tenant.currency)
            }
        },
        Route(
            .post, "/deliveries/replay", "Deliver again whatever a filter finds, or count it", access: .administrator,
            idempotency: .accepted, takes: Schemas.replay.schema, gives: .done(Schemas.replayed),
            refuses: [404]
        ) { call in
            let (replay, reseller, mode) = try call.read(Schemas.replay)
            return call.replaying(replay, Schemas.replayed) { tenant in
                try replay.asked.filter(
                    tenant, resellerID: try tenant.resellerID(filter: reseller), book: mode ?? call.book)
            }
        },
        Route(
            .post, "/deliveries/{id}/signature", "Say whether a signature that a receiver got is ours",
            access: .administrator, moves: .nothing, isOpenToSupport: true, takes: Schemas.signatureCheck.schema,
            gives: .done(Schemas.signatureChecked)
        ) { call in
            let (timestamp, signature) = try call.read(Schemas.signatureCheck)
            return .read { tenant in
                guard let delivery = try tenant.delivery(publicID: call.parameters[0]) else {
                    throw Refusal.notFound(.delivery)
                }
                let signer = WebhookSignature.signer(
                    of: signature, id: delivery.eventPublicID, timestamp: timestamp,
                    secrets: try tenant.secrets(ofEndpoint: delivery.endpointPublicID),
                    body: Array(try tenant.body(of: delivery).utf8))
                return .json(Schemas.signatureChecked, signer, in: tenant.currency)
            }
        },
        Route(
            .get, "/replays", "List replays, newest first", access: .administrator, parameters: .page(.mode),
            gives: .list(Schemas.replayProgress)
        ) { call in
            let page = try Paging(call)
            let book = try call.query().mode(or: call.book)
            let running: RunningReplays = call.services.shared()
            return .read { tenant in
                let rows = try tenant.replays(book: book, before: page.before, limit: page.fetch)
                return page.answer(
                    try rows.map { try tenant.known($0, running) }, id: \.replay.id, Schemas.replayProgress,
                    in: tenant.currency)
            }
        },
        Route(
            .get, "/replays/{id}", "Read how far a replay is", access: .administrator,
            gives: .read(Schemas.replayProgress)
        ) { call in
            let running: RunningReplays = call.services.shared()
            return .read { tenant in
                guard let replay = try tenant.replay(publicID: call.parameters[0]) else {
                    throw Refusal.notFound(.replay)
                }
                return .json(Schemas.replayProgress, try tenant.known(replay, running), in: tenant.currency)
            }
        },
    ]
}

extension TenantReader {
    fileprivate func known(_ delivery: Delivery) throws -> OperatorAdmin.Schemas.KnownDelivery {
        OperatorAdmin.Schemas.KnownDelivery(whole: try whole(delivery), body: try body(of: delivery))
    }

    fileprivate func known(
        _ replay: Replay, _ running: RunningReplays
    ) throws -> OperatorAdmin.Schemas.ReplayNow {
        let isUnderWay = running.isUnderWay(replay.id, of: tenantID)
        return OperatorAdmin.Schemas.ReplayNow(
            replay: replay, progress: try progress(ofReplay: replay.id),
            state: replay.finishedAt != nil ? .done : isUnderWay ? .running : .interrupted)
    }
}

extension OperatorAdmin.Schemas {
    static let replayed = Shape<ReplayCount>(WebhookShapes.native.replayed.members + [.omittable("id", \.id)])

    static let counted = Shape<Int>([.member("count") { $0 }])

    private static let seconds: ClosedRange<Int64> = 0...Int64(UInt32.max)
    /// A number, or the header's own text, which is what is signed.
    private static let signedAt = BodyField<String>(
        "timestamp", .either(.integer(seconds), .matching("^[0-9]{1,10}$"))
    ) { fields, name, _ in
        guard case .string(let text)? = fields.value(name) else {
            return fields.integer(name, in: seconds).map { "\($0)" }
        }
        guard 1...10 ~= text.utf8.count, text.utf8.allSatisfy({ 0x30...0x39 ~= $0 }) else {
            fields.fail(name, code: "format", detail: "must be a number, or 1 to 10 digits as the header has them")
            return nil
        }
        return text
    }

    static let signatureCheck = Body(signedAt, Field.text("signature", 1...1_000))
    static let signatureChecked = Shape<Int?>([
        .member("matches") { $0 != nil },
        .member("secret", as: Schema.one(of: ["current", "previous"]).nullable) { signer in
            signer.map { $0 == 0 ? "current" : "previous" }
        },
    ])

    enum ReplayState: String, CaseIterable, AnswerValue, Sendable {
        case running, done
        /// The node stopped before it had all.
        case interrupted
    }
    struct ReplayNow {
        let replay: Replay
        let progress: ReplayProgress
        let state: ReplayState
    }
    static let replayProgress = Shape<ReplayNow>(
        "Replay",
        [
            .member("id", \.replay.publicID), .member("mode", \.replay.book),
            .member("reseller", \.replay.resellerPublicID), .member("state", \.state),
            .rawObject("filter", \.replay.filter), .member("count", \.replay.count),
        ]
            + [
                .member("waiting") { $0.progress[.waiting] }, .member("failing") { $0.progress[.failing] },
                .member("delivered") { $0.progress[.delivered] }, .member("dead") { $0.progress[.dead] },
                .member("held") { $0.progress[.held] }, .member("dropped") { $0.progress[.dropped] },
                .member("superseded") { $0.progress[.superseded] },
            ]
            + [
                .member("at", \.replay.at), .member("finished_at", \.replay.finishedAt), .member("by", \.replay.by),
            ])
}
