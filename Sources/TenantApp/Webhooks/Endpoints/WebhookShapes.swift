import CallKit
import HTTPCore
import TenantRegistry

/// How an API writes what all write alike: webhooks and their deliveries (H4).
package enum WebhookStyle: Sendable {
    /// snake_case, RFC 3339: wholesale orders and operators.
    case native
    /// camelCase, RFC 3339: activation codes.
    case codes
    /// camelCase, ids as `_id`, milliseconds: proxy ports.
    case ports

    var isNative: Bool { self == .native }

    func name(_ native: StaticString, _ camel: StaticString) -> StaticString { isNative ? native : camel }

    func time<Value>(
        _ native: StaticString, _ camel: StaticString, _ get: @escaping @Sendable (Value) -> Timestamp
    ) -> Shape<Value>.Member {
        let name = name(native, camel)
        return self == .ports ? .member(name) { get($0).milliseconds } : .member(name, get)
    }

    func time<Value>(
        _ native: StaticString, _ camel: StaticString, _ get: @escaping @Sendable (Value) -> Timestamp?
    ) -> Shape<Value>.Member {
        let name = name(native, camel)
        return self == .ports ? .member(name) { get($0)?.milliseconds } : .member(name, get)
    }

    func ok<Value>() -> [Shape<Value>.Member] { self == .codes ? [.ok] : [] }
}

/// An endpoint with what is known of it now.
struct ShownEndpoint: Sendable {
    let endpoint: WebhookEndpoint
    let health: EndpointHealth
    let counts: DeliveryCounts
    var secret: String?
    var secretUntil: Timestamp?
}

extension TenantReader {
    func shown(_ endpoint: WebhookEndpoint) throws -> ShownEndpoint {
        ShownEndpoint(
            endpoint: endpoint, health: try health(ofEndpoint: endpoint.id),
            counts: try deliveryCounts(ofEndpoint: endpoint.id))
    }
}

/// A delivery and its last attempts.
struct WholeDelivery: Sendable {
    let delivery: Delivery
    let attempts: [Attempt]
}

/// What a replay comes to, or would.
struct ReplayCount: Sendable {
    /// Of its row; nil where it was only counted.
    let id: String?
    let count: Int
    let isDry: Bool
}

/// What a test-send came to.
struct TestSent: Sendable {
    let event: String
    let delivery: String
    let result: AttemptResult
}

