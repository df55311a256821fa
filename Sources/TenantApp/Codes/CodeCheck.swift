import CallKit
import SQLite
import TenantRegistry

/// Activation codes against their postings, redemptions, counts and subscriptions, and top-ups against their totals
/// (A3 to A5, A8).
enum CodeCheck {
    static func run(_ file: inout VerifiedFile) throws {
        guard file.version >= Migration0004.version else { return }
        try checkPurchases(&file)
        try checkCodes(&file)
        try checkCounts(&file)
        try checkSubscriptions(&file)
        try checkTopUps(&file)
    }

    /// A purchase costs its codes times their price, its posting moved just that, and it has as many codes as it says.
    private static func checkPurchases(_ file: inout VerifiedFile) throws {
        try file.connection.forEach(
            dynamic: """
                SELECT b.id, b.public_id, b.book, b.reseller_id, b.quantity, b.unit_price, b.total, p.kind, p.book,
                    p.reseller_id, p.reference, \(EntryPlaces.amount(of: "p.id")),
                    (SELECT count(*) FROM activation_code c WHERE c.batch_id = b.id AND c.book = b.book
                        AND c.reseller_id = b.reseller_id)
                FROM code_batch b LEFT JOIN posting p ON p.id = b.posting_id ORDER BY b.id
                """
        ) { row in
            let batch = try BatchLine(&row)
            if (try? batch.unitPrice.times(batch.quantity))?.micros != batch.total {
                file.report.add(
                    .orders, "code_batch", batch.id,
                    "The purchase cost \(file.amount(batch.total)); \(batch.quantity) codes at \(file.amount(batch.unitPrice.micros)) are another amount."
                )
            }
            let charge = batch.book == Book.live.rawValue ? batch.total : 0
            let wanted = PostingSide(
                kind: PostingKind.codes.rawValue, book: batch.book, reseller: batch.reseller, reference: batch.publicID,
                amount: charge)
            if batch.posting != wanted {
                file.report.add(
                    .ledger, "code_batch", batch.id, "The purchase's posting is missing or moves something else.")
            }
            if batch.codes != batch.quantity {
                file.report.add(
                    .quantity, "code_batch", batch.id,
                    "The purchase is of \(batch.quantity) codes; there are \(batch.codes) of it.")
            }
            return true
        }
        try file.connection.forEach(
            """
            SELECT p.id, p.reference FROM posting p WHERE p.kind = 'codes'
                AND NOT EXISTS (SELECT 1 FROM code_batch b WHERE b.public_id = p.reference AND b.posting_id = p.id)
            """
        ) { row in
            let (id, reference) = (try row.int(), try row.text())
            file.report.add(
                .ledger, "posting", id, "The posting is for the codes \(reference), which are missing.")
            return true
        }
    }

    /// A code that has gone was redeemed, once, at the time that it says, for the days that were bought.
    private static func checkCodes(_ file: inout VerifiedFile) throws {
        try file.connection.forEach(
            """
            SELECT c.id, b.id IS NULL, c.redeemed_at, r.at, r.ends_at - r.begins_at, b.days, s.book IS NOT c.book
            FROM activation_code c LEFT JOIN code_batch b ON b.id = c.batch_id
                LEFT JOIN code_redemption r ON r.code_id = c.id LEFT JOIN subscriber s ON s.id = r.subscriber_id
            ORDER BY c.id
            """
        ) { row in
            file.report.counts.codes += 1
            let (id, isLoose) = (try row.int(), try row.bool())
            let (marked, redeemed) = (try row.optionalInt(), try row.optionalInt())
            if isLoose {
                file.report.add(.stock, "activation_code", id, "The code belongs to a purchase that there is not.")
            }
            if marked != redeemed {
                let fault =
                    switch (marked, redeemed) {
                    case (_, nil): "The code is marked as redeemed, and there is no redemption of it."
                    case (nil, _): "The code was redeemed, and is marked as if it were available."
                    default: "The code is marked as redeemed at another time than it was."
                    }
                file.report.add(.stock, "activation_code", id, fault)
            }
            guard redeemed != nil else { return true }
            let (milliseconds, days) = (try row.int(), try row.optionalInt())
            if let days, !Timestamp.days(days, are: milliseconds) {
                file.report.add(
                    .stock, "activation_code", id, "The code gave another time than the \(days) days it was sold for.")
            }
            if try row.bool() {
                file.report.add(.stock, "activation_code", id, "The code was redeemed by nobody of its book.")
            }
            return true
        }
    }

