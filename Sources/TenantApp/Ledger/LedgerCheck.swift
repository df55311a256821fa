import CallKit
import SQLite
import TenantRegistry

/// The double entry by itself: each posting's entries sum to zero, balances chain, what is held is what open orders
/// hold, and the test book moves nothing.
enum LedgerCheck {
    static func run(_ file: inout VerifiedFile) throws {
        var accounts = try readAccounts(&file)
        try checkEntries(&file, &accounts)
        for (id, account) in accounts.sorted(by: { $0.key < $1.key }) where account.stored != account.running {
            file.report.add(
                .ledger, "ledger_account", id,
                "The balance of \(account.name) is \(file.amount(account.stored)); its entries come to \(file.amount(account.running))."
            )
        }
        for (id, account) in accounts.sorted(by: { $0.key < $1.key })
        where isChained(file) && account.storedLast != account.last {
            file.report.add(
                .ledger, "ledger_account", id,
                "The newest entry of \(account.name) is said to be \(entryName(account.storedLast)); it is \(entryName(account.last))."
            )
        }
        try checkHeld(&file, accounts)
        file.report.counts.postings = Int(
            try file.connection.row("SELECT count(*) FROM posting") { try $0.int() } ?? 0)
    }

    /// Files of an earlier schema have no links from entry to entry.
    private static func isChained(_ file: VerifiedFile) -> Bool { file.version >= Migration0006.version }

    /// One account while its entries go by. There are a few for each reseller.
    private struct CheckedAccount {
        let book: Int64
        let kind: String
        let reseller: Int64
        let stored: Int64
        let storedLast: Int64?
        var running: Int64 = 0
        var last: Int64?

        var name: String { "\(kind):\(reseller)\(book == Book.test.rawValue ? " (test book)" : "")" }
    }

    private static func readAccounts(_ file: inout VerifiedFile) throws -> [Int64: CheckedAccount] {
        var accounts: [Int64: CheckedAccount] = [:]
        let last = isChained(file) ? "last_entry_id" : "NULL"
        try file.connection.forEach(
            dynamic: "SELECT id, book, kind, reseller_id, balance, \(last) FROM ledger_account"
        ) { row in
            let id = try row.int()
            accounts[id] = try CheckedAccount(
                book: row.int(), kind: row.text(), reseller: row.int(), stored: row.int(),
                storedLast: row.optionalInt())
            return true
        }
        return accounts
    }

    /// The posting whose entries go by.
    private struct Group {
        var posting: Int64 = 0
        var sum: Int64 = 0
        var count = 0
    }

    private static func checkEntries(_ file: inout VerifiedFile, _ accounts: inout [Int64: CheckedAccount]) throws {
        var group = Group()
        var postings = AscendingIDs()
        let isChained = isChained(file)
        try file.connection.forEach(
            dynamic: """
                SELECT e.id, e.posting_id, e.account_id, e.amount, e.balance_after,
                    \(isChained ? "e.previous_id" : "NULL"), p.book, p.kind, p.reseller_id
                FROM entry e LEFT JOIN posting p ON p.id = e.posting_id ORDER BY e.id
                """
        ) { row in
            let entry = try EntryLine(&row)
            file.report.counts.entries += 1
            if entry.posting != group.posting {
                close(group, &file)
                switch postings.follow(entry.posting) {
                case .next: break
                case .after(let gap): try reportEmpty(gap, &file)
                case .notAscending:
                    file.report.add(
                        .ledger, "entry", entry.id,
                        "The entry of posting \(entry.posting) does not stand with the others of that posting.")
                }
                group = Group(posting: entry.posting)
            }
            group.count += 1
            group.sum &+= entry.amount
            guard var account = accounts[entry.account] else {
                file.report.add(.ledger, "entry", entry.id, "The entry is on an account that there is not.")
                return true
            }
            let (running, overflow) = account.running.addingReportingOverflow(entry.amount)
            if overflow || running != entry.balanceAfter {
                file.report.add(
                    .ledger, "entry", entry.id,
                    "The balance after it is \(file.amount(entry.balanceAfter)) on \(account.name); the entries up to it come to "
                        + "\(overflow ? "more than an amount can be" : file.amount(running)).")
            }
            if isChained && entry.previous != account.last {
                file.report.add(
                    .ledger, "entry", entry.id,
                    "It is said to follow \(entryName(entry.previous)) on \(account.name); it follows \(entryName(account.last))."
                )
            }
            account.last = entry.id
            // From the stored balance on, so that one changed entry is told once and not at each one after it.
            account.running = entry.balanceAfter
            accounts[entry.account] = account
            checkPosting(of: entry, account, &file)
            return true
        }
        close(group, &file)
        if postings.last < .max { try reportEmpty(postings.last + 1...(.max), &file) }
    }

