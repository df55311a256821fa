package import CallKit
import TenantRegistry

/// What calls about signing secrets take.
package enum WebhookBodies {
    /// How long the old secret signs and verifies beside the new one; 0: it is dead now (O3).
    package static let rotation = Body(
        Field.integer("overlap_seconds", 0...KeyAnswers.overlapSecondsMax).or(TenantReader.secretOverlapSeconds)
    ).omittable

    /// A new signing secret, and how long the one before it is good.
    package struct Rotated: Sendable {
        let secret: String?
        let previousValidUntil: Timestamp
    }
}
