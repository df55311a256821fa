import CallKit
import Cryptography
import HTTPCore
import TenantRegistry

/// A form of the node's pages as the registry knows it again: its answer loaded anew, or the button pressed twice, does
/// nothing twice (U1). A tenant's calls have their Idempotency-Key for that (G4). A value: any thread.
struct SentForm: Sendable {
    private let hash: Digest
    private let registry: any Registry
    private let sentAt: Timestamp

    /// Nil for a tenant's. Sent from the same page with another text in a field it is another form.
    init?(_ call: FormCall, _ form: FormInput, of visit: Visit) {
        guard visit.call.realm.tenant == nil, let once = form[.once] else { return nil }
        var stream = SHA256Stream()
        for part in [once, call.method.rawValue, call.path, call.query] { stream.update(SHA256.hash(part)) }
        stream.update(SHA256.hash(call.body))
        hash = stream.finish()
        registry = visit.call.services.fleet.registry
        sentAt = visit.call.now
    }

    /// Whether it comes for the first time. It is known from now on.
    func isFirst(_ steps: Steps) async throws -> Bool {
        try await steps.callback { done in registry.takeForm(hash, at: sentAt, then: done) }
    }

    /// It was refused, and may come again.
    func forget() { registry.forgetForm(hash) }
}
