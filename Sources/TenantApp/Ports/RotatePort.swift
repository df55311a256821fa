package import CallKit
package import TenantRegistry

/// Moves a port to another device: id, login, password and end stay (X5).
package struct RotatePort: Sendable {
    package let portID: String
    package let resellerID: Int64
    package let book: Book

    package init(portID: String, resellerID: Int64, book: Book) {
        self.portID = portID
        self.resellerID = resellerID
        self.book = book
    }

    package func run(_ tenant: TenantTransaction, _ detail: inout AuditDetail) throws -> Port {
        let port = try tenant.knownPort(portID, resellerID: resellerID, book: book)
        detail.note("port", port.publicID)
        guard port.state == .active else {
            throw Refusal.conflict(.portExpired)
        }
        return try MovePort(port: port, notDevice: port.deviceID, isRotation: true).run(tenant)
    }
}
