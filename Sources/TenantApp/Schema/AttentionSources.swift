/// All that may need the operator, in the order in which it is shown. The one list.
enum AttentionSources {
    static let all: [AttentionSource] = [
        .heldOutbound, .pendingOrders, .stuckProvisionings, .applications, .disabledEndpoints, .failingEndpoints,
        .deadDeliveries, .pastDueServices, .lowStock, .openReviews, .quotas,
    ]
}
