package import CallKit
import Cryptography
package import TenantRegistry

/// Writes a pending payment for a top-up, before the payment service is asked for its page (A6).
///
/// Keys of mode `test` are always served by the sandbox; live ones by what the operator configured. A call that is
/// repeated with its Idempotency-Key before it was answered goes on with the payment that it had begun.
package struct CreateTopUp: Sendable {
    /// Within `PaymentTerms.amounts`, in whole minor units.
    package let amount: Money
    package let resellerID: Int64
    package let book: Book
    package let keyID: Int64
    package let idempotencyKey: String?

    package init(amount: Money, resellerID: Int64, book: Book, keyID: Int64, idempotencyKey: String?) {
        self.amount = amount
        self.resellerID = resellerID
        self.book = book
        self.keyID = keyID
        self.idempotencyKey = idempotencyKey
    }

    /// The payment, and what its page is asked for with. It is confirmed where an earlier call with the same
    /// Idempotency-Key had begun it and the service reported its money before that call was answered.
    package func run(
        _ tenant: TenantTransaction, _ detail: inout AuditDetail
    ) throws -> (payment: Payment, driver: PaymentDriverSettings) {
        let driver = try settings(tenant)
        if let idempotencyKey,
            let begun = try tenant.unfinishedPayment(
                resellerID: resellerID, book: book, idempotencyKey: idempotencyKey),
            [.pending, .confirmed].contains(begun.state(at: tenant.now)), begun.driver == driver.kind
        {
            guard begun.amount == amount else { throw Refusal.idempotencyKeyReused }
            detail.note("payment", begun.publicID)
            return (begun, driver)
        }
        let capability = Hex.encode(tenant.store.random.bytes(PaymentTerms.capabilityBytes))
        let payment = try tenant.insertPayment(
            NewPayment(
                orderID: PaymentTerms.orderID(reseller: resellerID, capability: capability), book: book,
                resellerID: resellerID, keyID: keyID, driver: driver.kind, amount: amount,
                idempotencyKey: idempotencyKey),
            detail: &detail)
        detail.note("payment", payment.publicID)
        detail.note("amount", tenant.decimal(amount))
        return (payment, driver)
    }

    private func settings(_ tenant: TenantReader) throws -> PaymentDriverSettings {
        if book == .test { return .sandbox }
        guard let service = try tenant.paymentService() else { throw Refusal.noPaymentService }
        switch service.driver {
        case .sandbox: return .sandbox
        case .http:
            guard let url = service.createURL, let callback = service.callbackURL, let back = service.returnURL,
                let key = try tenant.paymentAPIKey(of: service.id)
            else { throw Refusal.defect }
            return .http(
                HTTPPaymentDriver.Settings(createURL: url, apiKey: key, callbackURL: callback, returnURL: back))
        }
    }
}

/// What a driver is made of, as the tenant's file has it at the beginning of a top-up.
package enum PaymentDriverSettings: Sendable {
    case sandbox
    case http(HTTPPaymentDriver.Settings)

    package var kind: PaymentDriverKind {
        switch self {
        case .sandbox: .sandbox
        case .http: .http
        }
    }
}

extension Refusal {
    package static let noPaymentService = Refusal.unavailable(.paymentServiceNotConfigured)
}
