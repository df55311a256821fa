import HTML
import PageKit

/// Where an operator's pages are, an entry a line.
extension AdminPages {
    static let navigation = [
        NavigationSection(
            "",
            [
                NavigationEntry("Dashboard", "", .home),
                NavigationEntry("Resellers", "/resellers", .resellers),
                NavigationEntry("Keys", "/keys", .keys),
                NavigationEntry("Orders", "/orders", .orders, dialect: "wholesale_orders"),
                NavigationEntry("Services", "/services", .services, dialect: "wholesale_orders"),
                NavigationEntry("Customers", "/customers", .customers, dialect: "wholesale_orders"),
                NavigationEntry("Subscribers", "/subscribers", .customers, dialect: "activation_codes"),
                NavigationEntry("Users", "/users", .customers, dialect: "credit_reports"),
            ]),
        NavigationSection(
            "Catalogue",
            [
                NavigationEntry(
                    "Prices", "/prices", .prices, dialect: "wholesale_orders", "activation_codes", "licence_keys"),
                NavigationEntry(
                    "Products", "/products", .products, dialect: "wholesale_orders", "activation_codes",
                    "licence_keys"),
                NavigationEntry("Countries", "/settings/countries", .prices, dialect: "proxy_ports"),
                NavigationEntry("Items", "/stock/items", .products, dialect: "wholesale_orders"),
                NavigationEntry("Licences", "/stock/licences", .licences, dialect: "licence_keys"),
                NavigationEntry("Ports", "/stock/ports", .ports, dialect: "proxy_ports"),
                NavigationEntry("Codes", "/codes", .codes, dialect: "activation_codes"),
            ]),
        NavigationSection(
            "Delivery",
            [
                NavigationEntry(
                    "Events", "/events", .webhooks, dialect: "wholesale_orders", "activation_codes", "proxy_ports"),
                NavigationEntry(
                    "Endpoints", "/endpoints", .node, dialect: "wholesale_orders", "activation_codes", "proxy_ports"),
                NavigationEntry("Provisioning", "/queue", .queue, dialect: "wholesale_orders"),
                NavigationEntry("Due work", "/due", .done),
            ]),
        NavigationSection(
            "Money",
            [
                NavigationEntry("Payments", "/payments", .balance),
                NavigationEntry("Credit events", "/credits", .codes, dialect: creditReports),
                NavigationEntry("Reconciliations", "/reconciliations", .reconciliations, dialect: creditReports),
                NavigationEntry("Account reviews", "/reviews", .audit),
            ]),
        NavigationSection(
            "Tenant",
            [
                NavigationEntry("Usage", "/usage", .reference),
                NavigationEntry("Reports", "/reports", .reports),
                NavigationEntry("Audit", "/audit", .audit),
                NavigationEntry("People", "/people", .user, asks: "/people"),
                NavigationEntry("Settings", "/settings", .settings),
            ]),
    ]
}
