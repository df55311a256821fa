import AdminPages
import CallKit
import ConsolePages
import HTML
import PageKit
import PortalPages
import Provider
import ReferencePages
import TenantApp
import TenantRegistry

/// The pages over the APIs: here alone they are told of one another.
enum PageSurfaces {
    static func ofTenants(over apis: [any Dialect]) -> [any Dialect] {
        let routes = RouteTable(apis)
        return [AdminPages(routes, aroundOperators), PortalPages(routes, around)]
            + apis.filter(\.isDescribed).map { ReferencePages($0, around, visitor: { try $0.role(ofVisitor: $1) }) }
    }

    /// The provider's, over its API; the way in and out of them.
    static func ofNode(over provider: any Surface) -> [any Surface] {
        [ConsoleDoor(), ConsoleExit(), ConsolePages(RouteTable([provider]))]
    }

    private static let around: Site.Around = { try surroundings($0, $1, counts: [:]) }

    /// Operators see what waits for them, wherever they are.
    private static let aroundOperators: Site.Around = { tenant, call in
        let pending = try tenant.resellerCounts()[.pending] ?? 0
        // Orders of the live book: a page of the test book leads to others.
        let isTest = (try? call.query())?["mode"] == "test"
        let orders = isTest ? 0 : try tenant.ordersWaiting()
        return try surroundings(tenant, call, counts: ["/resellers": Int(pending), "/orders": orders])
    }

    private static func surroundings(
        _ tenant: TenantReader, _ call: Call, counts: [String: Int]
    ) throws -> Surroundings {
        let theme = try tenant.theme(at: call.head.rootPath)
        let dialects = Set(call.services.shared(Blueprints.self).dialects(of: call.tenant))
        let asksLeave = dialects.intersection([CreditReports().name])
        let isWithheld = try !asksLeave.isEmpty && !tenant.allowsSelfServiceKeys()
        return Surroundings(
            name: theme.name, logo: theme.logo.flatMap(Link.init(path:)), stylesheets: theme.stylesheets,
            who: try call.caller.flatMap { try tenant.account(id: $0.projection.accountID)?.email } ?? "",
            dialects: dialects, mintedByOwner: isWithheld ? asksLeave : [], counts: counts)
    }
}
