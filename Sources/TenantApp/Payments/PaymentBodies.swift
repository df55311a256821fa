import CallKit
import TenantRegistry

/// Top-ups as wholesale orders and proxy ports write them (W6, X4).
enum PaymentBodies {
    /// A payment of a reseller's own, and what it has now.
    struct Shown: Sendable {
        let payment: Payment
        let balance: Money
        let at: Timestamp
    }

    // MARK: Native

    static let topUp = Body(Field.payable("amount", PaymentTerms.amounts))
    struct Begun: Sendable {
        let payment: Payment
        let url: String
    }
    static let begun = Shape<Begun>([
        .ok, .member("id", \.payment.publicID), .member("order_id", \.payment.orderID),
        .member("payment_url", \.url), .member("status", \.payment.state), .member("amount", \.payment.amount),
        .currency("currency"), .member("expires_at", \.payment.expiresAt),
    ])
    static let shown = Shape<Shown>(
        "TopUp",
        [
            .member("id", \.payment.publicID), .member("order_id", \.payment.orderID),
            .member("status") { $0.payment.state(at: $0.at) }, .member("amount", \.payment.amount),
            .currency("currency"), .member("payment_url", \.payment.paymentURL),
            .member("created_at", \.payment.createdAt), .member("expires_at", \.payment.expiresAt),
            .member("decided_at", \.payment.decidedAt), .member("balance", \.balance),
        ])

    // MARK: Proxy ports

    static let begunOfPorts = Shape<Begun>([
        .ok, .member("_id", \.payment.publicID), .member("orderId", \.payment.orderID), .member("paymentUrl", \.url),
        .member("status", \.payment.state), .number("amount", \.payment.amount), .currency("currency"),
        .member("expiresAt", \.payment.expiresAt.milliseconds),
    ])
    static let shownOfPorts = Shape<Shown>(
        "TopUp",
        [
            .member("_id", \.payment.publicID), .member("orderId", \.payment.orderID),
            .member("status") { $0.payment.state(at: $0.at) }, .number("amount", \.payment.amount),
            .currency("currency"), .member("paymentUrl", \.payment.paymentURL),
            .member("createdAt", \.payment.createdAt.milliseconds),
            .member("expiresAt", \.payment.expiresAt.milliseconds), .number("balance", \.balance),
        ])
}

extension TenantReader {
    /// A payment of the caller's own, by its id or the order id that it was begun with.
    func ownPayment(_ id: String, resellerID: Int64, book: Book) throws -> PaymentBodies.Shown {
        let payment = try payment(publicID: id) ?? payment(orderID: id)
        guard let payment, payment.resellerID == resellerID, payment.book == book else {
            throw Refusal.notFound(.payment)
        }
        let balance = try balance(.balance(reseller: resellerID), book: book)
        return PaymentBodies.Shown(payment: payment, balance: balance, at: now)
    }
}
