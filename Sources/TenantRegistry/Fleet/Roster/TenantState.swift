/// Where a tenant is in its life (P3, P4, P5).
package enum TenantState: Int64, Sendable {
    /// Its file is being made; it answers as unknown.
    case creating = 0
    case active = 1
    case suspended = 2
    /// Access ended with its paid period.
    case cancelled = 3
    case refunded = 4
    /// Tombstoned: being erased.
    case deleting = 5
    /// It lives on another node, or is on its way there (P10): nothing of it changes here any more.
    case moved = 6

    package var name: String {
        switch self {
        case .creating: "creating"
        case .active: "active"
        case .suspended: "suspended"
        case .cancelled: "cancelled"
        case .refunded: "refunded"
        case .deleting: "deleting"
        case .moved: "moved"
        }
    }
}

package enum TenantAccess: Sendable, Equatable {
    case open
    /// Known but closed: 403 in the dialect's envelope.
    case refused(TenantClosure)
    case unknown
}

/// Why a known tenant is not served.
package enum TenantClosure: Sendable, Equatable {
    case suspended
    case cancelled
    case refunded
    /// To this base URL.
    case moved(to: String)

    package var state: TenantState {
        switch self {
        case .suspended: .suspended
        case .cancelled: .cancelled
        case .refunded: .refunded
        case .moved: .moved
        }
    }
}