/// The answers of one API on webhooks.
package struct WebhookShapes: Sendable {
    let style: WebhookStyle
    let endpoint: Shape<ShownEndpoint>
    let endpointMembers: [Shape<ShownEndpoint>.Member]
    let made: Shape<ShownEndpoint>
    let rotated: Shape<ShownEndpoint>
    let removed: Shape<WebhookEndpoint>
    let deliveryMembers: [Shape<Delivery>.Member]
    let delivery: Shape<Delivery>
    let attempt: Shape<Attempt>
    let whole: Shape<WholeDelivery>
    let replayed: Shape<ReplayCount>
    let tested: Shape<TestSent>

    static let native = WebhookShapes(.native)
    static let codes = WebhookShapes(.codes)
    static let ports = WebhookShapes(.ports)

    private init(_ style: WebhookStyle) {
        self.style = style
        let members = Self.members(style)
        endpointMembers = members
        endpoint = Shape("Webhook", style.ok() + members)
        made = Shape(style.ok() + members + [.omittable("secret", \.secret), .alreadyShown])
        rotated = Shape(
            style.ok() + members
                + [
                    .omittable("secret", \.secret), .alreadyShown,
                    style.time("previous_valid_until", "previousValidUntil", \.secretUntil),
                ])
        removed = Shape(
            style.ok() + [.member(style == .ports ? "_id" : "id", \.publicID), .member("deleted") { _ in true }])
        let delivery = Self.delivery(style)
        deliveryMembers = delivery
        self.delivery = Shape("Delivery", delivery)
        attempt = Shape(Self.attempt(style))
        whole = Shape(
            "DeliveryWithAttempts",
            style.ok() + [.part(delivery, \.delivery), .list("attempts", attempt, \.attempts)])
        replayed = Shape(
            style.ok() + [.member("count", \.count), .member(style.name("dry_run", "dryRun"), \.isDry)])
        tested = Shape(style.ok() + Self.tested(style))
    }

    /// As events tell of an endpoint, in every API alike (H1).
    static let toldMembers: [Shape<WebhookEndpoint>.Member] = said(.native)

    private static func said(_ style: WebhookStyle) -> [Shape<WebhookEndpoint>.Member] {
        [
            .member(style == .ports ? "_id" : "id", \.publicID), .member("name", \.name), .member("url", \.url),
            .member("events", \.events), .member("concurrency", \.concurrency),
            .member(style.name("max_per_second", "maxPerSecond"), \.maxPerSecond), .member("version", \.version),
            .member("state", \.state), .member(style == .ports ? "isActive" : "enabled", \.isActive),
            .member(style.name("disabled_reason", "disabledReason"), \.disabledReason),
            style.time("disabled_at", "disabledAt", \.disabledAt), style.time("created_at", "createdAt", \.createdAt),
            style.time("updated_at", "updatedAt", \.updatedAt), .member("revision", \.revision),
        ]
    }

    private static func members(_ style: WebhookStyle) -> [Shape<ShownEndpoint>.Member] {
        let health: [Shape<EndpointHealth>.Member] = [
            style.time("failing_since", "failingSince", \.failingSince),
            .member(style.name("failures_in_row", "failuresInRow"), \.failuresInRow),
            style.time("last_success_at", "lastSuccessAt", \.lastSuccessAt),
            style.time("last_failure_at", "lastFailureAt", \.lastFailureAt),
            .member(style.name("last_outcome", "lastOutcome"), \.lastOutcome),
            .member(style.name("last_status", "lastStatus"), \.lastStatus),
            .member("recent", as: .array(of: .one(of: EndpointHealth.recentWords))) { $0.recentWords },
        ]
        let counts: [Shape<DeliveryCounts>.Member] = [
            .member("pending", \.pending), .member("held", \.held), .member("dead", \.dead),
        ]
        return [
            .part(said(style), \.endpoint), .object("health", Shape(health), \.health),
            .object("deliveries", Shape(counts), \.counts),
        ]
    }

    private static func delivery(_ style: WebhookStyle) -> [Shape<Delivery>.Member] {
        [
            .member(style == .ports ? "_id" : "id", \.publicID), .member("event", \.eventPublicID),
            .member("type", as: .string, \.type), .member("endpoint", \.endpointPublicID),
            .member(style.name("endpoint_name", "endpointName"), \.endpointName), .member("url", \.url),
            .member("state", \.state), .member("test", \.isTest), .member("tries", \.tries),
            .member("failures", \.attempts), style.time("created_at", "createdAt", \.createdAt),
            style.time("first_attempt_at", "firstAttemptAt", \.firstAt),
            style.time("next_attempt_at", "nextAttemptAt", \.nextAt),
            .member(style.name("last_outcome", "lastOutcome"), \.lastOutcome),
            .member(style.name("last_status", "lastStatus"), \.lastStatus),
            style.time("updated_at", "updatedAt", \.updatedAt),
        ]
    }

    private static func attempt(_ style: WebhookStyle) -> [Shape<Attempt>.Member] {
        [
            .member("n", \.n), style.time("at", "at", \.at), .member("ms", \.milliseconds),
            .member("outcome", \.outcome), .member("status", \.status), .member("excerpt", \.excerpt),
            .member("address", \.address),
        ]
    }

    private static func tested(_ style: WebhookStyle) -> [Shape<TestSent>.Member] {
        [
            .member(style.name("event", "eventId"), \.event), .member(style.name("delivery", "deliveryId"), \.delivery),
            .member("type", as: .string) { _ in EventType.webhookTest }, .member("test") { _ in true },
            .member("outcome", \.result.outcome), .member("status", \.result.status),
            .member("excerpt", \.result.excerpt), .member("ms", \.result.milliseconds),
            .member("address", \.result.address),
        ]
    }
}
