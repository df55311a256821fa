import CallKit
package import SQLite
package import TenantRegistry

/// The author of a change of prices, and the way in which it was made (O4): as the audit log has them.
package struct PriceAuthor: Sendable {
    package enum Way: String, Sendable, CaseIterable, AnswerValue {
        /// A row, by itself.
        case call
        /// A whole price book.
        case file
        /// What a tenant was made with.
        case setup
        /// A copy of the tenant took the place of its file.
        case restore
        /// Before there was a history.
        case earlier
    }

    package let way: Way
    package let keyID: Int64
    package let accountID: Int64
    package let requestID: RequestID

    package init(_ way: Way, keyID: Int64 = 0, accountID: Int64 = 0, requestID: RequestID = .none) {
        self.way = way
        self.keyID = keyID
        self.accountID = accountID
        self.requestID = requestID
    }

    package static let setup = PriceAuthor(.setup)

    var values: [SQLValue] {
        [.text(way.rawValue), .integer(keyID), .integer(accountID), .blob(requestID.bytes)]
    }
}

/// One change of a price row; append-only, and vouched for by the chain as the price rows are.
package struct PriceChange: Sendable {
    package let id: Int64
    package let resellerPublicID: String
    package let sku: String
    package let at: Timestamp
    package let author: PriceAuthor
    package let keyPublicID: String?
    package let account: String?
    /// Nil where there was no such row, or is none since.
    package let old: PriceRow?
    package let new: PriceRow?

    static let columns = Columns<PriceChange>(
        "h.id", "r.public_id", "p.sku", "h.at", "h.way", "h.key_id", "h.account_id", "h.request_id", "k.public_id",
        "a.email", "h.old_is_enabled IS NOT NULL AS had_row", PriceRow.columns.named(from: "h.old_"),
        "h.new_is_enabled IS NOT NULL AS has_row", PriceRow.columns.named(from: "h.new_"))
    // CROSS JOIN keeps the changes first: their order needs no sorting.
    static func tables(in book: Book) -> String {
        """
        \(book.priceChanges) h CROSS JOIN reseller r ON r.id = h.reseller_id \
        CROSS JOIN product p ON p.id = h.product_id LEFT JOIN api_key k ON k.id = h.key_id \
        LEFT JOIN account a ON a.id = h.account_id
        """
    }

    init(_ row: inout RowReader) throws {
        id = try row.int()
        resellerPublicID = try row.text()
        sku = try row.text()
        at = try row.time()
        let way: PriceAuthor.Way = try row.value()
        author = PriceAuthor(
            way, keyID: try row.int(), accountID: try row.int(), requestID: try row.requestID())
        keyPublicID = try row.optionalText()
        account = try row.optionalText()
        old = try Self.side(&row)
        new = try Self.side(&row)
    }

    private static func side(_ row: inout RowReader) throws -> PriceRow? {
        if try row.bool() { return try PriceRow(&row) }
        row.skip(PriceRow.columnCount)
        return nil
    }

    /// The columns that make a change, in the order of `values`.
    static let written = """
        reseller_id, product_id, at, way, key_id, account_id, request_id, \
        \(PriceRow.columns.named(from: "old_")), \(PriceRow.columns.named(from: "new_"))
        """
}

/// Which changes a list of them shows.
package struct PriceChangeFilter: Sendable {
    package var book: Book
    package var resellerID: Int64?
    package var productID: Int64?
    package var from: Timestamp?
    package var to: Timestamp?

    package init(
        book: Book = .live, resellerID: Int64? = nil, productID: Int64? = nil, from: Timestamp? = nil,
        to: Timestamp? = nil
    ) {
        self.book = book
        self.resellerID = resellerID
        self.productID = productID
        self.from = from
        self.to = to
    }
}

