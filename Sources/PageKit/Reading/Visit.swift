package import CallKit
import Cryptography
package import HTML
package import HTTPCore
import Synchronization
import TenantRegistry

/// One look at one page: who looks, at what address, and what became of the form that was sent from it. A value: any
/// thread.
package struct Visit: Sendable {
    package let call: Call
    package let site: Site
    /// The form that was refused, for the page to show again; nil where the page is only looked at.
    package let attempt: Attempt?
    /// What its page asked so far.
    let calls: AskedCalls
    /// The list that the page is, or that whoever looks came from.
    private let seen: SeenList?
    /// Known once the page is written; nil for the node's.
    package private(set) var surroundings: Surroundings?

    package init(_ call: Call, of site: Site, attempt: Attempt? = nil) {
        self.init(call, of: site, attempt: attempt, AskedCalls())
    }

    private init(_ call: Call, of site: Site, attempt: Attempt?, _ asked: AskedCalls) {
        self.call = call
        self.site = site
        self.attempt = attempt
        calls = asked
        seen = SeenList(call, of: site)
    }

    /// A parameter of the page's path.
    package func parameter(_ index: Int = 0) -> String { call.parameters[index] }

    /// The same, as a part of an API's path.
    package func segment(_ index: Int = 0) -> String { parameter(index).percentEncoded }

    /// A parameter of the page's query; nil where it is not there, or empty as browsers send fields without a value.
    package func asked(_ name: String) -> String? {
        guard let value = (try? call.query())?[name], !value.isEmpty else { return nil }
        return Self.times.contains(name) ? LocalTime.utc(value) ?? value : value
    }

    /// What browsers ask for by a field of their own, which sends no zone.
    private static let times: Set<String> = ["at", "from", "to", "since", "until", "before"]

    /// What says where in a page's list its reader is, and how it came there.
    static let places: Set<String> = ["cursor", "keys_cursor", "trouble", "back"]

    /// What a form that filters keeps of the page's query, beside its own fields.
    package func kept(_ names: String...) -> [(name: String, value: String)] {
        names.compactMap { name in asked(name).map { (name, $0) } }
    }

    /// Whether the page shows the test book: `?mode=test`, which every link of the page keeps (X7).
    package var isTest: Bool { asked("mode") == "test" }

    /// The day, in UTC, that many days ago: for filters of lists.
    package func daysAgo(_ days: Int) -> String { String(call.now.adding(days: -Int64(days)).text.prefix(10)) }

    func within(_ surroundings: Surroundings?) -> Visit {
        var visit = self
        visit.surroundings = surroundings
        return visit
    }

    /// Whether the tenant has this dialect, say `activation_codes`.
    package func has(dialect: String) -> Bool { surroundings?.dialects.contains(dialect) ?? false }

    /// For one form of this page: what makes it ours, and what makes it happen once.
    var tokens: FormTokens {
        FormTokens(
            csrf: FormGate.token(for: PageCookie.value(of: .session, in: call) ?? []),
            once: Hex.encode(call.services.random.bytes(Self.onceBytes)))
    }

    private static let onceBytes = 16

    // MARK: Links

    /// A page of this surface: its path's parts are encoded, and the book goes along where `query` names none.
    package func link(_ path: StaticString, _ parts: String..., query: [(String, String?)] = []) -> Link {
        link(below: site.basePath, path, parts, query)
    }

    /// What a call's body may hold in a member that is a list of names.
    package func choices(of member: String, in method: HTTPCore.Method, _ path: String) -> [String] {
        guard case .route(let served, _) = site.routes.find(method, path) else { return [] }
        return served.route.takes?.choices(of: member) ?? []
    }

    /// What keys may be used for, of one of the tenant's dialects or of all (O1).
    package func scopes(of dialect: String? = nil) -> [String] {
        site.routes.dialects.filter { has(dialect: $0.name) && (dialect ?? $0.name) == $0.name }
            .flatMap { type(of: $0).scopes.names }
    }

    /// A path below the tenant's address.
    package func tenantLink(path: String) -> Link {
        Link(path: call.head.rootPath + path) ?? link(path: "")
    }

    /// A page of the tenant that is none of this surface's, say `/sign-in`.
    package func tenantLink(_ path: StaticString, _ parts: String..., query: [(String, String?)] = []) -> Link {
        link(below: "", path, parts, query)
    }

    /// Whether whoever looks came from this list, as it was asked for.
    func cameFrom(_ path: StaticString) -> Bool { seen?.query(of: "\(path)") != nil }

    /// A page of this surface by its path alone, whichever list was seen.
    func link(path: StaticString) -> Link { link(below: site.basePath, path, [], [], isOfSeen: false) }

    /// `isOfSeen`: whether it leads to what was seen of a list, and keeps that on the way below it.
    func link(
        below base: String, _ path: StaticString, _ parts: [String], _ query: [(String, String?)],
        isOfSeen: Bool = true
    ) -> Link {
        var page = "\(path)"
        for part in parts { page += "/" + part.percentEncoded }
        var pairs = query.compactMap { name, value in value.map { (name, $0) } }
        // A thing of one book is there alone, whichever the page shows.
        let book = pairs.last { $0.0 == "mode" }?.1 ?? (isTest ? "test" : "live")
        pairs.removeAll { $0.0 == "mode" }
        let list = isOfSeen && !base.isEmpty ? seen : nil
        let filters = pairs.isEmpty ? list?.query(of: page) : nil
        pairs += list?.parameter(for: page) ?? []
        if book == "test", !base.isEmpty { pairs.append(("mode", book)) }
        let asked = [filters, pairs.isEmpty ? nil : PercentEncoding.query(pairs)].compactMap { $0 }
        let text = call.head.rootPath + base + page + (asked.isEmpty ? "" : "?" + asked.joined(separator: "&"))
        return Link(path: text.isEmpty ? "/" : text) ?? Link(path: "/")!
    }

    /// This page with other parameters in its query: nil takes one away. Another place in its list has another
    /// way back.
    package func here(_ changes: [(String, String?)] = []) -> Link {
        let isElsewhere = changes.contains { $0.0 == "cursor" }
        let kept = ((try? call.query())?.pairs ?? []).filter { pair in
            pair.name != "said" && !(isElsewhere && pair.name == "back") && !changes.contains { $0.0 == pair.name }
        }
        let pairs = kept.map { ($0.name, $0.value) } + changes.compactMap { name, value in value.map { (name, $0) } }
        let query = pairs.isEmpty ? "" : "?" + PercentEncoding.query(pairs)
        return Link(path: call.head.path + query) ?? Link(path: "/")!
    }

    // MARK: Calls

    /// Whether the caller may make this call, as far as role and scopes say: what nobody may press is not shown.
    package func may(_ method: HTTPCore.Method, _ path: String, of api: String? = nil) -> Bool {
        (try? judge(route(method, path, of: api))) != nil
    }

    /// The same of a call in one piece, say `POST /orders/{id}/refund`; a path alone is asked.
    func may(_ call: String) -> Bool {
        let (method, path) = Self.parts(of: call)
        return may(method, path)
    }

    func expects(_ call: String) throws(Refusal) {
        let (method, path) = Self.parts(of: call)
        try expects(method, path)
    }

    /// Throws the refusal of a caller who may not: there is no page then.
    func expects(_ method: HTTPCore.Method, _ path: String, of api: String? = nil) throws(Refusal) {
        let route = try route(method, path, of: api)
        if Self.isOfOneBookUntold(route) { calls.noteOneBook() }
        try judge(route)
    }

    private static func parts(of call: String) -> (HTTPCore.Method, String) {
        let parts = call.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, let method = HTTPCore.Method(rawValue: String(parts[0])) else { return (.get, call) }
        return (method, String(parts[1]))
    }

    private func route(_ method: HTTPCore.Method, _ path: String, of api: String?) throws(Refusal) -> Route {
        guard case .route(let served, _) = site.routes.find(method, (api ?? site.apiPath) + path) else {
            throw .notFound(.path)
        }
        return served.route
    }

    /// What the audit log calls `POST /api/admin/resellers/{id}/approve` in the words of that route's description; nil
    /// where no route is called so, as of what the scheduler does by itself.
    package func words(ofAction action: String) -> String? {
        let parts = action.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, let method = HTTPCore.Method(rawValue: String(parts[0])),
            case .route(let served, _) = site.routes.find(method, String(parts[1]))
        else { return nil }
        return served.route.summary
    }

    /// Whether a reseller looks that waits for approval: signed in, it reads neither book.
    var isOfApplicant: Bool { call.caller?.key.reseller?.projection.state == .pending }

    /// Calls that read a thing which the other book does not have.
    private static let thingsOfOneBook: Set<String> = [
        "/orders/{id}", "/services/{id}", "/webhooks/{id}", "/deliveries/{id}", "/reseller/webhooks/{id}",
        "/reseller/deliveries/{id}", "/reseller/ports/{id}", "/reseller/customers/{id}", "/customers/{id}",
        "/ports/{address}",
    ]

    /// What an API's GET route has to do, judged.
    package func work(_ path: String, _ query: [(String, String?)], of api: String?) throws(Refusal) -> Work {
        let whole = (api ?? site.apiPath) + path
        guard case .route(let served, let parameters) = site.routes.find(.get, whole) else {
            throw .notFound(.path)
        }
        try judge(served.route)
        var pairs = query.compactMap { name, value in value.map { (name, $0) } }
        let takesMode = served.route.parameters.contains { $0.name == "mode" }
        if takesMode { calls.noteBook() }
        if takesMode || site.testBook == .all, Self.thingsOfOneBook.contains(served.route.pattern) {
            calls.noteOneBook()
        }
        if takesMode, isTest, !pairs.contains(where: { $0.0 == "mode" }) { pairs.append(("mode", "test")) }
        let target = call.head.rootPath + whole + (pairs.isEmpty ? "" : "?" + PercentEncoding.query(pairs))
        // HEAD of a page that hands out a file asks what the API says to HEAD.
        let method: Method = call.head.method == .head ? .head : .get
        let head = RequestHead(method, target, [("Host", call.head.value(of: .host) ?? "localhost")])
        return try work(served, head, parameters)
    }

    /// What a call has to do that takes a body and changes nothing, judged. `fields`: the body's members, as a form's.
    func trial(
        _ path: String, _ fields: [(name: String, value: String)], of api: String?
    ) throws(Refusal) -> Work {
        let whole = (api ?? site.apiPath) + path
        guard case .route(let served, let parameters) = site.routes.find(.post, whole), served.route.moves == .nothing,
            let schema = served.route.takes
        else { throw .notFound(.path) }
        try judge(served.route)
        let head = RequestHead(
            .post, call.head.rootPath + whole,
            [("Host", call.head.value(of: .host) ?? "localhost"), ("Content-Type", "application/json")])
        return try work(
            served, head, parameters, body: schema.body(ofForm: fields, isChange: false).encoded())
    }

    /// The same look, with what is wrong with what was asked.
    func showing(_ attempt: Attempt) -> Visit {
        var visit = Visit(call, of: site, attempt: attempt, calls)
        visit.surroundings = surroundings
        return visit
    }

    /// What a page of the test book reads is read as by a key of mode `test`, whether or not its call takes `mode`: it
    /// shows nothing of the live book (X7).
    private func work(
        _ served: ServedRoute, _ head: RequestHead, _ parameters: [String], body: [UInt8] = []
    ) throws(Refusal) -> Work {
        let inner = Call(
            head: head, peer: call.peer, clientAddress: call.clientAddress, realm: call.realm,
            caller: isTest ? call.caller?.reading(.test) : call.caller,
            parameters: parameters, query: try served.query(of: head), body: body, requestID: call.requestID,
            now: call.now, baseURL: call.baseURL, services: call.services, list: served.action)
        do {
            return try served.route.handle(inner)
        } catch {
            throw Refusal(deciding: error) ?? .defect
        }
    }

    /// A page of the test book changes that book or what both share: never the live one, by a call that cannot be told
    /// which of them is meant (X7).
    func judgeBook(of route: Route) throws(Refusal) {
        if isTest, Self.isOfOneBookUntold(route) { throw .forbidden(.liveOnly) }
    }

    /// Whether a call changes one book, and cannot be told which.
    private static func isOfOneBookUntold(_ route: Route) -> Bool {
        route.moves == .oneBook && !route.parameters.contains { $0.name == "mode" }
    }

    private func judge(_ route: Route) throws(Refusal) {
        try judgeBook(of: route)
        switch call.realm {
        case .node(let provider): try route.judge(provider: provider.key)
        case .entrance: throw .unknownCredential
        case .tenant:
            if route.access.isOpen { return }
            let standing = call.known.key.reseller?.projection
            try route.judge(
                key: call.known.projection, resellerState: standing?.state, apiAccess: standing?.apiAccess ?? true)
        }
    }
}

