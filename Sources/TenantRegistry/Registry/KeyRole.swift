/// Who a key speaks for. Keys are numbered below `ownerSession`, sessions from it on.
package enum KeyRole: Int64, Sendable {
    /// A person's key who reads for others: the admin API without its writes and exports (O13).
    case support = -1
    /// The tenant's owner: mints for others.
    case owner = 0
    /// An operator's own key: the admin API without minting for others.
    case `operator` = 1
    /// A reseller's shop.
    case reseller = 2
    /// A person who signed in: the owner or an operator, by password.
    case ownerSession = 3
    case operatorSession = 4
    /// A reseller's person who signed in.
    case resellerSession = 5
    case supportSession = 6

    package var name: String {
        switch self {
        case .owner, .ownerSession: "owner"
        case .operator, .operatorSession: "operator"
        case .support, .supportSession: "support"
        case .reseller, .resellerSession: "reseller"
        }
    }

    package var isSession: Bool { rawValue >= KeyRole.ownerSession.rawValue }
    package var isAdministrator: Bool { self != .reseller && self != .resellerSession }
    package var isOwner: Bool { self == .owner || self == .ownerSession }
    package var isSupport: Bool { self == .support || self == .supportSession }
}
