import HTTPCore
import SQLite
package import TenantRegistry

/// The accounts of the double entry. `balance` and `held` are a reseller's; `sales` and `funding` the tenant's own;
/// `customer` one of a reseller's customers'.
package enum LedgerAccount: Sendable, Hashable {
    /// What a reseller may spend, besides its credit limit.
    case balance(reseller: Int64)
    /// What open orders hold.
    case held(reseller: Int64)
    /// What was sold.
    case sales
    /// What came in from outside: top-ups and corrections.
    case funding
    /// What a reseller moved to one of its customers (CONTRACT X3).
    case customer(Int64, reseller: Int64)

    package var kind: String {
        switch self {
        case .balance: "balance"
        case .held: "held"
        case .sales: "sales"
        case .funding: "funding"
        case .customer(let id, _): "customer:\(id)"
        }
    }

    package var resellerID: Int64 {
        switch self {
        case .balance(let id), .held(let id), .customer(_, let id): id
        case .sales, .funding: 0
        }
    }
}

/// Why money moved.
package enum PostingKind: String, Sendable, CaseIterable {
    case topUp = "top_up"
    case correction
    /// An order paid at once.
    case order
    /// An order's money put aside.
    case hold
    /// A held order carried out.
    case capture
    /// A held order given back.
    case void
    case renewal
    /// A port paid at once.
    case port
    /// From a reseller to a customer of its own.
    case transfer
    /// Activation codes paid at once.
    case codes
}

package struct Posting: Sendable {
    package let id: Int64
    /// The entry on the reseller's balance: what a statement pages by.
    package let entryID: Int64
    package let kind: String
    package let reference: String
    package let at: Timestamp
    package let amount: Money
    package let balanceAfter: Money
}

extension TenantReader {
    package func balance(_ account: LedgerAccount, book: Book) throws -> Money {
        try ledgerAccount(account, book: book)?.balance ?? .zero
    }

    /// Nil where nothing was ever posted to it.
    fileprivate func ledgerAccount(_ account: LedgerAccount, book: Book) throws -> (id: Int64, balance: Money)? {
        let key = TenantMemory.AccountKey(account: account, book: book)
        if let known = memory.accounts[key] { return known }
        let read = try connection.row(
            "SELECT id, balance FROM ledger_account WHERE book = ?1 AND kind = ?2 AND reseller_id = ?3", .book(book),
            .text(account.kind), .integer(account.resellerID)
        ) { (id: $0.int(0), balance: $0.money(1)) }
        if let read { memory.accounts.remember(read, for: key) }
        return read
    }

    /// A reseller's movements on its balance, newest first, before entry `id`.
    package func statement(resellerID: Int64, book: Book, before id: Int64, limit: Int) throws -> [Posting] {
        try connection.rows(
            """
            SELECT p.id, p.kind, p.reference, p.at, e.amount, e.balance_after, e.id
            FROM ledger_account a JOIN entry e ON e.account_id = a.id JOIN posting p ON p.id = e.posting_id
            WHERE a.book = ?1 AND a.kind = 'balance' AND a.reseller_id = ?2 AND e.id < ?3
            ORDER BY e.id DESC LIMIT ?4
            """,
            .book(book), .integer(resellerID), .integer(id), .int(limit)
        ) { row in
            Posting(
                id: row.int(0), entryID: row.int(6), kind: row.text(1), reference: row.text(2), at: row.time(3),
                amount: row.money(4),
                balanceAfter: row.money(5))
        }
    }
}

extension TenantTransaction {
    /// Moves an amount from one account to another: one posting, two entries that sum to zero, two balances. The trail
    /// names it, so that the audit chain vouches for it. Throws an overflow as a refusal.
    @discardableResult
    package func post(
        _ kind: PostingKind, _ amount: Money, from source: LedgerAccount, to target: LedgerAccount, reference: String,
        resellerID: Int64, book: Book, keyID: Int64, trail: inout Trail
    ) throws -> Int64 {
        try connection.run(
            """
            INSERT INTO posting (book, kind, reseller_id, reference, at, key_id) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
            """,
            .book(book), .text(kind.rawValue), .integer(resellerID), .text(reference), .time(now), .integer(keyID))
        let id = connection.lastInsertedRowID
        try enter(try amount.negated(), on: source, posting: id, book: book)
        try enter(amount, on: target, posting: id, book: book)
        if kind == .topUp { try addToTopUpTotal(amount, resellerID: target.resellerID, book: book) }
        trail.notePosting(id, kind, amount, from: source, to: target, book: book)
        return id
    }

    private func enter(_ amount: Money, on account: LedgerAccount, posting: Int64, book: Book) throws {
        let known = try ledgerAccount(account, book: book)
        let id: Int64
        if let known {
            id = known.id
        } else {
            try connection.run(
                "INSERT INTO ledger_account (book, kind, reseller_id) VALUES (?1, ?2, ?3)", .book(book),
                .text(account.kind), .integer(account.resellerID))
            id = connection.lastInsertedRowID
        }
        let balance = try (known?.balance ?? .zero).adding(amount)
        try connection.run("UPDATE ledger_account SET balance = ?2 WHERE id = ?1", .integer(id), .money(balance))
        memory.accounts.remember((id, balance), for: TenantMemory.AccountKey(account: account, book: book))
        try connection.run(
            "INSERT INTO entry (posting_id, account_id, amount, balance_after) VALUES (?1, ?2, ?3, ?4)",
            .integer(posting), .integer(id), .money(amount), .money(balance))
    }
}

extension Trail {
    /// `"posting":"id book kind micros source>target"`: what `verify` compares with the ledger's rows. A call that posts
    /// more than once notes each, as `posting_2` and so on.
    mutating func notePosting(
        _ id: Int64, _ kind: PostingKind, _ amount: Money, from source: LedgerAccount, to target: LedgerAccount,
        book: Book
    ) {
        postingCount += 1
        var text: [UInt8] = []
        text.reserveCapacity(96)
        text.append(decimal: Int(id))
        for part in [book.name, kind.rawValue] {
            text.append(0x20)
            text.append(contentsOf: part.utf8)
        }
        text.append(0x20)
        text.append(decimal: Int(amount.micros))
        for (mark, account) in [(UInt8(0x20), source), (0x3E, target)] {
            text.append(mark)
            text.append(contentsOf: account.kind.utf8)
            text.append(0x3A)
            text.append(decimal: Int(account.resellerID))
        }
        note(
            named: postingCount == 1 ? "posting" : "posting_\(postingCount)", String(decoding: text, as: UTF8.self))
    }
}