extension TenantReader {
    /// Newest first, before change `id`. A period is found by its ends, so that no page looks at what is outside of it.
    package func priceChanges(
        _ filter: PriceChangeFilter, before id: Int64, limit: Int
    ) throws -> [PriceChange] {
        var values: [SQLValue] = [.integer(id), .int(limit)]
        var conditions = ["h.id < ?1"]
        let first = { (time: String) in
            "(SELECT id FROM \(filter.book.priceChanges) WHERE at >= \(time) ORDER BY at, id LIMIT 1)"
        }
        func add(_ value: SQLValue, _ condition: (String) -> String) {
            values.append(value)
            conditions.append(condition("?\(values.count)"))
        }
        if let reseller = filter.resellerID { add(.integer(reseller)) { "h.reseller_id = \($0)" } }
        if let product = filter.productID { add(.integer(product)) { "h.product_id = \($0)" } }
        if let from = filter.from {
            add(.time(from)) { "h.at >= \($0) AND h.id >= coalesce(\(first($0)), h.id + 1)" }
        }
        if let to = filter.to {
            add(.time(to)) { "h.at < \($0) AND h.id < coalesce(\(first($0)), h.id + 1)" }
        }
        return try connection.rows(
            dynamic: """
                SELECT \(PriceChange.columns) FROM \(PriceChange.tables(in: filter.book))
                WHERE \(conditions.joined(separator: " AND ")) ORDER BY h.id DESC LIMIT ?2
                """,
            values, read: PriceChange.init)
    }

    /// Names the live price book as it stands: another one after any change of it, and after a restore.
    package func priceBookHash() throws -> String {
        let last = try connection.row("SELECT coalesce(max(id), 0) FROM price_change") { try $0.int() } ?? 0
        return bookHash(of: "price", last)
    }

    package func priceRow(resellerID: Int64, productID: Int64, book: Book = .live) throws -> PriceRow? {
        try connection.row(
            dynamic: "SELECT \(PriceRow.columns) FROM \(book.prices) WHERE reseller_id = ?1 AND product_id = ?2",
            [.integer(resellerID), .integer(productID)], read: PriceRow.init)
    }
}

extension TenantTransaction {
    /// A row of the history, where the two differ.
    func notePriceChange(
        from old: PriceRow?, to new: PriceRow?, resellerID: Int64, productID: Int64, book: Book, by author: PriceAuthor
    ) throws {
        guard old != new else { return }
        let none = [SQLValue](repeating: .null, count: Int(PriceRow.columnCount))
        let values: [SQLValue] =
            [.integer(resellerID), .integer(productID), .time(now)] + author.values + (old?.values ?? none)
            + (new?.values ?? none)
        let places = (1...values.count).map { "?\($0)" }.joined(separator: ", ")
        try connection.run(
            dynamic: "INSERT INTO \(book.priceChanges) (\(PriceChange.written)) VALUES (\(places))", values)
    }

    /// What restored books say otherwise than those that they take the place of: `replaced` is the file that goes.
    package func notePriceChanges(since replaced: Connection, by author: PriceAuthor) throws {
        for book in Book.allCases { try notePriceChanges(in: book, since: replaced, by: author) }
    }

    private func notePriceChanges(in book: Book, since replaced: Connection, by author: PriceAuthor) throws {
        // A restore is often the answer to a damaged file: then nobody knows any more what it said.
        guard let rows = try? replaced.rows(PriceBookRow.all[book], read: PriceBookRow.init) else { return }
        var old: [PriceRowName: PriceRow] = [:]
        for row in rows { old[PriceRowName(row)] = row.price }
        for row in try connection.rows(PriceBookRow.all[book], read: PriceBookRow.init) {
            try notePriceChange(
                from: old.removeValue(forKey: PriceRowName(row)), to: row.price, resellerID: row.resellerID,
                productID: row.productID, book: book, by: author)
        }
        for (name, price) in old {
            guard let reseller = try reseller(publicID: name.reseller), let product = try product(sku: name.sku) else {
                continue
            }
            try notePriceChange(
                from: price, to: nil, resellerID: reseller.id, productID: product.id, book: book, by: author)
        }
    }
}

/// A price row by names that hold in every copy of a tenant.
private struct PriceRowName: Hashable {
    let reseller: String
    let sku: String

    init(_ row: PriceBookRow) {
        reseller = row.resellerPublicID
        sku = row.sku
    }
}