/// A form that was refused: what was sent, and why it did not work. A value: any thread.
package struct Attempt: Sendable {
    /// Nil where nothing was tried: somebody goes on typing.
    package let refusal: Refusal?
    package let pairs: [(name: String, value: String)]
    /// The call that it would have made.
    package let call: String
    /// The fields that the page shows again, by their names.
    let fields = ShownFields()

    package init(_ refusal: Refusal?, _ pairs: [(name: String, value: String)], call: String) {
        self.refusal = refusal.map { Self.told($0, of: pairs) }
        self.pairs = pairs
        self.call = call
    }

    /// What an API says of an empty text, say that it is no integer, is for programs: to people, who left its field
    /// empty, it is missing.
    private static func told(_ refusal: Refusal, of pairs: [(name: String, value: String)]) -> Refusal {
        guard case .invalid(let errors) = refusal else { return refusal }
        let filled = Set(pairs.filter { !$0.value.isEmpty }.map { pointer(to: $0.name) })
        let empty = Set(pairs.map { pointer(to: $0.name) }).subtracting(filled)
        return .invalid(
            errors.map { error in
                ofForm.contains(error.code) && empty.contains(error.pointer)
                    ? FieldError(pointer: error.pointer, code: "required", detail: "is required") : error
            })
    }

    /// Codes of what a text is like.
    private static let ofForm: Set<String> = ["type", "length", "format", "choice"]

    /// `rows.0.sku` has the pointer `/rows/0/sku`.
    private static func pointer(to name: String) -> String { "/" + name.replacing(".", with: "/") }

    package func value(of name: String) -> String? { pairs.last { $0.name == name }?.value }

    /// What the page calls its field of this name, and that field's id.
    func field(_ name: String) -> (label: String, id: String)? { fields[name.isEmpty && isOfFile ? Self.file : name] }

    private static let file = "_file"
    /// Whether a file was sent: what is wrong with the whole body is wrong with that.
    private var isOfFile: Bool { value(of: "_type") != nil }

    /// What is wrong with the field of this name.
    package func error(of name: String) -> String? {
        let pointer = name == Self.file && isOfFile ? "" : Self.pointer(to: name)
        let errors = refusal?.fieldErrors ?? []
        // Of a list, which is typed in one field, what is wrong with one of its values.
        return (errors.first { $0.pointer == pointer } ?? errors.first { Self.isElement($0.pointer, of: pointer) })?
            .detail
    }

    private static func isElement(_ pointer: String, of list: String) -> Bool {
        guard pointer.hasPrefix(list + "/") else { return false }
        return pointer.dropFirst(list.count + 1).allSatisfy(\.isWholeNumber)
    }
}

