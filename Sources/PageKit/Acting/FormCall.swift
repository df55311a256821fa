import CallKit
import Cryptography
package import HTTPCore
import TenantRegistry

/// The call of an API that a form makes. A value: any thread.
package struct FormCall: Sendable {
    /// In place of a call: the page is shown once more, with what was typed.
    package static let none = "none"

    private static let callBytesMax = 1 << 10

    package let method: HTTPCore.Method
    /// Below the tenant's address or the node's, with the API's base path.
    package let path: String
    package var query: String
    package var body: [UInt8]
    package var fields: [(name: String, value: String)]
    /// The form that it was made of.
    package let form: [(name: String, value: String)]

    /// The call that the form names, its fields made what the route's own schema says. `{name}` in the path stands for
    /// the field of that name. A route without a body has its fields in the query.
    package init(_ form: FormInput, of visit: Visit) throws {
        guard let call = form.call else { throw Refusal.unparseable("The form does not say what it is for.") }
        try self.init(call, form, of: visit)
    }

    /// `call`: method, a space, and the path: of the surface's own API where it does not begin with `/api/` or another
    /// base path that is served.
    package init(_ call: String, _ form: FormInput, of visit: Visit) throws {
        let parts = call.utf8.count <= Self.callBytesMax ? call.split(separator: " ", maxSplits: 1) : []
        guard parts.count == 2, let method = HTTPCore.Method(rawValue: String(parts[0])) else {
            throw Refusal.unparseable("The form does not say what it is for.")
        }
        var pairs = form.pairs
        let target = try Self.filled(String(parts[1]), from: &pairs).split(separator: "?", maxSplits: 1)
        guard let path = target.first.map(String.init) else {
            throw Refusal.unparseable("The form does not say what it is for.")
        }
        let (served, whole) = try Self.route(method, path, visit)
        try visit.judgeBook(of: served.route)
        self.method = method
        self.path = whole
        self.form = form.pairs
        var asked = served.route.parameters.contains { $0.name == "mode" } && visit.isTest ? [("mode", "test")] : []
        fields = []
        body = []
        if let raw = form.file ?? form["_body"].map({ Array($0.utf8) }) {
            body = raw
            fields.append(("Content-Type", form["_type"] ?? "text/csv"))
            asked += Self.parameters(of: served.route, pairs)
        } else if let schema = served.route.takes {
            let isQuery = { (name: String) in
                !schema.hasMember(name)
                    && served.route.parameters.contains { $0.name == name && $0.place == .query }
            }
            asked += Self.parameters(of: served.route, pairs.filter { isQuery($0.name) })
            body = schema.body(
                ofForm: pairs.filter { !isQuery($0.name) }, isChange: method == .patch || schema.isOfChange
            ).encoded()
            fields.append(("Content-Type", "application/json"))
        } else {
            asked += Self.parameters(of: served.route, pairs)
        }
        query = (target.dropFirst().map(String.init) + (asked.isEmpty ? [] : [PercentEncoding.query(asked)]))
            .joined(separator: "&")
        if let once = form[.once], served.route.takesIdempotencyKey {
            fields.append(("Idempotency-Key", once))
        }
        if let tag = form["_if_match"] { fields.append(("If-Match", tag)) }
    }

    /// Whether this caller has had an answer under its Idempotency-Key, whatever the call was.
    func wasAnswered(to caller: Caller?, _ tenant: TenantReader) throws -> Bool {
        guard let caller, let once = fields.last(where: { $0.name == "Idempotency-Key" })?.value,
            let key = IdempotencyKey(once)
        else { return false }
        let claim = IdempotencyClaim(key, by: caller, fingerprint: SHA256.hash(body))
        return try tenant.storedAnswer(for: claim) != nil
    }

    private static func route(
        _ method: HTTPCore.Method, _ path: String, _ visit: Visit
    ) throws(Refusal) -> (ServedRoute, String) {
        for whole in [visit.site.apiPath + path, path] {
            if case .route(let served, _) = visit.site.routes.find(method, whole) { return (served, whole) }
        }
        throw .notFound(.path)
    }

    private static func parameters(
        of route: Route, _ pairs: [(name: String, value: String)]
    ) -> [(String, String)] {
        pairs.filter { pair in
            !pair.value.isEmpty && route.parameters.contains { $0.name == pair.name && $0.place == .query }
        }.map { ($0.name, $0.value) }
    }

    /// The path with the fields that it names, which are taken out of the rest. Throws where one of them is empty.
    private static func filled(
        _ path: String, from pairs: inout [(name: String, value: String)]
    ) throws(Refusal) -> String {
        var filled = ""
        var rest = path[...]
        var names: [Substring] = []
        while let open = rest.firstIndex(of: "{"), let close = rest[open...].firstIndex(of: "}") {
            let name = rest[rest.index(after: open)..<close]
            let value = names.contains(name) ? nil : pairs.last { $0.name == name }?.value
            if value?.isEmpty ?? false { throw .field("/\(name)", "required", "is required") }
            filled += rest[..<open] + (value?.percentEncoded ?? "")
            names.append(name)
            rest = rest[rest.index(after: close)...]
        }
        pairs.removeAll { pair in names.contains { $0 == pair.name } }
        return filled + rest
    }
}
