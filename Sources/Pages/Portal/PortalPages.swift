package import CallKit
import HTML
import HTTPCore
package import PageKit

/// The reseller's pages (U3): what its people do and see, by the partner API and the tenant's other dialects. Their own
/// data alone.
package struct PortalPages: Dialect, PageSurface {
    package let name = "portal_pages"
    package let isAlwaysThere = true
    package let site: Site
    package let routes: [Route]

    /// `apis`: of every API of a tenant.
    package init(_ apis: RouteTable, _ surroundings: @escaping Site.Around) {
        site = Site(
            "Partner portal", at: "/portal", over: "/api/partner/v1", of: apis, access: .resellerSession,
            elsewhere: "/admin", navigation: Self.navigation, hasSearch: true,
            searchHint: "Id, reference or your own id", testBook: .all, surroundings: surroundings)
        routes = Self.routes(Self.pages, Self.downloads, of: site)
    }

    /// The dialect whose orders, services and products these are.
    static let orderDialect = "wholesale_orders"
    static let codeDialect = "activation_codes"

    private static let navigation = [
        NavigationSection(
            "",
            [
                NavigationEntry("Dashboard", "", .home),
                NavigationEntry("Orders", "/orders", .orders, dialect: orderDialect, asks: "/orders"),
                NavigationEntry("Services", "/services", .services, dialect: orderDialect, asks: "/services"),
                NavigationEntry("Products", "/products", .products, dialect: orderDialect, asks: "/products"),
                NavigationEntry("Customers", "/customers", .customers, dialect: orderDialect, asks: "/customers"),
                // Whoever waits for approval may ask for no balance, and sells nothing yet.
                NavigationEntry("Codes", "/codes", .codes, dialect: codeDialect, asks: "/balance"),
                NavigationEntry("Licences", "/licences", .licences, dialect: "licence_keys", asks: "/balance"),
                NavigationEntry("Ports", "/ports", .ports, dialect: "proxy_ports", asks: "/balance"),
                NavigationEntry(
                    "Port customers", "/port-customers", .customers, dialect: "proxy_ports", asks: "/balance"),
            ]),
        NavigationSection(
            "Account",
            [
                NavigationEntry("API settings", "/api", .keys),
                NavigationEntry("Balance", "/balance", .balance, asks: "/balance"),
                NavigationEntry("Program overview", "/program", .reports),
            ]),
    ]

    /// Files, one a line.
    private static let downloads: [Download] = [
        Download("/balance/statement.csv", "/statement.csv", "Download the statement"), codesDownload,
        licencesDownload,
    ]

    /// One line a theme.
    private static let pages: [Page] = [
        dashboard,
        search,
        orders,
        services,
        products,
        customers,
        codes,
        licences,
        ports,
        portCustomers,
        api,
        limit,
        webhooks,
        deliveries,
        balance,
        program,
        account,
    ].flatMap { $0 }
}
