import CallKit
import HTTPCore

/// Where the seed's documents say that the API describes itself (CONTRACT X7).
extension ProxyPorts {
    static let documents: [Route] = [Route.description("/reseller/docs/openapi", of: { ProxyPorts() })]
}
