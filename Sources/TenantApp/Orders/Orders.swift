package import CallKit
import SQLite
package import TenantRegistry

package enum OrderState: String, Sendable, CaseIterable, AnswerValue {
    /// Its money is held until it is decided.
    case pending
    case completed
    case rejected
}

package struct Order: Sendable {
    package let id: Int64
    package let publicID: String
    package let book: Book
    package let resellerID: Int64
    package let resellerPublicID: String
    package let sku: String
    package let productID: Int64
    package let term: Term
    package let quantity: Int64
    package let total: Money
    package let lineTotal: Money
    package let setupTotal: Money
    package let state: OrderState
    package let customerExternalID: String?
    /// The reseller's own name of it.
    package let reference: String?
    package let createdAt: Timestamp
    package let decidedAt: Timestamp?
    private let decidedUnits: (ready: Int64, rejected: Int64)?
    /// Why it was rejected, or some of its units.
    package let reason: String?
    /// What of it was paid back (O10).
    package let refunded: Money
    package var revision: Int64

    /// Units that were carried out.
    package var readyUnits: Int64 { decidedUnits?.ready ?? (state == .completed ? quantity : 0) }
    /// Units that were rejected.
    package var rejectedUnits: Int64 { decidedUnits?.rejected ?? (state == .rejected ? quantity : 0) }

    static let columns = Columns<Order>(
        "o.id", "o.public_id", "o.book", "o.reseller_id", "r.public_id", "p.sku", "o.product_id", "o.term",
        "o.quantity", "o.wholesale_total", "o.line_total", "o.setup_total", "o.state", "c.external_id",
        "o.reference", "o.created_at", "o.decided_at", "u.ready_units", "u.rejected_units", "u.reason",
        "coalesce((SELECT sum(f.amount) FROM refund f WHERE f.order_id = o.id), 0) AS refunded", "o.revision")
    static let tables = """
        orders o JOIN reseller r ON r.id = o.reseller_id JOIN product p ON p.id = o.product_id \
        JOIN customer c ON c.id = o.customer_id LEFT JOIN order_outcome u ON u.order_id = o.id
        """
    fileprivate static let byID = Statement("SELECT \(columns) FROM \(tables) WHERE o.id = ?1")
    fileprivate static let byPublicID = Statement(
        """
        SELECT \(columns) FROM \(tables)
        WHERE o.public_id = ?1 AND (?2 IS NULL OR o.reseller_id = ?2) AND (?3 IS NULL OR o.book = ?3)
        """)

    init(_ row: inout RowReader) throws {
        id = try row.int()
        publicID = try row.text()
        book = try row.value()
        resellerID = try row.int()
        resellerPublicID = try row.text()
        sku = try row.text()
        productID = try row.int()
        term = try row.value()
        quantity = try row.int()
        total = try row.money()
        lineTotal = try row.money()
        setupTotal = try row.money()
        state = try row.value()
        customerExternalID = try row.optionalText()
        reference = try row.optionalText()
        createdAt = try row.time()
        decidedAt = try row.optionalTime()
        let (ready, rejected) = (try row.optionalInt(), try row.optionalInt())
        decidedUnits = if let ready, let rejected { (ready, rejected) } else { nil }
        reason = try row.optionalText()
        refunded = try row.money()
        revision = try row.int()
    }

    /// One that has just been written.
    fileprivate init(_ new: NewOrder, id: Int64, publicID: String, at now: Timestamp) {
        self.id = id
        self.publicID = publicID
        book = new.book
        resellerID = new.reseller.id
        resellerPublicID = new.reseller.publicID
        sku = new.sku
        productID = new.productID
        term = new.term
        quantity = new.quantity
        total = new.price.total
        lineTotal = new.price.line
        setupTotal = new.price.setup
        state = new.state
        customerExternalID = new.customer.externalID
        reference = new.reference
        createdAt = now
        decidedAt = new.state == .completed ? now : nil
        decidedUnits = nil
        reason = nil
        refunded = .zero
        revision = 1
    }
}

/// An order about to be written.
package struct NewOrder: Sendable {
    package var book: Book
    package var reseller: Reseller
    package var customer: Customer
    package var productID: Int64
    package var sku: String
    package var term: Term
    package var quantity: Int64
    package var price: OrderPrice
    package var state: OrderState
    package var keyID: Int64
    package var idempotencyKey: String?
    package var reference: String?
}

extension TenantReader {
    /// Of one reseller and book, or of any where `resellerID` is nil.
    package func order(publicID: String, resellerID: Int64?, book: Book?) throws -> Order? {
        try connection.row(
            Order.byPublicID, .text(publicID), .optional(resellerID), .optional(book?.rawValue), read: Order.init)
    }

    package func order(id: Int64) throws -> Order? {
        try connection.row(Order.byID, .integer(id), read: Order.init)
    }

    /// What an order of an hourly term costs as it accrues, at the price that it was placed at; nil for other terms.
    func hourlyPrice(of order: Order) throws -> HourlyPrice? {
        guard order.term == .hourly else { return nil }
        let unit = try connection.row(
            "SELECT term_price, discount_rate FROM orders WHERE id = ?1", .integer(order.id)
        ) { Pricing.unit(termPrice: try $0.money(), rate: try $0.percent()) }
        guard let unit else { throw Refusal.defect }
        return try HourlyPrice(unit, quantity: order.quantity, currency: currency)
    }
}

extension TenantTransaction {
    /// With revision 1: its event is written with it (`emitNew`).
    package func insertOrder(_ order: NewOrder, publicID: String, posting: Int64) throws -> Order {
        let now = now
        try connection.run(
            """
            INSERT INTO orders (public_id, book, reseller_id, customer_id, product_id, term, quantity, term_price,
                discount_rate, line_total, setup_total, wholesale_total, state, posting_id, key_id, idempotency_key,
                created_at, decided_at, reference, reference_folded, revision)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, 1)
            """
        ) { row in
            row.text(publicID)
            row.book(order.book)
            row.int(order.reseller.id)
            row.int(order.customer.id)
            row.int(order.productID)
            row.text(order.term.rawValue)
            row.int(order.quantity)
            row.money(order.price.termPrice)
            row.int(order.price.rate.partsPerMillion)
            row.money(order.price.line)
            row.money(order.price.setup)
            row.money(order.price.total)
            row.text(order.state.rawValue)
            row.int(posting)
            row.int(order.keyID)
            row.text(order.idempotencyKey)
            row.time(now)
            row.time(order.state == .completed ? now : nil)
            row.text(order.reference)
            row.text(order.reference?.folded)
        }
        return Order(order, id: connection.lastInsertedRowID, publicID: publicID, at: now)
    }

    /// `posting`: nil where its units were decided one by one, each with its own.
    package func decide(_ order: Order, as state: OrderState, posting: Int64?, by account: Int64) throws {
        try connection.run(
            "UPDATE orders SET state = ?2, decided_posting_id = ?3, decided_at = ?4, decided_by = ?5 WHERE id = ?1",
            .integer(order.id), .text(state.rawValue), .optional(posting), .time(now), .integer(account))
    }
}
