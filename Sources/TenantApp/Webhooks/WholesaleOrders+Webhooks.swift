import CallKit

/// Where a reseller's events go, and what becomes of them (W6, H4). `/webhook` is the endpoint named `default`.
extension WholesaleOrders {
    static let webhooks: [Route] = hooks.ofDefault(Schemas.webhookRequest) + hooks.all

    private static let hooks = WebhookRoutes(
        .native, reads: .reseller(.partnerRead), writes: .reseller(.partnerOrder), events: EventType.wholesale)
}
