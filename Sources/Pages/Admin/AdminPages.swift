package import CallKit
import HTML
import HTTPCore
package import PageKit

/// The operator's pages (U2): what the tenant's owner, its operators and its support do and see, by the admin API.
package struct AdminPages: Dialect, PageSurface {
    package let name = "admin_pages"
    package let isAlwaysThere = true
    package let site: Site
    package let routes: [Route]

    /// `apis`: of every API of a tenant.
    package init(_ apis: RouteTable, _ surroundings: @escaping Site.Around) {
        site = Site(
            "Admin", at: "/admin", over: "/api/admin", of: apis, access: .administrator,
            elsewhere: "/portal", navigation: Self.navigation, hasSearch: true, testBook: .byMode,
            surroundings: surroundings)
        routes = Self.routes(Self.pages, Self.downloads, of: site)
    }

    /// Files, a theme a line.
    private static let downloads: [Download] = [
        [Download("/resellers/{id}/statement.csv", "/resellers/{id}/statement.csv", "A reseller's statement")],
        orderDownloads,
        priceDownloads,
        productDownloads,
        reportDownloads,
        auditDownloads,
    ].flatMap { $0 }

    /// A theme a line, in the order of the navigation.
    private static let pages: [Page] = [
        dashboard,
        resellers,
        resellerDetails,
        resellerForms,
        resellerMoves,
        resellerLimit,
        keys,
        key,
        orders,
        services,
        repricing,
        customers,
        prices,
        products,
        stockItems,
        licences,
        portStock,
        codes,
        events,
        endpoints,
        queue,
        payments,
        credits,
        reconciliations,
        due,
        usage,
        reports,
        audit,
        people,
        settings,
        account,
        search,
    ].flatMap { $0 }
}
