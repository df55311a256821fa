import CallKit
import HTTPCore
import TenantRegistry

/// The hundreds of a status.
enum StatusClass {
    static let range: ClosedRange<Int64> = 1...5
    static let names = range.map { "\($0)xx" }
    static let expected = "must be one of \(names.joined(separator: ", "))"

    static func parse(_ text: String) -> Int64? {
        let digit = names.contains(text) ? String(text.prefix(1)) : text
        return digit.utf8.count == 1 ? Int64(digit).flatMap { range.contains($0) ? $0 : nil } : nil
    }
}

/// Which deliveries somebody asks for, by the names that callers have.
struct AskedDeliveries: Sendable {
    var states: Set<DeliveryState> = []
    var types: Set<EventType> = []
    var endpoint: String?
    var event: String?
    var statusClass: Int64?
    var since: Timestamp?
    var until: Timestamp?

    init() {}

    static func parameters(_ style: WebhookStyle) -> [Parameter] {
        let list = Schema.matching("^[a-z_.]+(,[a-z_.]+)*$")
        var all: [Parameter] = [
            .limit, .cursor, .query("state", list), .query("type", list), .query("endpoint"), .query("event"),
            .query("status_class", .one(of: StatusClass.names)), .query("since", AnyTime.text),
            .query("until", AnyTime.text),
        ]
        if !style.isNative { all.append(.query("statusClass", .one(of: StatusClass.names))) }
        return all
    }

    init(_ query: Query) throws(Refusal) {
        states = try query.choices(query.either("state", "status"))
        types = try query.choices("type")
        endpoint = try query.id("endpoint")
        event = try query.id("event")
        let name = try query.either("status_class", "statusClass")
        statusClass = try query[name].map { text throws(Refusal) in
            guard let known = StatusClass.parse(text) else { throw .field("/\(name)", "choice", StatusClass.expected) }
            return known
        }
        (since, until) = (try query.anyTime("since"), try query.anyTime("until"))
        if let since, let until, since > until { throw .field("/since", "range", "must not be after until") }
    }

    /// As callers say it.
    var written: String {
        var json = JSONWriter(reserving: 256)
        json.object { json in
            json.array("states") { json in for state in states.map(\.rawValue).sorted() { json.element(state) } }
            json.array("types") { json in for type in types.map(\.rawValue).sorted() { json.element(type) } }
            json.field("endpoint", endpoint)
            json.field("status_class", statusClass.map { "\($0)xx" })
            json.field("since", since?.text)
            json.field("until", until?.text)
        }
        return String(decoding: json.bytes, as: UTF8.self)
    }

    /// Of these callers: what is somebody else's is not there.
    func filter(_ tenant: TenantReader, resellerID: Int64?, book: Book) throws -> DeliveryFilter {
        var filter = DeliveryFilter(book: book, resellerID: resellerID)
        (filter.states, filter.types, filter.statusClass) = (states, types, statusClass)
        (filter.since, filter.until) = (since, until)
        if let endpoint {
            guard let id = try tenant.endpointID(endpoint, resellerID: resellerID, book: book) else {
                throw Refusal.notFound(.webhook)
            }
            filter.endpointID = id
        }
        if let event {
            guard let id = try tenant.eventID(event, resellerID: resellerID, book: book) else {
                throw Refusal.notFound(.event)
            }
            filter.eventID = id
        }
        return filter
    }
}

/// Where a page of deliveries begins.
struct DeliveryPage: Sendable {
    let limit: Int
    let before: DeliveryPlace
    private let seal: CursorSeal

    init(_ call: Call) throws(Refusal) {
        let query = try call.query()
        let seal = try CursorSeal(call)
        self.seal = seal
        limit = try Paging.limit(query)
        before =
            try query["cursor"].map { text throws(Refusal) in
                let bytes = try seal.open(text)
                guard let at = bytes.place(0), let id = bytes.place(1) else { throw .badQuery(.unknownCursor) }
                return DeliveryPlace(at: at, id: id)
            } ?? .newest
    }

    /// One more than is shown.
    var fetch: Int { limit + 1 }

    func cursor(behind delivery: Delivery) -> String {
        seal.seal([UInt8](places: delivery.place.at, delivery.place.id))
    }

    func answer(_ rows: [Delivery], _ shape: Shape<Delivery>, _ style: WebhookStyle, in currency: Currency) -> Answer {
        if style.isNative {
            return Paging.answer(rows, limit: limit, cursor: cursor(behind:)) { row, json in
                shape.write(row, in: currency, to: &json)
            }
        }
        let shown = rows.prefix(limit)
        return .json { json in
            json.array("deliveries") { json in
                for row in shown { json.object { json in shape.write(row, in: currency, to: &json) } }
            }
            json.field("hasMore", rows.count > limit)
            json.field("nextCursor", rows.count > limit ? shown.last.map(cursor(behind:)) : nil)
        }
    }

    static func gives(_ shape: Shape<Delivery>, _ style: WebhookStyle) -> Success {
        if style.isNative { return .list(shape) }
        return .read([
            "deliveries": .array(of: shape.schema), "hasMore": .boolean, "nextCursor": .string.nullable,
        ])
    }
}
