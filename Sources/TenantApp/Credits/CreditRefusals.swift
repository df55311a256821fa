import CallKit

extension Missing {
    /// As resellers know it; operators call it a credit event.
    static let event = Missing("event")
    static let creditEvent = Missing("credit_event")
    static let reconciliation = Missing("reconciliation")
    static let review = Missing("review")
}

extension Forbidden {
    /// A session looks after keys (C1): the owner decides which of them report, a reference is known to the key that
    /// reported it, and a second sign-in would know none of the first one's.
    static let keyReports = keyOnly.saying("Only a key signs users up and reports: references are remembered by key.")
}

extension Conflict {
    static let userExists = Conflict("user_exists", "A user with this email already exists.")
    static let reviewClosed = Conflict("review_closed", "The review is closed already.")
}

extension Unavailable {
    static let reconciliationsRunning = busy.saying(
        "Too many reconciliations run already, of this tenant or of the node.", retryAfterSeconds: 5)
}
