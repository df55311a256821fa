package import Cryptography
package import HTTPCore
import RateLimiter
package import TenantRegistry

/// Who calls: the key and what it stood for when the call was authenticated.
package struct Caller: Sendable {
    package let key: KeyRecord
    package let projection: KeyProjection
    /// Of what the caller sent: each operation looks in its own transaction whether it still opens the key.
    package let secretHash: Digest

    package init(key: KeyRecord, projection: KeyProjection, secretHash: Digest) {
        self.secretHash = secretHash
        self.key = key
        self.projection = projection
    }

    package var book: Book { projection.book }
    package var role: KeyRole { projection.role }
    /// The reseller whose key it is; nil for the owner and operators.
    package var resellerID: Int64? { projection.resellerID == 0 ? nil : projection.resellerID }
}

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

    /// The caller's Idempotency-Key without its quotes; the pipeline has checked its form.
    package var idempotencyKey: String? { head.value(of: .idempotencyKey).map { bareIdempotencyKey($0) } }

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

/// What handlers may use of the process.
package struct Services: Sendable {
    package let fleet: Fleet
    package let scrypt: Scrypt
    package let blueprints: Blueprints
    /// The hash of a password that nobody has: what an unknown address is checked against, so that it costs what a known
    /// one does.
    package let decoyHash: String
    /// The way to services outside.
    package let outbound: any OutboundCalls
    package let paymentsBegun = PaymentsBegun()
    package let reconciliations = RunningReconciliations()

    package init(
        fleet: Fleet, scrypt: Scrypt, outbound: any OutboundCalls, blueprints: Blueprints = Blueprints()
    ) throws {
        self.fleet = fleet
        self.scrypt = scrypt
        self.outbound = outbound
        self.blueprints = blueprints
        decoyHash = try scrypt.hash(Hex.encode(fleet.random.bytes(16)), random: fleet.random)
    }

    package var random: any RandomSource { fleet.random }
}

/// An answer of an operation, before the pipeline adds its headers.
package struct Answer: Sendable {
    package var status: Int
    package var contentType: StaticString
    package var body: [UInt8]
    /// What a replay of the call gives instead of `body`: for answers that show a secret once (DESIGN 3).
    package var replayBody: [UInt8]?
    /// The body holds a secret that replays give again: it is stored as ciphertext (DESIGN 3).
    package var isSecret = false
    package var headers = ResponseHeaders()

    package init(status: Int, contentType: StaticString = "application/json", body: [UInt8]) {
        self.status = status
        self.contentType = contentType
        self.body = body
    }

    package static func json(_ status: Int = 200, _ write: (inout JSONWriter) throws -> Void) rethrows -> Answer {
        Answer(status: status, body: try JSONWriter.object(write))
    }

    package static let noContent = Answer(status: 204, body: [])
}

/// What a write leaves in the audit log beside who and when: public ids and amounts, as JSON members.
package struct Trail {
    package var writer = JSONWriter()
    /// The reseller that the call concerned, where it is not the caller's own.
    package var resellerID: Int64?
    package var isOrder = false
    package private(set) var hasMembers = false
    /// Postings noted so far: each has a member of its own.
    var postingCount = 0

    package init() {}

    /// The members as one JSON object; empty where there are none.
    package var json: String { hasMembers ? "{\(String(decoding: writer.bytes, as: UTF8.self))}" : "" }

    package mutating func note(_ name: StaticString, _ value: String) {
        hasMembers = true
        writer.field(name, value)
    }

    package mutating func note(named name: String, _ value: String) {
        hasMembers = true
        writer.field(named: name, .string(value))
    }
}

/// What is left to do once a handler has read its call.
package enum Work: Sendable {
    case answer(Answer)
    /// Reads of the tenant's file, in its lane's batch.
    case read(@Sendable (TenantReader) throws -> Answer)
    /// Writes: all or nothing, with audit row, idempotency row and outbox rows.
    case write(@Sendable (TenantTransaction, inout Trail) throws -> Answer)
    /// A write that has to be there before the work goes on, say before somebody outside is asked. Its audit row says 202;
    /// a stored answer of an earlier call is given in place of it, and nothing that it decides is stored: that is for the
    /// `write` at the end.
    case writeThen(@Sendable (TenantTransaction, inout Trail) throws -> Work)
    /// First something long (scrypt, a large body) on the background pool.
    case background(@Sendable () throws -> Work)
    /// First the hash of a secret about to be minted goes to the registry (DESIGN 3).
    case reserving([Digest], @Sendable (TenantTransaction, inout Trail) throws -> Answer)
    /// A flow of its own that answers later; what it answers is audited as it comes.
    case later(@Sendable (_ answer: @escaping @Sendable (Result<LateAnswer, any Error>) -> Void) -> Void)
    /// The body comes piece by piece (`Route.Body.streamed`).
    case streamed(any BodyReader)
}

/// Takes a body that is too long to be held. Calls come one at a time, in order, on the pool for files; the last one is
/// `finish` or `abandon`.
package protocol BodyReader: AnyObject, Sendable {
    /// A failure is kept for `finish`: the client is heard to the end before it is answered.
    func take(_ piece: [UInt8])
    /// The body is complete. `answer` is called once, from any thread.
    func finish(_ answer: @escaping @Sendable (Result<LateAnswer, any Error>) -> Void)
    /// The rest never comes: nothing may stay.
    func abandon()
}

/// An answer of a flow of its own: whole, or streamed.
package enum LateAnswer: Sendable {
    case whole(Answer)
    /// The flow has found out what it needed; the rest is ordinary work.
    case proceed(Work)
    case stream(status: Int, headers: ResponseHeaders, body: any ResponseStream, length: Int?)
}

/// An Idempotency-Key, quoted (RFC 8941 string) or bare.
package func bareIdempotencyKey(_ text: String) -> String {
    text.count >= 2 && text.first == "\"" && text.last == "\"" ? String(text.dropFirst().dropLast()) : text
}

/// Whether a bare key may be used (CONTRACT G4): 1 to 255 printable ASCII characters without spaces and quotes.
package func isIdempotencyKey(_ bare: String) -> Bool {
    !bare.isEmpty && bare.utf8.count <= Route.idempotencyKeyCharactersMax
        && bare.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != 0x22 }
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
