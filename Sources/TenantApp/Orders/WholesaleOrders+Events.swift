package import CallKit
package import HTTPCore
package import TenantRegistry

/// Orders and services as events show them: as their GETs do (H1).
extension Order: EventObject {
    package static let revised: RevisedRows? = RevisedRows("orders")
    package static let told = WholesaleOrders.Schemas.order
}

extension Service: EventObject {
    package static let revised: RevisedRows? = RevisedRows("service")
    package static let told = WholesaleOrders.Schemas.service
}

extension WholesaleOrders {
    static let told: [EventType] = EventType.wholesale + [.webhookTest]

    /// What its resellers are told of (W10).
    package var events: [DescribedEvent] {
        Self.told.map { type in
            switch type {
            case .orderCreated, .orderCompleted, .orderRejected, .orderRefunded:
                type.described(of: Order.self, id: "ord")
            case .resellerSuspended, .balanceLow: type.described(of: Reseller.self, id: "res")
            case .webhookEndpointDisabled, .webhookTest: type.described(of: WebhookEndpoint.self, id: "whe")
            default: type.described(of: Service.self, id: "svc")
            }
        }
    }
}

extension TenantTransaction {
    @discardableResult
    package func emitOrder(
        _ type: EventType, _ order: Order, extra: ((inout JSONWriter) -> Void)? = nil
    ) throws -> Order { try emit(type, order, extra: extra) }

    @discardableResult
    package func emitService(
        _ type: EventType, _ service: Service, extra: ((inout JSONWriter) -> Void)? = nil
    ) throws -> Service { try emit(type, service, extra: extra) }
}
