import CallKit
package import TenantRegistry

extension Scopes {
    /// The setting in a tenant's file that names its dialects, with commas between them.
    package static let dialectsSetting = "dialects"

    /// What keys of these dialects may be used for (O1). A tenant that names none sells wholesale.
    package static func of(dialects: [String]) -> Scopes {
        var scopes = Scopes()
        for dialect in dialects {
            switch dialect {
            case "wholesale_orders": scopes.formUnion([.partnerRead, .partnerOrder])
            case "credit_reports": scopes.formUnion([.resellerSignup, .resellerCredit])
            case "activation_codes": scopes.formUnion(.codes)
            case "proxy_ports": scopes.formUnion([.customersRead, .customersWrite, .portsRead, .portsWrite])
            case "licence_keys": scopes.formUnion(.licences)
            default: break
            }
        }
        return scopes.isEmpty ? [.partnerRead, .partnerOrder] : scopes
    }
}

extension TenantReader {
    /// All scopes of the tenant's dialects.
    package func scopesOffered() throws -> Scopes {
        let names = try setting(Scopes.dialectsSetting) ?? ""
        return .of(dialects: names.split(separator: ",").map { $0.filter { $0 != " " } })
    }
}
