import CallKit
import HTTPCore

/// Where the product document says that the API describes itself (X7).
extension ProxyPorts {
    static let documents: [Route] = [Route.description("/reseller/docs/openapi", of: { ProxyPorts() })]
}
