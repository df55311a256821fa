package import CallKit
import HTTPCore
import TenantRegistry

/// The tenant's logo, for its pages and for whoever shows the tenant (O12). Its address names its bytes: they never
/// change, and another logo has another address.
package struct LogoPages: OpenDialect {
    package let name = "logo"
    package let basePath = ""

    package init() {}

    package let routes: [Route] = [
        Route(
            .get, "/logo.{hash}", "Give the tenant's logo", access: .open, keepsForEver: true
        ) { call in
            .read { tenant in
                guard let logo = try tenant.logo(named: call.parameters[0]) else { throw Refusal.notFound(.logo) }
                let type: StaticString =
                    switch logo.kind {
                    case .png: "image/png"
                    case .webp: "image/webp"
                    }
                return Answer(status: 200, contentType: type, body: logo.bytes)
            }
        }
    ]
}
