package import CallKit
import Cryptography
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
    /// What a reseller moved to one of its customers (X3).
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

/// What an account's row says: its balance, and the entry that made it, from which the earlier ones follow.
struct AccountStand {
    let id: Int64
    let balance: Money
    let lastEntryID: Int64?
}

/// Why money moved.
package enum PostingKind: String, Sendable, CaseIterable, AnswerValue {
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
    /// A period of a service paid at its beginning (W9).
    case renewal
    /// Hours of a service paid when they are over (W3).
    case hourly
    /// A port paid at once.
    case port
    /// From a reseller to a customer of its own.
    case transfer
    /// Activation codes paid at once.
    case codes
    /// Something of an order paid back to the balance (O10).
    case refund
}

package struct Posting: Sendable {
    package let id: Int64
    /// The entry on the reseller's balance: what a statement pages by.
    package let entryID: Int64
    package let kind: PostingKind
    package let reference: String
    package let at: Timestamp
    package let amount: Money
    package let balanceAfter: Money

    static let columns = Columns<Posting>(
        "p.id", "e.id", "p.kind", "p.reference", "p.at", "e.amount", "e.balance_after")
    /// From the newest entry `?1` back along its account.
    fileprivate static let chain = Statement(
        """
        WITH RECURSIVE chain(id) AS (
            SELECT ?1 UNION ALL
            SELECT e.previous_id FROM chain c JOIN entry e ON e.id = c.id WHERE e.previous_id IS NOT NULL LIMIT ?2)
        SELECT \(columns)
        FROM chain c CROSS JOIN entry e ON e.id = c.id CROSS JOIN posting p ON p.id = e.posting_id ORDER BY e.id DESC
        """)

    init(_ row: inout RowReader) throws {
        id = try row.int()
        entryID = try row.int()
        kind = try row.value()
        reference = try row.text()
        at = try row.time()
        amount = try row.money()
        balanceAfter = try row.money()
    }
}

/// A posting of a statement, with the name that its reseller knows it by.
package struct StatedPosting: Sendable {
    package let posting: Posting
    package let publicID: String
}

extension TenantReader {
    package func balance(_ account: LedgerAccount, book: Book) throws -> Money {
        try ledgerAccount(account, book: book)?.balance ?? .zero
    }

    /// Nil where nothing was ever posted to it.
    fileprivate func ledgerAccount(_ account: LedgerAccount, book: Book) throws -> AccountStand? {
        let key = TenantMemory.AccountKey(account: account, book: book)
        if let known = memory.accounts[key] { return known }
        let read = try connection.row(
            "SELECT id, balance, last_entry_id FROM ledger_account WHERE book = ?1 AND kind = ?2 AND reseller_id = ?3",
            .book(book), .text(account.kind), .integer(account.resellerID)
        ) { try AccountStand(id: $0.int(), balance: $0.money(), lastEntryID: $0.optionalInt()) }
        if let read { memory.accounts.remember(read, for: key) }
        return read
    }

    /// A reseller's movements on its balance, newest first; from the one before entry `id`, where it is given. Refuses
    /// an entry of another account.
    package func statement(resellerID: Int64, book: Book, before id: Int64?, limit: Int) throws -> [Posting] {
        let account = try ledgerAccount(.balance(reseller: resellerID), book: book)
        var newest = account?.lastEntryID
        if let id {
            let entry = try connection.row("SELECT account_id, previous_id FROM entry WHERE id = ?1", .integer(id)) {
                try (account: $0.int(), previous: $0.optionalInt())
            }
            guard let entry, entry.account == account?.id else { throw Refusal.badQuery(.unknownCursor) }
            newest = entry.previous
        }
        guard let newest else { return [] }
        return try connection.rows(Posting.chain, .integer(newest), .int(limit), read: Posting.init)
    }

    /// With what a reseller knows a posting by, the same at each look: its number counts what all others do.
    func stated(_ posting: Posting) -> StatedPosting {
        let code = HMACSHA256.code(key: store.secretKey, tenantID.bytes, Array("posting:\(posting.id)".utf8)).bytes
        let chance = code.withUnsafeBytes {
            ($0.loadUnaligned(as: UInt64.self), $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
        }
        return StatedPosting(posting: posting, publicID: PublicID.make("pst", at: posting.at, chance: chance))
    }
}

extension TenantTransaction {
    /// Moves an amount from one account to another: one posting, two entries that sum to zero, two balances. The detail
    /// names it, so that the audit chain vouches for it. Throws an overflow as a refusal.
    @discardableResult
    package func post(
        _ kind: PostingKind, _ amount: Money, from source: LedgerAccount, to target: LedgerAccount, reference: String,
        resellerID: Int64, book: Book, keyID: Int64, detail: inout AuditDetail
    ) throws -> Int64 {
        try connection.run(
            """
            INSERT INTO posting (book, kind, reseller_id, reference, at, key_id) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
            """
        ) { row in
            row.book(book)
            row.text(kind.rawValue)
            row.int(resellerID)
            row.text(reference)
            row.time(now)
            row.int(keyID)
        }
        let id = connection.lastInsertedRowID
        try enter(try amount.negated(), on: source, posting: id, book: book)
        try enter(amount, on: target, posting: id, book: book)
        if kind == .topUp { try addToTopUpTotal(amount, resellerID: target.resellerID, book: book) }
        detail.notePosting(id, kind, amount, from: source, to: target, book: book)
        if let sale = MeteredSale(kind, amount, from: source, to: target, book: book) { store.meter(sale, at: now) }
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
        try connection.run(
            "INSERT INTO entry (posting_id, account_id, amount, balance_after, previous_id) VALUES (?1, ?2, ?3, ?4, ?5)"
        ) { row in
            row.int(posting)
            row.int(id)
            row.money(amount)
            row.money(balance)
            row.int(known?.lastEntryID)
        }
        let entry = connection.lastInsertedRowID
        try connection.run(
            "UPDATE ledger_account SET balance = ?2, last_entry_id = ?3 WHERE id = ?1"
        ) { row in
            row.int(id)
            row.money(balance)
            row.int(entry)
        }
        memory.accounts.remember(
            AccountStand(id: id, balance: balance, lastEntryID: entry),
            for: TenantMemory.AccountKey(account: account, book: book))
    }
}

extension AuditDetail {
    /// `"posting":"id book kind micros source>target"`: what `verify` compares with the ledger's rows. A call that
    /// posts more than once notes each, as `posting_2` and so on.
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
        let said = String(decoding: text, as: UTF8.self)
        if postingCount == 1 { note("posting", said) } else { note(named: "posting_\(postingCount)", said) }
    }
}
