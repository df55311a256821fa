package import CallKit
package import TenantRegistry

/// An operator ends an account review with a note (O8).
package struct CloseReview: Sendable {
    package static let noteCharactersMax = 2_000

    package let reviewID: String
    package let note: String
    package let accountID: Int64

    package func run(_ tenant: TenantTransaction, _ detail: inout AuditDetail) throws -> AccountReview {
        guard let review = try tenant.review(publicID: reviewID) else { throw Refusal.notFound(.review) }
        guard review.closedAt == nil else {
            throw Refusal.conflict(.reviewClosed)
        }
        detail.resellerID = review.resellerID
        detail.note("review", review.publicID)
        try tenant.closeReview(review, note: note, by: accountID)
        guard let closed = try tenant.review(publicID: reviewID) else { throw Refusal.defect }
        return closed
    }
}