/// What a page asked while it was written, as far as its frame has to know. Any thread.
final class AskedCalls: Sendable {
    private let isByBook = Mutex(false)
    private let isOfOne = Mutex(false)

    /// Whether there was one that is of the book that it is told.
    var namesBook: Bool { isByBook.withLock { $0 } }
    /// Whether the page is of the one book, and not there in the other: of a thing that is in that one, or nothing but
    /// the form of a call that pages of the test book do not make.
    var isOfOneBook: Bool { isOfOne.withLock { $0 } }

    func noteBook() { isByBook.withLock { $0 = true } }
    func noteOneBook() { isOfOne.withLock { $0 = true } }
}

/// What a page calls its fields, noted as they are written: what is wrong is said in those words. Any thread.
final class ShownFields: Sendable {
    private let known = Mutex<[String: (label: String, id: String)]>([:])

    func note(_ label: String, of name: String, id: String) {
        known.withLock { known in known[name] = known[name] ?? (label, id) }
    }

    /// Of `events.0` the first of the field `events`, where it has no part of that name.
    subscript(_ name: String) -> (label: String, id: String)? {
        known.withLock { known in
            if let own = known[name] { return own }
            guard let dot = name.lastIndex(of: "."), let list = known[String(name[..<dot])] else { return nil }
            return (Int(name[name.index(after: dot)...]).map { "\(list.label), \($0 + 1)" } ?? list.label, list.id)
        }
    }
}

/// Queries whose names and values are data.
enum PercentEncoding {
    static func query(_ pairs: [(String, String)]) -> String {
        pairs.map { "\($0.0.percentEncoded)=\($0.1.percentEncoded)" }.joined(separator: "&")
    }
}
