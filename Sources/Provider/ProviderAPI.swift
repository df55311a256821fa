package import CallKit
package import Cryptography
package import HTTPCore
package import RateLimiter
package import TenantApp
package import TenantRegistry

/// Provisioning tenants (P): the provider's API at `/provider/v1`, native JSON, problem documents. Its calls concern
/// the whole node; what they do spans the registry and tenants' lanes, in steps. A value: any thread.
package struct ProviderAPI: Surface {
    package static let keyPrefix = KeyShape.providerPrefix
    /// All of the provider's calls together: a bound against a script gone wild, and the headers that answers carry.
    package static let policy = Policy(requests: 60_000, windowSeconds: 60, burst: 60_000)!

    package let name = "provider"
    package let refusesUnknownMembers = true
    package let basePath = "/provider/v1"

    let fleet: Fleet
    let blueprints: Blueprints
    let scrypt: Scrypt
    let hosts: NodeHosts
    /// What a tenant that moves takes along of its limits.
    let levels: TenantLevels
    /// What the gateway knows of itself.
    let watch: NodeWatch

    package init(
        fleet: Fleet, blueprints: Blueprints, scrypt: Scrypt, hosts: NodeHosts, levels: TenantLevels,
        watch: NodeWatch
    ) {
        self.fleet = fleet
        self.blueprints = blueprints
        self.scrypt = scrypt
        self.hosts = hosts
        self.levels = levels
        self.watch = watch
    }

    package var routes: [Route] {
        tenantRoutes + ownerRoutes + stateRoutes + copyRoutes + forkRoutes + moveRoutes + backupRoutes + keyRoutes
            + logRoutes
            + usageRoutes + attentionRoutes + nodeRoutes + clusterRoutes
    }

    package func credential(in head: RequestHead) -> Range<Int>? { head.bearer }

    package func render(_ refusal: Refusal, requestID: RequestID) -> Response {
        Problem.response(refusal, requestID: requestID)
    }

    /// The tenant that the call's path names.
    func tenant(of call: Call) throws(Refusal) -> TenantRecord {
        guard let record = fleet.roster.tenant(slug: call.parameters[0]), record.profile.state != .creating else {
            throw .notFound(.tenant)
        }
        return record
    }
}
