import CallKit
import HTTPCore
import SQLite
package import TenantRegistry

/// What a list of the tenant's keys asks for (O1). A value: any thread.
package struct KeyFilter: Sendable {
    package var resellerID: Int64?
    package var state: KeyState?
    /// Of which book its calls are.
    package var book: Book?
    /// How its id, the part of it that is shown, its name or its owner's address begins; folded.
    package var beginning: String?

    package init() {}

    fileprivate static let searched = [
        "k.public_id", "lower(k.display_prefix)", "(SELECT a.email FROM account a WHERE a.id = k.account_id)",
    ]

    /// Whether the key is called so.
    fileprivate func isName(of key: APIKey) -> Bool {
        guard let beginning, let name = key.name?.folded else { return false }
        return name.utf8.starts(with: beginning.utf8)
    }
}

extension TenantReader {
    /// Keys that are so, not sessions, newest last, `limit` at most. `next`: the id behind which the list goes on; nil
    /// at its end. One that finds little may be short, and goes on.
    package func keys(_ filter: KeyFilter, after id: Int64, limit: Int) throws -> (rows: [APIKey], next: Int64?) {
        let owner = filter.resellerID.map { (column: "reseller_id", value: SQLValue.integer($0)) }
        var found = FilteredRows(of: "api_key k", behind: id, along: owner)
        found.expect("k.role < \(found.bind(.integer(KeyRole.ownerSession.rawValue)))")
        if let book = filter.book { found.expect("k.book = \(found.bind(.book(book)))") }
        if let state = filter.state {
            let isInForce = APIKey.isInForce(at: found.bind(.time(now)))
            found.expect(state == .active ? isInForce : "NOT (\(isInForce))")
        }
        // Names are folded as the program folds them, not as SQL does: the rest of a text's search is theirs.
        var isFound = "1"
        if let beginning = filter.beginning {
            var either: [String] = []
            for text in EmailAddress.beginnings(beginning) {
                let (from, to) = (found.bind(.text(text)), found.bind(.text(text.behindAll)))
                either += KeyFilter.searched.map { "\($0) >= \(from) AND \($0) < \(to)" }
            }
            isFound = either.joined(separator: " OR ")
        }
        return try found.page(connection, "(\(isFound)), \(APIKey.columns)", limit: limit) { row in
            let isFound = try row.bool()
            let key = try APIKey(&row)
            return isFound || filter.isName(of: key) ? key : nil
        }
    }
}
