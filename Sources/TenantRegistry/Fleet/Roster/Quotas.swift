import SQLite

/// What a tier allows one tenant (P2). The provider may override each for a tenant.
package struct Quotas: Sendable, Equatable {
    /// The file of a tenant without a row has some 260 pages of 4 KiB: what is smaller would leave no room for one.
    package static let bytesLeast: Int64 = 2 << 20

    package var bytesMax: Int64
    package var resellersMax: Int64
    package var keysMax: Int64
    /// Requests in a calendar month (UTC).
    package var requestsMonthlyMax: Int64

    package init(bytesMax: Int64, resellersMax: Int64, keysMax: Int64, requestsMonthlyMax: Int64) {
        self.bytesMax = bytesMax
        self.resellersMax = resellersMax
        self.keysMax = keysMax
        self.requestsMonthlyMax = requestsMonthlyMax
    }

    /// `max_page_count` for the tenant's file.
    var pagesMax: Int64 { bytesMax / Int64(Connection.pageBytes) }
    /// What the tenant's file may have at the most, in bytes, with its reserve.
    /// A restore adds rows of its own to it.
    package var fileBytesMax: Int64 { bytesMax + 2 * PageReserve.provider.pages * Int64(Connection.pageBytes) }
}

/// Pages above a tenant's quota for what ends access, puts a new secret in place of one, gives back, or is the
/// provider's: none of it is refused for want of room that others have filled (P2). Each leaves some to those below it.
package enum PageReserve: Int64, Sendable {
    case none = 0
    /// Calls without a key or a session: resellers' sign-ins, and their links to a password.
    case strangers = 16
    /// Calls of resellers.
    case resellers = 32
    /// Calls of owner and operators, and their sign-ins and links.
    case operators = 64
    /// The provider's acts on a tenant. What a file may have above its quota at all.
    case provider = 96

    var pages: Int64 { rawValue }
}

package enum Tier: String, Sendable, CaseIterable {
    case lite, standard, pro

    package var quotas: Quotas {
        switch self {
        case .lite: Quotas(bytesMax: 1 << 30, resellersMax: 50, keysMax: 200, requestsMonthlyMax: 10_000_000)
        case .standard: Quotas(bytesMax: 10 << 30, resellersMax: 1_000, keysMax: 5_000, requestsMonthlyMax: 200_000_000)
        case .pro:
            Quotas(bytesMax: 100 << 30, resellersMax: 100_000, keysMax: 500_000, requestsMonthlyMax: 10_000_000_000)
        }
    }
}

package struct QuotaOverrides: Sendable, Equatable {
    package var bytesMax: Int64?
    package var resellersMax: Int64?
    package var keysMax: Int64?
    package var requestsMonthlyMax: Int64?

    package init(
        bytesMax: Int64? = nil, resellersMax: Int64? = nil, keysMax: Int64? = nil, requestsMonthlyMax: Int64? = nil
    ) {
        self.bytesMax = bytesMax
        self.resellersMax = resellersMax
        self.keysMax = keysMax
        self.requestsMonthlyMax = requestsMonthlyMax
    }

    /// What was set before the least grew counts as the least.
    func applied(to quotas: Quotas) -> Quotas {
        Quotas(
            bytesMax: max(bytesMax ?? quotas.bytesMax, Quotas.bytesLeast),
            resellersMax: resellersMax ?? quotas.resellersMax, keysMax: keysMax ?? quotas.keysMax,
            requestsMonthlyMax: requestsMonthlyMax ?? quotas.requestsMonthlyMax)
    }
}
