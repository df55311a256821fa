package import HTTPCore

/// A call that another one makes inside the process, for the same caller: a page's form, of the API behind it. It is
/// judged, claimed and audited as if it had come by itself; the outer call's limits have let it in.
package struct InnerCall: Sendable {
    package let method: HTTPCore.Method
    /// Below the tenant's address, say `/api/admin/resellers`; the node's for the provider's.
    package let path: String
    /// As it would be sent, without the question mark.
    package let query: String
    package let body: [UInt8]
    /// Field names and values: `Content-Type`, `Idempotency-Key`, `If-Match`.
    package let fields: [(name: String, value: String)]
    /// What is left to do once it has been answered.
    package let then: @Sendable (InnerAnswer) throws -> Work

    package init(
        _ method: HTTPCore.Method, _ path: String, query: String = "", body: [UInt8] = [],
        fields: [(name: String, value: String)] = [], then: @escaping @Sendable (InnerAnswer) throws -> Work
    ) {
        self.method = method
        self.path = path
        self.query = query
        self.body = body
        self.fields = fields
        self.then = then
    }

    /// The head that it has, at the outer call's address and host.
    package func head(below prefix: String, of outer: RequestHead) -> RequestHead {
        RequestHead(
            method, "\(prefix)\(path)\(query.isEmpty ? "" : "?\(query)")",
            [("Host", outer.value(of: .host) ?? "localhost")] + fields)
    }
}

/// How a call inside the process ended: once, after its commit.
package enum InnerAnswer: Sendable {
    case done(Answer)
    /// The stored answer of the same call before (G4), in the dialect's own envelope where it is a refusal.
    case replayed(StoredAnswer)
    case refused(Refusal)
}

extension RequestHead {
    /// A head that no client sent. `target`: a path of visible ASCII, and a query. What a field must not hold is
    /// replaced by a space.
    package init(_ method: HTTPCore.Method, _ target: String, _ fields: [(name: String, value: String)]) {
        var bytes = Array("\(method.rawValue) ".utf8)
        let start = bytes.count
        bytes += target.utf8
        let end = bytes.count
        let mark = bytes[start..<end].firstIndex(of: 0x3F)
        bytes += " HTTP/1.1\r\n".utf8
        let places = fields.map { field in
            let name = bytes.count..<bytes.count + field.name.utf8.count
            bytes += field.name.utf8
            bytes += ": ".utf8
            let first = bytes.count
            bytes += field.value.utf8.map { $0 < 0x20 || $0 == 0x7F ? 0x20 : $0 }
            let value = first..<bytes.count
            bytes += "\r\n".utf8
            return RequestHead.Field(name: name, value: value)
        }
        self.init(
            method: method, bytes: bytes, target: start..<end, path: start..<(mark ?? end),
            query: mark.map { $0 + 1..<end }, fields: places)
    }
}
