import TenantRegistry

/// Why a statement did not come to its end. Texts are for the log, and without a password.
struct PostgresFailure: Error {
    enum Kind: Equatable {
        /// The connection is gone, or did not answer in time: nobody knows what became of what was sent.
        case lost
        /// A server answered that is not what it has to be. It may be one tomorrow.
        case unfit
        /// The server refused a statement, with this SQLSTATE; its transaction did nothing.
        case refused(String)
        /// It was done, and the server warned: the wait for a standby may have been cut short.
        case uncertain
    }

    let kind: Kind
    let text: String

    static func lost(_ text: String) -> PostgresFailure { PostgresFailure(kind: .lost, text: text) }

    // PostgreSQL's appendix A.
    static let lockNotAvailable = Kind.refused("55P03")
    static let adminShutdown = Kind.refused("57P01")
    static let checkViolation = Kind.refused("23514")
    static let undefinedColumn = Kind.refused("42703")

    var asLogError: SharedLogError { .away(text) }
}
