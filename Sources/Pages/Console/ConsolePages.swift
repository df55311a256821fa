package import CallKit
import HTML
import HTTPCore
package import PageKit

/// The provider's pages (U1): all tenants, the worst first, and the node that serves them, by the provider's API.
package struct ConsolePages: PageSurface {
    package let name = "console_pages"
    package let site: Site
    package let routes: [Route]

    /// `apis`: the provider's.
    package init(_ apis: RouteTable) {
        site = Site(
            "Provider console", at: "/console", over: "/provider/v1", of: apis, access: .providerReader,
            navigation: Self.navigation, firstPageLists: "/tenants", surroundings: nil)
        routes = Self.routes(Self.pages, Self.downloads, of: site)
    }

    private static let navigation = [
        NavigationSection(
            "",
            [
                NavigationEntry("Tenants", "", .tenants),
                NavigationEntry("New tenant", "/tenants/new", .products, asks: "POST /tenants"),
                NavigationEntry("Usage", "/usage", .reports),
            ]),
        NavigationSection(
            "Node",
            [
                NavigationEntry("Health", "/node", .node), NavigationEntry("Nodes", "/nodes", .node),
                NavigationEntry("Provider keys", "/keys", .keys), NavigationEntry("Log", "/log", .audit),
            ]),
    ]

    /// Files, one a line.
    private static let downloads: [Download] = [
        Download("/tenants/{slug}/export.sqlite", "/tenants/{slug}/export", "A tenant's file"),
        Download("/usage.csv", "/usage.csv", "What tenants used"),
        Download("/log.csv", "/log.csv", "The provider's log"),
        Download("/log.jsonl", "/log.jsonl", "The provider's log, line by line"),
    ]

    /// One line a theme.
    private static let pages: [Page] = [
        tenants, newTenant, tenant, domains, endings, exports, copies, node, nodes, keys, log, usage,
    ].flatMap { $0 }
}

/// How the console writes what several of its pages have.
enum ConsoleText {
    /// `1.5 GB`, in decimal steps.
    static func bytes(_ count: Int) -> String {
        let units = ["bytes", "kB", "MB", "GB", "TB", "PB"]
        var (tenths, unit) = (count * 10, 0)
        while tenths >= 10_000, unit < units.count - 1 {
            tenths = (tenths + 500) / 1_000
            unit += 1
        }
        let isWhole = tenths % 10 == 0 || tenths >= 1_000
        return isWhole ? "\(tenths / 10) \(units[unit])" : "\(tenths / 10).\(tenths % 10) \(units[unit])"
    }
}
