import CallKit

extension Missing {
    /// As resellers know it; operators call it a credit event.
    static let event = Missing("event")
    static let creditEvent = Missing("credit_event")
    static let reconciliation = Missing("reconciliation")
    static let review = Missing("review")
}

extension Forbidden {
    static let keyReports = sessionRotatesByID.saying(
        "Only a key signs users up and reports: what one key has reported is known by its references.")
}

extension Conflict {
    static let userExists = Conflict("user_exists", "A user with this email already exists.")
    static let reviewClosed = Conflict("review_closed", "The review is closed already.")
}

extension Unavailable {
    static let reconciliationsRunning = busy.saying(
        "Too many reconciliations run already, of this tenant or of the node.", retryAfterSeconds: 5)
}
