package import TenantRegistry

/// Whose each tenant is, as the gateway asks it: the node's membership in its cluster. Any thread.
package protocol Placement: AnyObject, Sendable {
    /// This node's.
    var name: NodeName { get }
    /// Whether the lease runs: what this node says of its own tenants holds.
    var isServing: Bool { get }
    var nodes: [ClusterView.Node] { get }
    /// Whether others take the node's tenants, since it was not heard of for long.
    func isSilent(_ node: NodeName) -> Bool
    /// Whose the tenant is, whether or not it serves it; nil: unknown. From memory.
    func owner(of tenant: TenantID) -> NodeName?
    /// From memory; on loops too.
    func place(of tenant: TenantID) -> TenantPlace
    /// Asks the log anew. Off the thread that asks; `then` on any.
    func look(_ tenant: TenantID, then: @escaping @Sendable (TenantPlace) -> Void)
    /// Goes on once everything is known here that was committed at any node before the call. Calls that come meanwhile
    /// share one look. `succeeded`: whether the log could be read.
    func catchUp(then: @escaping @Sendable (_ succeeded: Bool) -> Void)
}

extension ClusterMember: Placement {}