    /// Numbers follow without a gap, and each block counts its codes.
    private static func checkCounts(_ file: inout VerifiedFile) throws {
        try file.connection.forEach(
            dynamic: """
                WITH counted AS (
                    SELECT reseller_id, book, (number - 1) / \(CodeBlocks.codesInBlock) AS block, count(*) AS codes,
                        count(redeemed_at) AS redeemed, max(number) AS last
                    FROM activation_code GROUP BY 1, 2, 3)
                SELECT coalesce(k.reseller_id, n.reseller_id), coalesce(k.block, n.block),
                    k.codes IS NOT n.codes OR k.redeemed IS NOT n.redeemed,
                    n.last IS NOT n.block * \(CodeBlocks.codesInBlock) + n.codes
                FROM counted n FULL JOIN code_block k USING (reseller_id, book, block) ORDER BY 1, 2
                """
        ) { row in
            let (reseller, block) = (try row.int(), try row.int())
            if try row.bool() {
                file.report.add(
                    .quantity, "code_block", nil,
                    "Block \(block) of reseller \(reseller) does not count the codes that there are.")
            }
            if try row.bool() {
                file.report.add(
                    .quantity, "activation_code", nil,
                    "The numbers of reseller \(reseller)'s codes in block \(block) have gaps.")
            }
            return true
        }
    }

    /// Each redemption begins at the end of the one before or when it was made, whichever is later, and the
    /// subscription ends with the last.
    private static func checkSubscriptions(_ file: inout VerifiedFile) throws {
        try file.connection.forEach(
            """
            SELECT id, begins_at, max(at, coalesce(lag(ends_at) OVER (PARTITION BY subscriber_id ORDER BY id), at))
            FROM code_redemption ORDER BY id
            """
        ) { row in
            let (id, begins, wanted) = (try row.int(), try row.int(), try row.int())
            if begins != wanted {
                file.report.add(
                    .stock, "code_redemption", id,
                    "The days of the redemption do not begin where the subscription ended before it.")
            }
            return true
        }
        try file.connection.forEach(
            """
            SELECT s.id FROM subscriber s WHERE s.ends_at IS NOT
                (SELECT r.ends_at FROM code_redemption r WHERE r.subscriber_id = s.id ORDER BY r.id DESC LIMIT 1)
            """
        ) { row in
            file.report.add(
                .stock, "subscriber", try row.int(), "The subscription ends at another time than its last redemption.")
            return true
        }
    }

    private static func checkTopUps(_ file: inout VerifiedFile) throws {
        try file.connection.forEach(
            dynamic: """
                WITH counted AS (
                    SELECT a.reseller_id, a.book, sum(e.amount) AS total
                    FROM posting p CROSS JOIN entry e ON \(EntryPlaces.of("p.id", "e"))
                        CROSS JOIN ledger_account a ON a.id = e.account_id
                    WHERE p.kind = 'top_up' AND a.kind = 'balance' GROUP BY 1, 2)
                SELECT reseller_id FROM counted n FULL JOIN topup_total t USING (reseller_id, book)
                WHERE n.total IS NOT t.total ORDER BY 1
                """
        ) { row in
            file.report.add(
                .ledger, "topup_total", nil,
                "The top-ups of reseller \(try row.int()) come to another total than is kept."
            )
            return true
        }
    }
}

/// A purchase of codes with what its posting says, and how many codes it has.
private struct BatchLine {
    let id: Int64
    let publicID: String
    let book: Int64
    let reseller: Int64
    let quantity: Int64
    let unitPrice: Money
    let total: Int64
    let posting: PostingSide?
    let codes: Int64

    init(_ row: inout RowReader) throws {
        id = try row.int()
        publicID = try row.text()
        book = try row.int()
        reseller = try row.int()
        quantity = try row.int()
        unitPrice = try row.money()
        total = try row.int()
        posting = try PostingSide(&row)
        codes = try row.int()
    }
}
