/// What one of the tenant's people may be, by name (O13).
package enum PersonRole: String, Sendable, CaseIterable {
    case owner
    case `operator`
    case support

    package var account: AccountRole {
        switch self {
        case .owner: .owner
        case .operator: .operator
        case .support: .support
        }
    }
}
