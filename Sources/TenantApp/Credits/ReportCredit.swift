package import CallKit
package import TenantRegistry

/// Records a credit event, once for each reference of a key, for ever (C3). A repeat changes nothing; one that says
/// something else is recorded beside the event and has the account reviewed.
package struct ReportCredit: Sendable {
    package enum Outcome: Sendable, Equatable {
        case recorded(id: String)
        case duplicate
    }

    package let report: CreditReport
    package let resellerID: Int64
    package let keyID: Int64
    package let book: Book

    package init(report: CreditReport, resellerID: Int64, keyID: Int64, book: Book) {
        self.report = report
        self.resellerID = resellerID
        self.keyID = keyID
        self.book = book
    }

    package func run(_ tenant: TenantTransaction, _ detail: inout AuditDetail) throws -> Outcome {
        guard let known = try tenant.creditEvent(keyID: keyID, book: book, externalRef: report.externalRef) else {
            let id = try tenant.insertCreditEvent(
                report, keyID: keyID, resellerID: resellerID, book: book, detail: &detail)
            detail.note("credit_event", id)
            return .recorded(id: id)
        }
        detail.note("credit_event", known.publicID)
        if known.content != report.content, !report.says(known.kind, known.amount, meta: known.meta),
            try tenant.insertCreditDifference(report, event: known.id, detail: &detail)
        {
            try tenant.openReview(
                .creditDifference, subject: known.publicID, resellerID: resellerID, book: book, detail: &detail)
        }
        return .duplicate
    }
}
