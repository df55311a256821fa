/// Whose budget something is taken from. Work and memory that nobody has shown a credential for is a stranger's, at one
/// tenant; what a valid key asks for is its reseller's or its tenant's. A value.
package struct Payer: Sendable, Hashable {
    package enum Kind: UInt8, Sendable {
        /// The provider, and the process's own work.
        case node
        /// The tenant's owner and operators.
        case tenant
        case reseller
        case stranger
    }

    package let kind: Kind
    /// Zero for the node, and for strangers who address no tenant.
    package let tenant: UInt128
    /// The reseller's number or the stranger's address; zero for the others.
    package let member: UInt128

    package static let node = Payer(kind: .node, tenant: 0, member: 0)

    package init(kind: Kind, tenant: UInt128, member: UInt128) {
        self.kind = kind
        self.tenant = tenant
        self.member = member
    }

    /// Strangers have budgets of their own, apart from what they would share a tenant's with.
    package var isStranger: Bool { kind == .stranger }
}
