import CallKit
import TenantApp
import Testing

/// What stands in files by number keeps its number.
@Suite("dialects")
struct DialectTests {
    @Test("O1 each scope has the bit that files have it by, and its name")
    func scopes() {
        let names = [
            "partner:read", "partner:order", "reseller:signup", "reseller:credit", "customers:read",
            "customers:write", "ports:read", "ports:write", "codes", "licences",
        ]
        #expect(NamedScopes.all.names == names)
        for (bit, name) in names.enumerated() { #expect(NamedScopes.all[name]?.rawValue == 1 << Int64(bit)) }
        #expect(NamedScopes.all.bits.rawValue == 0x3FF)
        #expect(NamedScopes.all["licence"] == nil)
    }

    @Test("O1 a tenant's keys have the scopes of its dialects, without any those of wholesale")
    func offered() {
        #expect(NamedScopes.of(dialects: ["licence_keys", "credit_reports"]).names.last == "licences")
        #expect(NamedScopes.of(dialects: ["activation_codes"]).names == ["codes"])
        #expect(NamedScopes.of(dialects: []).names == ["partner:read", "partner:order"])
        #expect(NamedScopes.of(dialects: ["unknown"]) == NamedScopes.of(dialects: ["wholesale_orders"]))
    }

    @Test("a set of scopes has each once, in the order of the bits")
    func union() {
        let (one, two) = (NamedScopes("one", bit: 1), NamedScopes("two", bit: 2))
        #expect([two, one, two] as NamedScopes == [one, two])
        #expect(([two, one] as NamedScopes).names(of: two.bits) == ["two"])
        #expect(([] as NamedScopes).isEmpty)
    }

    @Test("A6 each class of routes has a number of its own in level files")
    func routeClasses() {
        let classes = Dialects.all.flatMap(\.routes).compactMap(\.routeClass)
        #expect(Set(classes.map(\.number)).count == Set(classes.map { "\($0.name)" }).count)
        #expect(Set(classes.map(\.number)) == [1, 2])
    }

    @Test("kinds of answers kept ready are apart, whoever declares them")
    func cacheKinds() {
        let kinds = Dialects.all.flatMap(\.routes).compactMap(\.cacheKind)
        #expect(kinds.count == 2 && Set(kinds).count == 2)
    }

    @Test("each field that carries credentials is told to the server")
    func credentials() {
        let fields = Set(Dialects.all.flatMap(\.credentials).compactMap(\.field).map { $0.lowercased() })
        #expect(fields == ["authorization", "x-api-key", "x-seed-hash"])
    }
}