    /// An entry and what its posting says.
    private struct EntryLine {
        let id: Int64
        let posting: Int64
        let account: Int64
        let amount: Int64
        let balanceAfter: Int64
        let previous: Int64?
        /// Nil where the posting is missing.
        let side: (book: Int64, kind: String, reseller: Int64)?

        init(_ row: inout RowReader) throws {
            id = try row.int()
            posting = try row.int()
            account = try row.int()
            amount = try row.int()
            balanceAfter = try row.int()
            previous = try row.optionalInt()
            side = row.isNextNull ? nil : (try row.int(), try row.text(), try row.int())
        }
    }

    private static func entryName(_ id: Int64?) -> String { id.map { "entry \($0)" } ?? "none" }

    private static let chargingKinds: Set<String> = [
        "order", "hold", "capture", "void", "renewal", "hourly", "port", "codes", "refund",
    ]

    private static func checkPosting(of entry: EntryLine, _ account: CheckedAccount, _ file: inout VerifiedFile) {
        guard let side = entry.side else {
            file.report.add(
                .ledger, "entry", entry.id, "The entry belongs to posting \(entry.posting), which is missing.")
            return
        }
        if side.book != account.book {
            file.report.add(.ledger, "entry", entry.id, "The entry's posting and account are of different books.")
        }
        if account.reseller != 0 && account.reseller != side.reseller {
            file.report.add(
                .ledger, "entry", entry.id,
                "The entry is on \(account.name), its posting is reseller \(side.reseller)'s.")
        }
        if account.book == Book.test.rawValue && entry.amount != 0 && chargingKinds.contains(side.kind) {
            file.report.add(
                .ledger, "entry", entry.id,
                "The test book charges \(file.amount(entry.amount)); it must charge nothing.")
        }
    }

    private static func close(_ group: Group, _ file: inout VerifiedFile) {
        guard group.posting != 0 else { return }
        if group.count < 2 {
            file.report.add(.ledger, "posting", group.posting, "The posting has one entry: the other side is missing.")
        } else if group.sum != 0 {
            file.report.add(
                .ledger, "posting", group.posting,
                "The posting's entries sum to \(file.amount(group.sum)), not to zero.")
        }
    }

    private static func reportEmpty(_ gap: ClosedRange<Int64>, _ file: inout VerifiedFile) throws {
        try file.connection.forEach(
            "SELECT id FROM posting WHERE id BETWEEN ?1 AND ?2 ORDER BY id", .integer(gap.lowerBound),
            .integer(gap.upperBound)
        ) { row in
            file.report.add(.ledger, "posting", try row.int(), "The posting has no entries.")
            return true
        }
    }

    /// What a reseller's held account has is what its open orders hold.
    private static func checkHeld(_ file: inout VerifiedFile, _ accounts: [Int64: CheckedAccount]) throws {
        var open: [Int64: Int64] = [:]
        try file.connection.forEach(
            "SELECT reseller_id, wholesale_total FROM orders WHERE state = 'pending' AND book = 0"
        ) { row in
            let reseller = try row.int()
            open[reseller, default: 0] &+= try row.int()
            return true
        }
        // Units that were decided by themselves hold nothing any more.
        let decided =
            file.version < Migration0018.version
            ? []
            : try file.connection.rows(
                dynamic: """
                    SELECT o.reseller_id, coalesce(sum(e.amount), 0) FROM unit_decision d
                    CROSS JOIN orders o ON o.id = d.order_id AND o.state = 'pending' AND o.book = 0
                    CROSS JOIN entry e ON \(EntryPlaces.of("d.posting_id", "e")) AND e.amount > 0
                    GROUP BY o.reseller_id
                    """
            ) { (reseller: try $0.int(), amount: try $0.int()) }
        for (reseller, amount) in decided { open[reseller, default: 0] &-= amount }
        for (id, account) in accounts where account.kind == "held" && account.book == Book.live.rawValue {
            let wanted = open.removeValue(forKey: account.reseller) ?? 0
            guard account.stored != wanted else { continue }
            file.report.add(
                .ledger, "ledger_account", id,
                "\(account.name) has \(file.amount(account.stored)); its reseller's open orders hold \(file.amount(wanted))."
            )
        }
        for (reseller, amount) in open where amount != 0 {
            file.report.add(
                .ledger, "ledger_account", nil,
                "Open orders of reseller \(reseller) hold \(file.amount(amount)), but nothing is on a held account.")
        }
    }
}
