import SQLite

/// What the ledger says of the posting that something else names: for comparison.
struct PostingSide: Equatable {
    let kind: String
    let book: Int64
    let reseller: Int64
    let reference: String
    /// The amount that it moves; 0 where it has no entries.
    let amount: Int64

    init(kind: String, book: Int64, reseller: Int64, reference: String, amount: Int64) {
        self.kind = kind
        self.book = book
        self.reseller = reseller
        self.reference = reference
        self.amount = amount
    }

    /// Five columns of an outer join; nil where there is no such posting.
    init?(_ row: inout RowReader) throws {
        guard !row.isNextNull else {
            row.skip(5)
            return nil
        }
        kind = try row.text()
        book = try row.int()
        reseller = try row.int()
        reference = try row.text()
        amount = try row.optionalInt() ?? 0
    }
}
