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

extension TenantTransaction {
    @discardableResult
    package func emitPort(_ type: EventType, _ port: Port, extra: ((inout JSONWriter) -> Void)? = nil) throws -> Port {
        try emit(type, port, extra: extra)
    }
}
