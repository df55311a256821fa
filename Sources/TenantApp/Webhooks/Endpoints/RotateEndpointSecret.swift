import CallKit
import TenantRegistry

/// Gives a reseller's webhook a new signing secret; the one before signs on for a while (W5). That of the default
/// webhook signs orders too, so a person alone renews it (O3).
struct RotateEndpointSecret: Sendable {
    let overlapSeconds: Int64
    let isPerson: Bool

    func run(
        _ endpoint: WebhookEndpoint, _ tenant: TenantTransaction, _ detail: inout AuditDetail
    ) throws -> String {
        if endpoint.isDefault, !isPerson { throw Refusal.forbidden(.sessionOnly) }
        let secret = try tenant.mintSecret(of: endpoint, overlapSeconds: overlapSeconds)
        detail.note("webhook", endpoint.publicID)
        return secret
    }
}
