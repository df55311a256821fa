package import CallKit
import HTML
package import HTTPCore
package import TenantRegistry

/// What a tenant's reseller programme is, for whoever thinks of joining it: what is sold, at which prices where
/// everybody may see them, and which API one would call (U4).
package struct ProgramPages: OpenDialect {
    package let name = "program"
    package let basePath = "/program"
    package let errorContentType = HTMLPage.contentType

    package init() {}

    package func render(
        _ refusal: Refusal, requestID: RequestID, for head: RequestHead?, at tenant: TenantRecord?
    ) -> Response {
        HTMLPage.refusal(refusal, title: "Reseller programme", for: head, at: tenant)
    }

    package let routes: [Route] = [
        Route(.get, "", "Say what the reseller programme is", access: .open) { call in
            let served = call.services.shared(Blueprints.self).dialects(of: call.tenant)
            let apis = Dialects.all.filter { served.contains($0.name) && $0.isDescribed }
            return .read { tenant in
                let theme = try tenant.theme(at: call.head.rootPath)
                // Prices are a reseller's own, but for plans, which their API shows to everybody.
                let plans = served.contains(ActivationCodes().name) ? try tenant.plans(for: nil) : []
                return HTMLPage(
                    title: "Reseller programme", theme: theme, isWide: true,
                    content: """
                        <h1>Sell with \(theme.name)</h1>
                        <p>Resellers buy from \(theme.name) at wholesale prices and sell to customers of their own, by hand or by an API.</p>
                        \(prices(plans, tenant))
                        <h2>How it goes</h2>
                        <ol><li>Apply. It takes a minute, and waits for approval.</li>
                        <li>Try the API with a test key: orders of the test book cost nothing.</li>
                        <li>Once approved, top up a balance, mint a live key, and sell.</li></ol>
                        <div class="actions"><a class="button primary" href="\(call.link("/apply"))">Apply</a>\
                        <a class="button" href="\(call.link("/sign-in"))">Sign in</a></div>
                        \(if: !apis.isEmpty, "<h2>For programs</h2><ul>\(each: apis, { described($0, call) })</ul>")
                        """
                ).seen(by: call.head).answer()
            }
        }
    ]

    private static func prices(_ plans: [Plan], _ tenant: TenantReader) -> HTML {
        let rows = plans.map { plan -> HTML in
            """
            <tr role="row"><th scope="row" role="rowheader">\(plan.name)</th>\
            <td role="cell" data-label="Days" class="n">\(plan.days)</td>\
            <td role="cell" data-label="You pay" class="n">\(tenant.decimal(plan.wholesalePrice))</td>\
            <td role="cell" data-label="Sells at" class="n">\(tenant.decimal(plan.retailPrice))</td></tr>
            """
        }
        let head: HTML = """
            <tr role="row"><th scope="col" role="columnheader">Plan</th>\
            \(each: ["Days", "You pay", "Sells at"], { #"<th scope="col" role="columnheader" class="n">\#($0)</th>"# })</tr>
            """
        let table: HTML = """
            <table role="table" class="cards"><caption>Plans, prices in \(tenant.currency.code)</caption>\
            <thead role="rowgroup">\(head)</thead><tbody role="rowgroup">\(each: rows, { $0 })</tbody></table>
            """
        return "\(if: !rows.isEmpty, table)"
    }

    private static func described(_ api: any Dialect, _ call: Call) -> HTML {
        let root = "\(call.head.rootPath)\(api.basePath)"
        let reference: HTML? = Link(path: "\(root)/docs").map { #"<a href="\#($0)">Reference</a>"# }
        let description: HTML? = Link(path: "\(root)/openapi.json").map { #" · <a href="\#($0)">OpenAPI</a>"# }
        return """
            <li>\(api.title), at <code>\(call.baseURL)\(api.basePath)</code>: \(reference)\(description)</li>
            """
    }
}
