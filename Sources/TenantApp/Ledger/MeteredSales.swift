import CallKit
import HTTPCore
package import TenantRegistry

/// What the provider's meter counts of postings (P9): of the live book alone, whose money it is.
extension MeteredSale {
    /// Nil where the posting is no order and moves nothing of what was sold.
    init?(
        _ kind: PostingKind, _ amount: Money, from source: LedgerAccount, to target: LedgerAccount, book: Book
    ) {
        guard book == .live else { return nil }
        let turnover = (target == .sales ? amount.micros : 0) - (source == .sales ? amount.micros : 0)
        guard kind.isOrder || turnover != 0 else { return nil }
        self.init(orders: kind.isOrder ? 1 : 0, turnover: turnover)
    }

    /// Of all postings of the live book that a record of the audit log names, as `AuditDetail.notePosting` writes them.
    package init(detail: String) {
        self.init()
        // Most records name none, and only JSON tells a member from a text that somebody wrote.
        guard detail.utf8.firstRange(of: #""posting"#.utf8) != nil,
            let object = try? JSON.parse(Array(detail.utf8))
        else { return }
        for case let voucher? in PostingVoucher.all(in: object) where voucher.book == .live {
            guard let kind = PostingKind(rawValue: voucher.kind) else { continue }
            if kind.isOrder { orders += 1 }
            if voucher.target == Self.sales { turnover = turnover.addingClamped(voucher.micros) }
            if voucher.source == Self.sales { turnover = turnover.subtractingClamped(voucher.micros) }
        }
    }

    private static let sales = PostingVoucher.name(of: .sales)
}

extension PostingKind {
    /// Something was bought with it, at once or as soon as the operator says so.
    fileprivate var isOrder: Bool {
        switch self {
        case .order, .hold, .port, .codes: true
        default: false
        }
    }
}
