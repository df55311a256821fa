package import CallKit
import Synchronization
import TenantRegistry

/// A top-up from its call to its page: the payment is written, then the driver is asked, then what it said is written
/// and answered. Nothing waits on a loop or a lane, and a crash between two steps leaves a payment that the same call,
/// repeated with its Idempotency-Key, goes on with.
package struct TopUpFlow: Sendable {
    package let call: Call
    package let create: CreateTopUp
    /// How the dialect says where to pay.
    package let answer: @Sendable (_ payment: Payment, _ url: String) -> Answer

    /// The payment service is slow to come back: not before so long.
    static let retryAfterSeconds = 30

    package init(call: Call, create: CreateTopUp, answer: @escaping @Sendable (Payment, String) -> Answer) {
        self.call = call
        self.create = create
        self.answer = answer
    }

    package var work: Work {
        .flow { steps in
            let (order, begun, settings) = try await steps.write { tenant, detail in
                let (payment, settings) = try create.run(tenant, &detail)
                let order = PaymentOrder(
                    orderID: payment.orderID, publicID: payment.publicID, tenant: tenant.tenantID,
                    amount: tenant.decimal(payment.amount), currency: tenant.currency.code)
                return (order, payment, settings)
            }
            if begun.state == .confirmed, let url = settings.page(of: begun) { return answering(begun, url) }
            let outcome = try await ask(driver(settings), order, steps)
            let finish = FinishTopUp(paymentID: begun.id, outcome: outcome)
            guard case .failure(let failure) = outcome else {
                return .write { tenant, detail in
                    let payment = try finish.run(tenant, &detail)
                    guard let url = payment.paymentURL else { throw Refusal.defect }
                    return answer(payment, url)
                }
            }
            call.services.fleet.report("\(call.requestID.text): \(failure.logText)")
            let left = try await steps.write { tenant, detail in try finish.run(tenant, &detail) }
            guard let url = settings.page(of: left) else { throw Refusal.unavailable(.paymentServiceUnavailable) }
            // It is not so that nothing was begun: whoever tried again would pay twice.
            return answering(left, url)
        }
    }

    private func answering(_ known: Payment, _ url: String) -> Work {
        .write { tenant, detail in
            let payment = try tenant.knownPayment(id: known.id)
            detail.note("payment", payment.publicID)
            return answer(payment, url)
        }
    }

    private func driver(_ settings: PaymentDriverSettings) -> any PaymentDriver {
        switch settings {
        case .sandbox: SandboxPaymentDriver(baseURL: call.baseURL)
        case .http(let settings):
            HTTPPaymentDriver(
                settings, outbound: call.services.outbound, payer: call.payer)
        }
    }

    private func ask(
        _ driver: any PaymentDriver, _ order: PaymentOrder, _ steps: Steps
    ) async throws -> Result<CreatedPayment, PaymentFailure> {
        try await steps.callback { done in
            let isJoined = call.services.shared(PaymentsBegun.self).join(order.orderID) {
                done(.success($0))
            } begin: { arrived in
                driver.create(order, then: arrived)
            }
            if !isJoined { done(.failure(LaneFailure.tooManyWaiting)) }
        }
    }
}

extension PaymentDriverSettings {
    /// Where the payer goes when this call was told no page: to the page that another call with its Idempotency-Key was
    /// told, or to the return page where the money was reported first. Nil where there is nothing to pay or to thank
    /// for.
    fileprivate func page(of payment: Payment) -> String? {
        switch (payment.state, self) {
        case (.pending, _): payment.paymentURL
        case (.confirmed, .http(let settings)): payment.paymentURL ?? settings.returnURL
        case (.confirmed, .sandbox): payment.paymentURL
        case (.failed, _), (.expired, _): nil
        }
    }
}

/// Payments whose driver is being asked now: a call that repeats one joins it instead of asking beside it.
///
/// Bounded by the driver's own calls, and `waitersMax` for each. Any thread.
package final class PaymentsBegun: ProcessState {
    package typealias Arrived = @Sendable (Result<CreatedPayment, PaymentFailure>) -> Void
    private static let waitersMax = 32
    private let waiters = Mutex<[String: [Arrived]]>([:])

    package init() {}

    /// `arrived` is told what `begin` brings, or what a call that began before brings. False where too many wait
    /// already: then it is not called.
    package func join(_ orderID: String, _ arrived: @escaping Arrived, begin: (@escaping Arrived) -> Void) -> Bool {
        enum Place { case first, behind, full }
        let place = waiters.withLock { waiters -> Place in
            guard let others = waiters[orderID] else {
                waiters[orderID] = [arrived]
                return .first
            }
            guard others.count < Self.waitersMax else { return .full }
            waiters[orderID] = others + [arrived]
            return .behind
        }
        switch place {
        case .behind: return true
        case .full: return false
        case .first:
            begin { [self] outcome in
                let all = waiters.withLock { $0.removeValue(forKey: orderID) ?? [] }
                for waiter in all { waiter(outcome) }
            }
            return true
        }
    }
}
