package import HTTPCore
package import TenantRegistry

/// One call of a route, authenticated, admitted, its body read. What a dialect's handlers are given.
package struct Call: Sendable {
    package let head: RequestHead
    package let peer: Peer
    /// The client's address, behind trusted proxies too.
    package let clientAddress: IPAddress
    /// What the call is about.
    package let realm: Realm
    /// Nil on open routes, and for the provider.
    package let caller: Caller?
    /// The path's parameters in order, percent-decoded.
    package let parameters: [String]
    package let body: [UInt8]
    package let requestID: RequestID
    package let now: Timestamp
    /// Scheme and authority and, where a tenant's address has it, `/t/{slug}`: what links are built on. Made when asked
    /// for, since few calls do.
    package var baseURL: String { makeBaseURL() }
    private let makeBaseURL: @Sendable () -> String
    /// Whether the client speaks TLS: with us, or with a trusted proxy that says so.
    package let isSecure: Bool
    /// Whether another node of the cluster made the call, or passed it on.
    package let isPassedOn: Bool
    package let services: Services
    /// The route's name: what a cursor of its list belongs to.
    package let list: String
    /// The query, where it has been read.
    private let readQuery: Query?
    /// Whether a member of the body that nobody reads is an error.
    private let refusesUnknownMembers: Bool

    package init(
        head: RequestHead, peer: Peer, clientAddress: IPAddress, realm: Realm, caller: Caller?,
        parameters: [String], query: Query? = nil, body: [UInt8], requestID: RequestID, now: Timestamp,
        baseURL: @autoclosure @escaping @Sendable () -> String,
        isSecure: Bool = false, services: Services, list: String = "", refusesUnknownMembers: Bool = false,
        isPassedOn: Bool = false
    ) {
        self.head = head
        self.peer = peer
        self.clientAddress = clientAddress
        self.realm = realm
        self.caller = caller
        self.parameters = parameters
        self.body = body
        self.requestID = requestID
        self.now = now
        makeBaseURL = baseURL
        self.isSecure = isSecure
        self.isPassedOn = isPassedOn
        self.services = services
        self.list = list
        self.refusesUnknownMembers = refusesUnknownMembers
        readQuery = query
    }

    /// The tenant of a dialect's route; the router has made sure of it.
    package var tenant: TenantRecord {
        guard case .tenant(let tenant) = realm else { preconditionFailure("the provider's calls are no tenant's") }
        return tenant
    }

    /// The caller of one of the provider's routes; the router has made sure of it.
    package var provider: ProviderCaller {
        guard case .node(let provider) = realm else { preconditionFailure("a tenant's calls are not the provider's") }
        return provider
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

    /// The book that a read is of: the caller's, or the one that a person or a live key names by `mode` (X7).
    package func readBook() throws(Refusal) -> Book {
        let asked = try query().mode(or: book)
        guard asked == book || book == .live else {
            throw .forbidden(.liveOnly.saying("live_only: a key of mode test reads the test book alone."))
        }
        return asked
    }

    package func json() throws(Refusal) -> JSON {
        if body.isEmpty { throw .unparseable("The body is empty; JSON is expected.") }
        do throws(Refusal) {
            return try JSON.read(body)
        } catch {
            throw head.refusal(error, ofBody: body)
        }
    }

    /// The body's fields; call `finish` on it when all are read.
    package func fields() throws(Refusal) -> FieldReader { reader(of: try json()) }

    /// Like `fields`, where no body at all means no fields.
    package func optionalFields() throws(Refusal) -> FieldReader {
        reader(of: body.isEmpty ? .object([]) : try json())
    }

    private func reader(of json: JSON) -> FieldReader { FieldReader(json, refusesUnknown: refusesUnknownMembers) }

    /// The body's fields, of a form as a page sends it or of JSON.
    package func fieldsOrForm() throws(Refusal) -> FieldReader {
        guard head.isForm else { return try fields() }
        let form: Query
        do throws(QueryError) {
            form = try Query(form: body)
        } catch {
            throw .unparseable("The form cannot be read: \(error.description).")
        }
        if let name = form.repeated { throw .unparseable("The form has \(name.quoted) twice.") }
        // A browser sends what nobody filled in.
        let pairs = form.pairs.filter { !$0.value.isEmpty }
        return FieldReader(.object(pairs.map { JSONMember(name: $0.name, value: .string($0.value)) }))
    }

    package func query() throws(Refusal) -> Query {
        if let readQuery { return readQuery }
        return try head.readQuery()
    }
}

extension Call {
    /// A call at a tenant's address, or by a key of the tenant.
    package init(
        head: RequestHead, peer: Peer, clientAddress: IPAddress, tenant: TenantRecord, caller: Caller?,
        parameters: [String], body: [UInt8], requestID: RequestID, now: Timestamp, baseURL: String, services: Services
    ) {
        self.init(
            head: head, peer: peer, clientAddress: clientAddress, realm: .tenant(tenant), caller: caller,
            parameters: parameters, body: body, requestID: requestID, now: now, baseURL: baseURL, services: services)
    }
}

extension JSON {
    /// Of a body that is not empty.
    package static func read(_ body: [UInt8]) throws(Refusal) -> JSON {
        do {
            return try parse(sent: body)
        } catch {
            throw .unparseable("The body is not valid JSON: \(error).")
        }
    }
}

extension RequestHead {
    /// Every parameter of the query, decoded.
    package func readQuery() throws(Refusal) -> Query {
        guard queryRange != nil else { return .none }
        do {
            return try Query(parsing: query)
        } catch {
            throw .unparseable("The query cannot be read: \(error.description).")
        }
    }

    /// The body is what a page's form sends.
    package var isForm: Bool {
        value(of: .contentType)?.lowercased().hasPrefix("application/x-www-form-urlencoded") ?? false
    }

    package var isMultipart: Bool {
        value(of: .contentType)?.lowercased().hasPrefix("multipart/form-data") ?? false
    }

    /// The parts of a form that comes with a file; nil where the body is none by its media type.
    package func parts(_ body: [UInt8]) throws(Refusal) -> Multipart? {
        guard isMultipart else { return nil }
        guard let boundary = value(of: .contentType).flatMap(Multipart.boundary),
            let parts = Multipart(body, boundary: boundary)
        else { throw .unparseable("The form cannot be read: its parts do not fit together.") }
        return parts
    }

    /// What is said of a body that is no JSON. Some programs name every body a form: what begins as JSON was meant to
    /// be.
    package func refusal(_ refusal: Refusal, ofBody body: [UInt8]) -> Refusal {
        let first = body.first { $0 > 0x20 }
        if !(isForm || isMultipart) || first == UInt8(ascii: "{") || first == UInt8(ascii: "[") { return refusal }
        return .unparseable("The body is a form; this call takes JSON.")
    }

    /// A person's browser asks, and says so.
    package var asksForPage: Bool { joinedValues(of: .accept)?.lowercased().contains("text/html") ?? false }

    /// A program asks, for JSON; people's browsers name HTML, and get it where nothing is said.
    package var prefersJSON: Bool {
        if asksForPage || isForm { return false }
        let accepted = joinedValues(of: .accept)?.lowercased() ?? ""
        let sends = value(of: .contentType)?.lowercased() ?? ""
        return accepted.contains("application/json") || sends.hasPrefix("application/json")
    }
}
