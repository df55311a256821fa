import CallKit
import HTTPCore
import TenantRegistry

/// Which orders or services somebody asks for, by the names that callers have (O10, W6).
struct AskedOrders: Sendable {
    private var states: Set<OrderState> = []
    private var serviceStates: Set<ServiceState> = []
    private var reseller: String?
    private var product: String?
    private var order: String?
    private var customer: String?
    private var reference: String?
    private var idempotencyKey: String?
    private var text: String?
    private var period: (from: Timestamp?, to: Timestamp?) = (nil, nil)

    // MARK: The operator's

    private static let ofAll: [Parameter] = [
        .mode, .query("reseller"), .query("product", .id(FieldReader.skuCharactersMax)), .query("customer"),
        .query("reference"), .search, .from, .to,
    ]
    static let ofOrders = [.choices("state", OrderState.self)] + ofAll
    /// `status`: the state, by the name that a service has it under.
    static let ofServices =
        [.choices("state", ServiceState.self), .choices("status", ServiceState.self), .query("order")] + ofAll

    static func orders(_ query: Query) throws(Refusal) -> AskedOrders {
        var asked = try AskedOrders(ofAll: query)
        asked.states = try query.choices("state")
        return asked
    }

    static func services(_ query: Query) throws(Refusal) -> AskedOrders {
        var asked = try AskedOrders(ofAll: query)
        asked.serviceStates = try query.choices(query.either("state", "status"))
        asked.order = try query.id("order")
        return asked
    }

    private init(ofAll query: Query) throws(Refusal) {
        reseller = try query.id("reseller")
        product = try query.id("product", charactersMax: FieldReader.skuCharactersMax)
        customer = try query.id("customer")
        reference = try query.id("reference")
        text = try query.search()
        period = try query.period()
    }

    // MARK: A reseller's own

    private static let ofOwn: [Parameter] = .page(
        .mode, .query("product", .id(FieldReader.skuCharactersMax)), .query("customer"), .from, .to)
    static let ofOwnOrders =
        ofOwn + [
            .choices("state", OrderState.self), .query("reference"),
            .query("idempotency_key", .matching("^[!#-~]{1,255}$")),
        ]
    static let ofOwnServices = ofOwn + [.choices("status", ServiceState.self), .query("order")]

    static func ownOrders(_ query: Query) throws(Refusal) -> AskedOrders {
        var asked = try AskedOrders(ofOwn: query)
        asked.states = try query.choices("state")
        asked.reference = try query.id("reference")
        asked.idempotencyKey = try query["idempotency_key"].map { sent throws(Refusal) in
            guard let key = IdempotencyKey(sent) else {
                throw .field("/idempotency_key", "format", "must be 1 to 255 printable ASCII characters without spaces")
            }
            return key.text
        }
        return asked
    }

    static func ownServices(_ query: Query) throws(Refusal) -> AskedOrders {
        var asked = try AskedOrders(ofOwn: query)
        asked.serviceStates = try query.choices("status")
        asked.order = try query.id("order")
        return asked
    }

    private init(ofOwn query: Query) throws(Refusal) {
        product = try query.id("product", charactersMax: FieldReader.skuCharactersMax)
        customer = try query.id("customer")
        period = try query.period()
    }

    // MARK: As the file has it

    /// Of one reseller, or of whichever is asked for. What is not there, or somebody else's, is not found; a customer
    /// and a reference are the caller's own words, of which there may be none. A reseller is not told which products
    /// there are that it has never ordered.
    func filter(_ tenant: TenantReader, resellerID: Int64? = nil, book: Book) throws -> OrderFilter {
        var filter = OrderFilter(book: book, resellerID: try resellerID ?? tenant.resellerID(filter: reseller))
        (filter.states, filter.serviceStates) = (states, serviceStates)
        filter.productID = try product.map { sku in
            if let known = try tenant.product(sku: sku) { return known.id }
            guard resellerID != nil else { throw Refusal.notFound(.product) }
            // No product has the id 0.
            return 0
        }
        filter.orderID = try order.map { id in
            guard let known = try tenant.order(publicID: id, resellerID: resellerID, book: book) else {
                throw Refusal.notFound(.order)
            }
            return known.id
        }
        (filter.customer, filter.reference, filter.idempotencyKey) = (customer, reference, idempotencyKey)
        (filter.text, filter.from, filter.to) = (text, period.from, period.to)
        return filter
    }

    // MARK: Answers

    /// A page of what is asked for.
    static func list<Row: Sendable>(
        _ call: Call, _ asked: AskedOrders, of resellerID: Int64? = nil, in book: Book, _ list: SearchedList<Row>,
        _ shape: Shape<Row>
    ) throws -> Work {
        let page = try Paging(call)
        return .flow { steps in
            var walk = try await SearchWalk(steps, list, below: page.before) {
                try asked.filter($0, resellerID: resellerID, book: book)
            }
            let (rows, next) = try await walk.page(steps, limit: page.limit)
            return .answer(page.answer(found: rows, next: next, shape, in: call.currency))
        }
    }
}
