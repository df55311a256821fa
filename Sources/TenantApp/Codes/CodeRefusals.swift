import CallKit

extension Missing {
    /// Whoever has a code redeems it.
    static let code = Missing("code", isGuessable: true)
    static let subscriber = Missing("subscriber")
}

extension Forbidden {
    static let operatorActivates = Forbidden("operator_activates", "The operator activates accounts here.")
}

extension Conflict {
    static let subscriberEmailTaken = emailTaken.saying(
        "There is an account with this email address: log in with its password.")
    static let codeRedeemed = Conflict("code_redeemed", "This code has been redeemed already.")
    static let subscriptionTooLong = Conflict("subscription_too_long", "The subscription cannot be made longer.")
}
