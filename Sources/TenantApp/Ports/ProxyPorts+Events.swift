package import CallKit
package import HTTPCore
package import TenantRegistry

/// Ports and customers as events show them: as their GETs do, without a port's password (H1).
extension Port: EventObject {
    package static let revised: RevisedRows? = RevisedRows("port")
    package static let told = ProxyPorts.Schemas.toldPort
}

extension PortCustomer: EventObject {
    package static let revised: RevisedRows? = RevisedRows("port_customer", key: "customer_id")
    package static let told = ProxyPorts.Schemas.customer
    package var resellerID: Int64 { customer.resellerID }
}

extension ProxyPorts {
    static let told: [EventType] = EventType.ports + [.webhookTest]

    /// What its resellers are told of (X6).
    package var events: [DescribedEvent] {
        Self.told.map { type in
            switch type {
            case .customerQuotaExceeded: type.described(of: PortCustomer.self, id: "cus")
            case .balanceLow: type.described(of: Reseller.self, id: "res")
            case .webhookEndpointDisabled, .webhookTest: type.described(of: WebhookEndpoint.self, id: "whe")
            default: type.described(of: Port.self, id: "port")
            }
        }
    }
}

extension TenantTransaction {
    @discardableResult
    package func emitPort(_ type: EventType, _ port: Port, extra: ((inout JSONWriter) -> Void)? = nil) throws -> Port {
        try emit(type, port, extra: extra)
    }
}
