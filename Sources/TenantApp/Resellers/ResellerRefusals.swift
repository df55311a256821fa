package import CallKit
import TenantRegistry

extension Missing {
    package static let reseller = Missing("reseller")
    /// Their links are the credential.
    package static let invitation = Missing("invitation", isGuessable: true)
    package static let passwordReset = Missing("password_reset", isGuessable: true)
}

extension Forbidden {
    static let resellerHasNoKeys = Forbidden("reseller_not_active", "Only an active reseller has keys and secrets.")
    static let pendingHasTestKeys = resellerHasNoKeys.saying(
        "Before the reseller is approved it has keys of mode test alone.")
}

extension Crowded {
    static let applicationsFull = Crowded(
        "applications_full", "Too many applications are waiting for the operator; try again later.",
        retryAfterSeconds: 3_600)
}

extension Conflict {
    static let applicationLapsed = Conflict(
        "application_lapsed", "The application has waited too long and has lapsed; whoever made it may apply again.")
    static let personDisabled = Conflict("person_disabled", "This person is disabled.")
    static let emailTaken = Conflict(
        "email_taken", "There is an account with this e-mail address.", pointer: "/email")
    static let passwordSet = Conflict(
        "password_set", "A password is set for this account, so no invitation is open; the password can be reset.")
    static let resellerTerminated = Conflict("reseller_terminated", "The reseller is terminated.")
    static let terminatedGetsNoKeys = resellerTerminated.saying("A terminated reseller gets no keys.")
    private static let resellerPending = Conflict("reseller_pending", "The reseller waits for approval.")
    static let pendingGetsNoLiveKeys = resellerPending.saying(
        "A reseller that waits for approval gets keys of mode test alone.")
    static let terminatedGetsNoWebhooks = resellerTerminated.saying("A terminated reseller receives no webhooks.")

    static func reseller(_ state: ResellerState, cannot move: ResellerState.Move) -> Conflict {
        switch state {
        case .pending: resellerPending.saying("A reseller that is pending cannot be moved by \(move.rawValue).")
        case .active: Conflict("reseller_active", "A reseller that is active cannot be moved by \(move.rawValue).")
        case .suspended:
            Conflict("reseller_suspended", "A reseller that is suspended cannot be moved by \(move.rawValue).")
        case .terminated:
            resellerTerminated.saying("A reseller that is terminated cannot be moved by \(move.rawValue).")
        }
    }
}
