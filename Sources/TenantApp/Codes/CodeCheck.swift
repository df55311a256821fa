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
            """
            SELECT b.id, b.public_id, b.book, b.reseller_id, b.quantity, b.unit_price, b.total, p.kind, p.book,
                p.reseller_id, p.reference, (SELECT max(amount) FROM entry WHERE posting_id = p.id),
                (SELECT count(*) FROM activation_code c WHERE c.batch_id = b.id AND c.book = b.book
                    AND c.reseller_id = b.reseller_id)
            FROM code_batch b LEFT JOIN posting p ON p.id = b.posting_id ORDER BY b.id
            """
        ) { row in
            let (id, quantity, total) = (row.int(0), row.int(4), row.int(6))
            if (try? row.money(5).times(quantity))?.micros != total {
                file.report.add(
                    .orders, "code_batch", id,
                    "The purchase cost \(file.amount(total)); \(quantity) codes at \(file.amount(row.int(5))) are another amount."
                )
            }
            let charge = row.int(2) == Book.live.rawValue ? total : 0
            let isRight =
                row.text(7) == PostingKind.codes.rawValue && row.int(8) == row.int(2) && row.int(9) == row.int(3)
                && row.text(10) == row.text(1) && row.int(11) == charge
            if row.isNull(7) || !isRight {
                file.report.add(
                    .ledger, "code_batch", id, "The purchase's posting is missing or moves something else.")
            }
            if row.int(12) != quantity {
                file.report.add(
                    .quantity, "code_batch", id, "The purchase is of \(quantity) codes; there are \(row.int(12)) of it."
                )
            }
            return true
        }
        try file.connection.forEach(
            """
            SELECT p.id, p.reference FROM posting p WHERE p.kind = 'codes'
                AND NOT EXISTS (SELECT 1 FROM code_batch b WHERE b.public_id = p.reference AND b.posting_id = p.id)
            """
        ) { row in
            file.report.add(
                .ledger, "posting", row.int(0), "The posting is for the codes \(row.text(1)), which are missing.")
            return true
        }
    }

    /// A code that has gone was redeemed, once, at the time that it says, for the days that were bought.
    private static func checkCodes(_ file: inout VerifiedFile) throws {
        try file.connection.forEach(
            """
            SELECT c.id, c.redeemed_at, r.at, r.ends_at - r.begins_at, b.days, s.book IS NOT c.book, b.id IS NULL
            FROM activation_code c LEFT JOIN code_batch b ON b.id = c.batch_id
                LEFT JOIN code_redemption r ON r.code_id = c.id LEFT JOIN subscriber s ON s.id = r.subscriber_id
            ORDER BY c.id
            """
        ) { row in
            file.report.counts.codes += 1
            let (id, marked, redeemed) = (row.int(0), row.optionalInt(1), row.optionalInt(2))
            if row.bool(6) {
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
            if row.int(3) != row.int(4) * Timestamp.millisecondsPerDay {
                file.report.add(
                    .stock, "activation_code", id,
                    "The code gave another time than the \(row.int(4)) days it was sold for.")
            }
            if row.bool(5) {
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
            if row.bool(2) {
                file.report.add(
                    .quantity, "code_block", nil,
                    "Block \(row.int(1)) of reseller \(row.int(0)) does not count the codes that there are.")
            }
            if row.bool(3) {
                file.report.add(
                    .quantity, "activation_code", nil,
                    "The numbers of reseller \(row.int(0))'s codes in block \(row.int(1)) have gaps.")
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
            if row.int(1) != row.int(2) {
                file.report.add(
                    .stock, "code_redemption", row.int(0),
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
                .stock, "subscriber", row.int(0), "The subscription ends at another time than its last redemption.")
            return true
        }
    }

    private static func checkTopUps(_ file: inout VerifiedFile) throws {
        try file.connection.forEach(
            """
            WITH counted AS (
                SELECT a.reseller_id, a.book, sum(e.amount) AS total
                FROM posting p JOIN entry e ON e.posting_id = p.id JOIN ledger_account a ON a.id = e.account_id
                WHERE p.kind = 'top_up' AND a.kind = 'balance' GROUP BY 1, 2)
            SELECT reseller_id FROM counted n FULL JOIN topup_total t USING (reseller_id, book)
            WHERE n.total IS NOT t.total ORDER BY 1
            """
        ) { row in
            file.report.add(
                .ledger, "topup_total", nil, "The top-ups of reseller \(row.int(0)) come to another total than is kept."
            )
            return true
        }
    }
}
