import CallKit
import SQLite
package import TenantRegistry

/// Counts of a reseller's codes by blocks of a thousand numbers: totals and the place of any page are read from a few
/// rows, however many codes there are.
package enum CodeBlocks {
    package static let codesInBlock: Int64 = 1_000
}

package struct CodeCounts: Sendable, Equatable {
    package var codes: Int64
    package var redeemed: Int64

    package func matching(_ status: CodeStatus?) -> Int64 {
        switch status {
        case .available: codes - redeemed
        case .redeemed: redeemed
        case nil: codes
        }
    }
}

extension TenantReader {
    package func codeCounts(resellerID: Int64, book: Book) throws -> CodeCounts {
        try connection.row(
            "SELECT coalesce(sum(codes), 0), coalesce(sum(redeemed), 0) FROM code_block WHERE reseller_id = ?1 AND book = ?2",
            .integer(resellerID), .book(book)
        ) { try CodeCounts(codes: $0.int(), redeemed: $0.int()) } ?? CodeCounts(codes: 0, redeemed: 0)
    }

    /// One page of a reseller's codes, newest first, and how many there are of that status. `page` counts from 1; past
    /// the last one there are none.
    package func codePage(
        _ page: Int64, size: Int, resellerID: Int64, book: Book, status: CodeStatus?
    ) throws -> (codes: [ActivationCode], total: Int64) {
        let blocks = try connection.rows(
            "SELECT block, codes, redeemed FROM code_block WHERE reseller_id = ?1 AND book = ?2 ORDER BY block DESC",
            .integer(resellerID), .book(book)
        ) { try (block: $0.int(), count: CodeCounts(codes: $0.int(), redeemed: $0.int()).matching(status)) }
        let total = blocks.reduce(0) { $0 + $1.count }
        var skip = (page - 1) * Int64(size)
        for block in blocks {
            if skip >= block.count {
                skip -= block.count
                continue
            }
            let codes = try activationCodes(
                resellerID: resellerID, book: book, status: status,
                from: (block.block + 1) * CodeBlocks.codesInBlock, skip: skip, limit: size)
            return (codes, total)
        }
        return ([], total)
    }
}

extension TenantTransaction {
    /// The numbers of a reseller's next codes; counts them. `count` is 1 at least.
    func takeCodeNumbers(_ count: Int64, resellerID: Int64, book: Book) throws -> ClosedRange<Int64> {
        let last = try connection.row(
            """
            SELECT block, codes FROM code_block WHERE reseller_id = ?1 AND book = ?2 ORDER BY block DESC LIMIT 1
            """,
            .integer(resellerID), .book(book)
        ) { try $0.int() * CodeBlocks.codesInBlock + $0.int() }
        let first = (last ?? 0) + 1
        let end = first + count - 1
        var number = first
        while number <= end {
            let block = (number - 1) / CodeBlocks.codesInBlock
            let next = min(end, (block + 1) * CodeBlocks.codesInBlock) + 1
            try connection.run(
                """
                INSERT INTO code_block (reseller_id, book, block, codes) VALUES (?1, ?2, ?3, ?4)
                ON CONFLICT DO UPDATE SET codes = codes + excluded.codes
                """,
                .integer(resellerID), .book(book), .integer(block), .integer(next - number))
            number = next
        }
        return first...end
    }

    func countRedeemed(_ code: ActivationCode) throws {
        try connection.run(
            "UPDATE code_block SET redeemed = redeemed + 1 WHERE reseller_id = ?1 AND book = ?2 AND block = ?3",
            .integer(code.resellerID), .book(code.book), .integer((code.number - 1) / CodeBlocks.codesInBlock))
    }
}
