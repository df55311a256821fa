/// A reseller's place in its life (W1).
package enum ResellerState: Int64, Sendable, CaseIterable {
    case pending = 0
    case active = 1
    case suspended = 2
    case terminated = 3

    package var name: String {
        switch self {
        case .pending: "pending"
        case .active: "active"
        case .suspended: "suspended"
        case .terminated: "terminated"
        }
    }

    package init?(name: String) {
        guard let state = ResellerState.allCases.first(where: { $0.name == name }) else { return nil }
        self = state
    }
}
