import CallKit
import HTTPCore
import TenantRegistry

/// Which of the tenant's keys a list is asked for, by ids that are public (O1). A value: any thread.
struct AskedKeys: Sendable {
    static let parameters: [Parameter] = [
        OperatorAdmin.Schemas.reseller, KeyState.parameter, .query("key_mode", .book), .search,
    ]

    private let reseller: String?
    private let plain: KeyFilter

    init(_ query: Query) throws(Refusal) {
        reseller = try query.id("reseller")
        var filter = KeyFilter()
        filter.state = try query.choice("state", as: KeyState.self)
        filter.book = try query.book("key_mode")
        filter.beginning = try query.search()
        plain = filter
    }

    /// Throws where there is no such reseller.
    func filter(_ tenant: TenantReader) throws -> KeyFilter {
        var filter = plain
        filter.resellerID = try tenant.resellerID(filter: reseller)
        return filter
    }
}
