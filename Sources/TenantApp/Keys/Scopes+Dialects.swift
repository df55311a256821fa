package import CallKit
package import TenantRegistry

extension NamedScopes {
    /// All that there are.
    package static let all = NamedScopes(Dialects.entries.map { $0.scopes })

    /// What keys of these dialects may be used for (O1). A tenant that names none sells wholesale.
    package static func of(dialects names: [String]) -> NamedScopes {
        let scopes = NamedScopes(Dialects.all.filter { names.contains($0.name) }.map { type(of: $0).scopes })
        return scopes.isEmpty ? WholesaleOrders.scopes : scopes
    }
}

extension Scopes {
    /// The setting in a tenant's file that names its dialects, with commas between them.
    package static let dialectsSetting = "dialects"

    /// The dialects that a tenant has where its blueprint names them.
    package static let namedDialects = Set(Dialects.all.filter { !$0.isAlwaysThere }.map { $0.name }).sorted()

    package static let all = NamedScopes.all.bits

    package static func of(dialects names: [String]) -> Scopes { NamedScopes.of(dialects: names).bits }

    package var names: [String] { NamedScopes.all.names(of: self) }
}

extension TenantReader {
    /// All scopes of the tenant's dialects.
    package func scopesOffered() throws -> NamedScopes {
        .of(dialects: try dialectNames())
    }

    /// As blueprints name them.
    func dialectNames() throws -> [String] {
        let names = try setting(Scopes.dialectsSetting) ?? ""
        return names.split(separator: ",").map { $0.filter { $0 != " " } }
    }
}
