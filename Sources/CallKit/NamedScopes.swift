package import TenantRegistry

/// Scopes with their names on the wire. A dialect declares its own as static members, one name and one bit each.
///
/// The bits stand in files: a bit that was used once never means another scope.
package struct NamedScopes: Sendable, Equatable, ExpressibleByArrayLiteral {
    private struct Scope: Sendable, Equatable {
        let name: String
        let bits: Scopes
    }

    /// In the order of their bits, each once.
    private var scopes: [Scope] = []
    /// As keys have them.
    package private(set) var bits: Scopes = []

    package init(_ name: String, bit: Int64) {
        bits = Scopes(rawValue: 1 << bit)
        scopes = [Scope(name: name, bits: bits)]
    }

    package init(arrayLiteral parts: NamedScopes...) { self.init(parts) }

    package init(_ parts: [NamedScopes]) {
        for part in parts {
            scopes += part.scopes.filter { !bits.contains($0.bits) }
            bits.formUnion(part.bits)
        }
        scopes.sort { $0.bits.rawValue < $1.bits.rawValue }
    }

    package var isEmpty: Bool { scopes.isEmpty }
    package var names: [String] { scopes.map(\.name) }

    /// The names of those that a key has.
    package func names(of key: Scopes) -> [String] { scopes.filter { key.contains($0.bits) }.map(\.name) }

    /// Nil for a name that is none of these.
    package subscript(name: String) -> Scopes? { scopes.first { $0.name == name }?.bits }
}
