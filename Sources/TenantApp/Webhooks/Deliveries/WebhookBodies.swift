package import CallKit
import HTTPCore
package import TenantRegistry

/// What calls about webhooks take.
package enum WebhookBodies {
    /// How long the old secret signs and verifies beside the new one; 0: it is dead now (O3).
    package static func rotation(_ style: WebhookStyle) -> Body<Int64> {
        KeyBodies.overlap(or: TenantReader.secretOverlapSeconds, isCamel: !style.isNative)
    }

    /// An endpoint as events show it, in this form in every dialect.
    package static let told = Shape<WebhookEndpoint>("ToldEndpoint", WebhookShapes.toldMembers)

    /// A new signing secret, and how long the one before it is good.
    package struct Rotated: Sendable {
        let secret: String?
        let previousValidUntil: Timestamp
    }

    /// A new endpoint (H4).
    static func new(_ events: [EventType], _ style: WebhookStyle) -> Body<CreateWebhook> {
        Body(
            Field.text("name", 1...100), Field.webhookURL("url"), Field.events("events", events),
            concurrency.or(WebhookEndpoint.concurrencyDefault), perSecond(style).optional, version.optional
        ).map { name, url, events, concurrency, perSecond, _ in
            CreateWebhook(
                name: name, url: url, events: events, concurrency: concurrency, maxPerSecond: perSecond)
        }
    }

    static func change(_ events: [EventType], _ style: WebhookStyle) -> Body<WebhookTerms> {
        Body.change(
            Field.text("name", 1...100).omittable, Field.webhookURL("url").omittable,
            Field.events("events", events).omittable, concurrency.omittable, perSecond(style).clearable,
            version.omittable
        ).map { name, url, events, concurrency, perSecond, _ in
            WebhookTerms(name: name, url: url, events: events, concurrency: concurrency, maxPerSecond: perSecond)
        }
    }

    private static let concurrency = Field.integer("concurrency", 1...WebhookEndpoint.concurrencyMax)
    private static func perSecond(_ style: WebhookStyle) -> BodyField<Int64> {
        Field.integer("\(style.name("max_per_second", "maxPerSecond"))", 1...WebhookEndpoint.perSecondMax)
    }

    /// The form of events' bodies: there is one.
    private static let version = Field.integer("version", WebhookEndpoint.version...WebhookEndpoint.version)

    // MARK: Replays

    /// Which deliveries are sent again, and whether they are only counted.
    struct Replay: Sendable {
        var asked: AskedDeliveries
        let isDry: Bool
    }

    /// `style`: APIs in camelCase take either spelling, so that nobody's `dry_run` goes unheard.
    static func replay(_ style: WebhookStyle) -> Body<Replay> {
        let body = Body(
            Field.moment("since"), Field.moment("until").optional,
            Field.names("types", EventType.self, EventType.allCases.filter { $0 != .webhookTest }).or([]),
            Field.names("states", DeliveryState.self, DeliveryState.replayable).or([]),
            Field.id("endpoint", 255).optional,
            Field.statusClass("status_class").optional, Field.bool("dry_run").or(false)
        ).map { since, until, types, states, endpoint, statusClass, isDry in
            var asked = AskedDeliveries()
            (asked.since, asked.until, asked.types, asked.states) = (since, until, Set(types), Set(states))
            (asked.endpoint, asked.statusClass) = (endpoint, statusClass)
            return Replay(asked: asked, isDry: isDry)
        }
        if style.isNative { return body.made(judged) }
        return Body(
            Field.part(body), Field.statusClass("statusClass").optional, Field.bool("dryRun").or(false)
        ).made { parts, fields in
            let (replay, statusClass, isDry) = parts
            var asked = replay.asked
            asked.statusClass = asked.statusClass ?? statusClass
            return judged(Replay(asked: asked, isDry: replay.isDry || isDry), &fields)
        }
    }

    private static func judged(_ replay: Replay, _ fields: inout FieldReader) -> Replay? {
        if let since = replay.asked.since, let until = replay.asked.until, since > until {
            fields.fail("since", code: "range", detail: "must not be after until")
            return nil
        }
        return replay
    }
}

extension DeliveryState {
    /// What may be sent again: of the others nobody is left to get them.
    static let replayable: [DeliveryState] = [.pending, .delivered, .dead, .held]
}

extension WebhookEndpoint: EventObject {
    package static let revised: RevisedRows? = RevisedRows("webhook_endpoint")
    package static let told = WebhookBodies.told

    package func forget(in tenant: TenantTransaction) { tenant.forgetEndpoints(resellerID: resellerID) }
}
