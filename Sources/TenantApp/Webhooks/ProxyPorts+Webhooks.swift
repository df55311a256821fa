import CallKit

/// Where a reseller's events go (X6, H4): for keys that may write (X1).
extension ProxyPorts {
    static let webhooks: [Route] = WebhookRoutes(
        .ports, base: "/reseller", reads: .resellerWithAny(.writes), writes: .resellerWithAny(.writes),
        events: EventType.ports
    ).all
}
