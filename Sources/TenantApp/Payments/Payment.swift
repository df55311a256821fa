package import CallKit

/// Where a top-up's payment is (A6).
package enum PaymentState: String, Sendable, CaseIterable, AnswerValue {
    case pending
    /// The money has come and the balance has it.
    case confirmed
    case failed
    case expired
}

/// What becomes of a payment's money, as the payment service reports it.
package enum PaymentReport: String, Sendable, CaseIterable {
    case confirmed
    case failed
    case expired

    package var state: PaymentState {
        switch self {
        case .confirmed: .confirmed
        case .failed: .failed
        case .expired: .expired
        }
    }
}

/// What a report means for a payment in a state. A payment is decided once: it leaves `pending` and never moves again.
package enum PaymentDecision: Sendable, Equatable {
    case move(PaymentState)
    /// Told before, or no money came in the one way or the other.
    case nothing
    /// Money came after the payment had ended, or was taken back after it had come: for a person to look at.
    case contradiction

    package init(_ report: PaymentReport, in state: PaymentState) {
        switch (state, report) {
        case (.pending, _): self = .move(report.state)
        case (.confirmed, .confirmed): self = .nothing
        case (.failed, .failed), (.failed, .expired), (.expired, .failed), (.expired, .expired): self = .nothing
        case (.confirmed, _), (.failed, .confirmed), (.expired, .confirmed): self = .contradiction
        }
    }
}

/// Who takes the money.
package enum PaymentDriverKind: String, Sendable, CaseIterable, AnswerValue {
    /// A hosted-payment service.
    case http
    /// A page of the gateway's own where nobody pays anything: for test keys and demonstrations.
    case sandbox
}

package enum PaymentTerms {
    /// A6: at least 10 of the currency unit; the upper end keeps a slip of the finger from a payment page.
    package static let amounts = Money(micros: 10_000_000)...Money(micros: 1_000_000_000_000)
    /// A payment that nobody has decided by then is shown as expired. Money that comes later all the same is credited.
    package static let seconds: Int64 = 24 * 3600
    /// Of an order id: it opens the payment's status, and in the sandbox pays.
    package static let capabilityBytes = 16

    /// `reseller_topup_<reseller>_<128 random bits in hexadecimal>`.
    package static func orderID(reseller: Int64, capability: String) -> String {
        "reseller_topup_\(reseller)_\(capability)"
    }
}
