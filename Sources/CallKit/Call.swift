package import HTTPCore
package import TenantRegistry

/// One call of a route, authenticated, admitted, its body read. What a dialect's handlers are given.
package struct Call: Sendable {
    package let head: RequestHead
    package let peer: Peer
    /// The client's address, behind trusted proxies too.
    package let clientAddress: IPAddress
    package let tenant: TenantRecord
    /// Nil on open routes.
    package let caller: Caller?
    /// The path's parameters in order, percent-decoded.
    package let parameters: [String]
    package let body: [UInt8]
    package let requestID: RequestID
    package let now: Timestamp
    /// Scheme and authority and, where the address has it, `/t/{slug}`: what links are built on.
    package let baseURL: String
    package let services: Services

    package init(
        head: RequestHead, peer: Peer, clientAddress: IPAddress, tenant: TenantRecord, caller: Caller?,
        parameters: [String], body: [UInt8], requestID: RequestID, now: Timestamp, baseURL: String, services: Services
    ) {
        self.head = head
        self.peer = peer
        self.clientAddress = clientAddress
        self.tenant = tenant
        self.caller = caller
        self.parameters = parameters
        self.body = body
        self.requestID = requestID
        self.now = now
        self.baseURL = baseURL
        self.services = services
    }

    /// The caller of a route that demands one; the pipeline has made sure of it.
    package var known: Caller {
        guard let caller else { preconditionFailure("the route is open and has no caller") }
        return caller
    }

    /// The caller's Idempotency-Key; the pipeline has checked its form.
    package var idempotencyKey: IdempotencyKey? { .of(head) }

    /// The reseller of a route that only resellers' keys open.
    package var resellerID: Int64 { known.projection.resellerID }
    package var book: Book { caller?.book ?? .live }

    package func json() throws(Refusal) -> JSON {
        if body.isEmpty { throw .unparseable("The body is empty; JSON is expected.") }
        do {
            return try JSON.parse(body)
        } catch {
            throw .unparseable("The body is not valid JSON: \(error).")
        }
    }

    /// The body's fields; call `finish` on it when all are read.
    package func fields() throws(Refusal) -> FieldReader { FieldReader(try json()) }

    /// Like `fields`, where no body at all means no fields.
    package func optionalFields() throws(Refusal) -> FieldReader {
        FieldReader(body.isEmpty ? .object([]) : try json())
    }

    /// The body's fields, of a form as a page sends it or of JSON.
    package func fieldsOrForm() throws(Refusal) -> FieldReader {
        guard head.isForm else { return try fields() }
        do {
            let form = try Query(form: body)
            return FieldReader(.object(form.pairs.map { JSONMember(name: $0.name, value: .string($0.value)) }))
        } catch {
            throw .unparseable("The form cannot be read: \(error).")
        }
    }

    package func query() throws(Refusal) -> Query {
        do {
            return try Query(parsing: head.query)
        } catch {
            throw .unparseable("The query cannot be read: \(error).")
        }
    }
}

extension RequestHead {
    /// The body is what a page's form sends.
    package var isForm: Bool {
        value(of: .contentType)?.lowercased().hasPrefix("application/x-www-form-urlencoded") ?? false
    }

    /// A program asks, for JSON; people's browsers name HTML, and get it where nothing is said.
    package var prefersJSON: Bool {
        let accepted = value(of: .accept)?.lowercased() ?? ""
        if accepted.contains("text/html") || isForm { return false }
        let sends = value(of: .contentType)?.lowercased() ?? ""
        return accepted.contains("application/json") || sends.hasPrefix("application/json")
    }
}
