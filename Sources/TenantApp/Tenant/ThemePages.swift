package import CallKit
import HTTPCore
import PageKit
import TenantRegistry

/// The tenant's colours as a stylesheet, for its pages (O12). Its address names its bytes, as the logo's does.
package struct ThemePages: OpenDialect {
    package let name = "theme"
    package let basePath = ""

    package init() {}

    package let routes: [Route] = [
        Route(
            .get, "/theme.{file}", "Give the tenant's colours as a stylesheet", access: .open, keepsForEver: true
        ) { call in
            .read { tenant in
                let theme = try tenant.theme(at: "")
                guard theme.stylesheet == "/theme.\(call.parameters[0])" else { throw Refusal.notFound(.theme) }
                return Answer(
                    status: 200, contentType: "text/css; charset=utf-8", body: theme.palette.stylesheet.bytes)
            }
        }
    ]
}
