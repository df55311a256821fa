package import CallKit
package import TenantRegistry

/// What calls about signing secrets take.
package enum WebhookBodies {
    /// How long the old secret signs and verifies beside the new one; 0: it is dead now (O3).
    package static let rotation = Body(
        Field.integer("overlap_seconds", 0...KeyAnswers.overlapSecondsMax).or(TenantReader.secretOverlapSeconds)
    ).omittable

    /// An endpoint as events show it, in this form in every dialect.
    package static let told = Shape<WebhookEndpoint>(
        "WebhookEndpoint",
        [
            .member("id", \.publicID), .member("name", \.name), .member("url", \.url),
            .member("events", \.events), .member("enabled", \.isActive), .member("created_at", \.createdAt),
            .member("revision", \.revision),
        ])

    /// A new signing secret, and how long the one before it is good.
    package struct Rotated: Sendable {
        let secret: String?
        let previousValidUntil: Timestamp
    }
}

extension WebhookEndpoint: EventObject {
    package static let revised: RevisedRows? = RevisedRows("webhook_endpoint")
    package static let told = WebhookBodies.told

    package func forget(in tenant: TenantTransaction) { tenant.forgetEndpoints(resellerID: resellerID) }
}
