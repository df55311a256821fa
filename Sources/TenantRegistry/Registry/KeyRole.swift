/// Who a key speaks for.
package enum KeyRole: Int64, Sendable {
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

    package var name: String {
        switch self {
        case .owner, .ownerSession: "owner"
        case .operator, .operatorSession: "operator"
        case .reseller, .resellerSession: "reseller"
        }
    }

    package var isSession: Bool { rawValue >= KeyRole.ownerSession.rawValue }
    package var isAdministrator: Bool { self != .reseller && self != .resellerSession }
    package var isOwner: Bool { self == .owner || self == .ownerSession }
}
