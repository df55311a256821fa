/// Where each tenant is, as this node knows it. A hint wherever it says that a tenant is another's: that node says so
/// where it is not; binding where it says that it is this node's, as long as the lease runs.
package enum TenantPlace: Sendable, Equatable {
    case here
    /// Served there; `address` as the node gave it.
    case at(NodeName, address: String)
    /// Its node is gone, and no other has taken it yet.
    case nowhere
}
