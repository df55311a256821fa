import CallKit

extension Unprocessable {
    static let belowCreditLimit = Unprocessable(
        "below_credit_limit", "A correction takes the balance down to minus the credit limit at most.",
        pointer: "/amount")
    static let balanceTooLarge = amountTooLarge.saying(
        "The balance would be larger than any balance can be.", pointer: "/amount")
}
