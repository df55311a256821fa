import CallKit
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

    /// Of all postings that a record of the audit log names, as `AuditDetail.notePosting` writes them.
    package init(detail: String) {
        self.init()
        for part in detail.split(separator: #""posting"#).dropFirst() {
            // `": "1 live order 5000000 balance:2>sales:0"`, or `_2":…` and so on.
            guard let text = part.split(separator: "\"", omittingEmptySubsequences: false).dropFirst(2).first else {
                continue
            }
            let words = text.split(separator: " ")
            guard words.count == 5, words[1] == Book.live.name, let kind = PostingKind(rawValue: String(words[2])),
                let micros = Int64(words[3])
            else { continue }
            let accounts = words[4].split(separator: ">")
            if kind.isOrder { orders += 1 }
            if accounts.last?.hasPrefix("sales:") ?? false { turnover += micros }
            if accounts.first?.hasPrefix("sales:") ?? false { turnover -= micros }
        }
    }
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
