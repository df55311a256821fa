import CallKit

extension Missing {
    static let order = Missing("order")
    static let service = Missing("service")
    static let customer = Missing("customer")
}

extension Conflict {
    static func maxQuantityExceeded(_ cap: Int64, held: Int64) -> Conflict {
        Conflict("max_quantity_exceeded", "At most \(cap) units can be held at once; \(held) are.")
    }

    static func orderNotPending(_ state: OrderState) -> Conflict {
        Conflict("order_not_pending", "The order is \(state.rawValue).")
    }

    static let orderPending = Conflict(
        "order_pending",
        "Units of the order are still open: nothing of it is refunded before all of them are decided.")
    static let nothingDue = Conflict("nothing_due", "Nothing of the service is past due.")
    static let notEnding = Conflict("not_ending", "The service does not end with its term.")
    static let endedByOperator = Conflict(
        "ended_by_operator", "The operator has the service end; the operator alone can take that back.")

    static let endedByReseller = Conflict(
        "ended_by_reseller", "The reseller has the service end; the reseller alone can take that back.")

    static func service(_ state: ServiceState, cannot move: ChangeService.Move) -> Conflict {
        switch state {
        case .pending: Conflict("service_pending", "A service that is pending cannot be moved by \(move.rawValue).")
        case .active: Conflict("service_active", "A service that is active cannot be moved by \(move.rawValue).")
        case .pastDue: Conflict("service_past_due", "A service that is past_due cannot be moved by \(move.rawValue).")
        case .suspended:
            Conflict("service_suspended", "A service that is suspended cannot be moved by \(move.rawValue).")
        case .cancelled:
            Conflict("service_cancelled", "A service that is cancelled cannot be moved by \(move.rawValue).")
        }
    }
}

extension Unavailable {
    static let clockNotBelieved = Unavailable(
        "clock_not_believed", "The node's clock has leapt; no service is charged or ends by it until it is believed.",
        retryAfterSeconds: 60)
    static let payingDue = busy.saying("The services that were due before are being paid first; nothing was done.")
}

extension Unprocessable {
    static let totalTooLarge = amountTooLarge.saying("The total is larger than any balance can be.")
    static let unitsTooDear = totalTooLarge.saying(totalTooLarge.text, pointer: "/quantity")

    static func refundExceedsCaptured(rest: String) -> Unprocessable {
        Unprocessable(
            "refund_exceeds_captured", "At most \(rest) can still be paid back of this.", pointer: "/amount")
    }

    static func termNotPriced(_ sku: String, _ term: Term) -> Unprocessable {
        Unprocessable("term_not_priced", "\(sku) is not sold for the \(term.rawValue) term.", pointer: "/term")
    }
}
