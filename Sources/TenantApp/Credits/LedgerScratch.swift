import CallKit
import SQLite
import TenantRegistry

/// A ledger on disk while it is compared, so that its length costs no memory: a SQLite file of its own in `DATA/tmp`,
/// which is emptied at every start. Written in the file's order, then read in the order of references.
///
/// One owner at a time: whoever reads the ledger. `deinit` removes the file.
final class LedgerScratch {
    /// Of pages while written, and of what is sorted at once.
    private static let cacheKiB = 8_192
    private static let pageRows = 500

    private let path: String
    private let connection: Connection
    private var page: ArraySlice<LedgerLine> = []
    private var isAtEnd = false

    init(path: String) throws {
        self.path = path
        connection = try Connection(path: path)
        try connection.configureScratch(cacheKiB: Self.cacheKiB)
        try connection.execute(
            """
            CREATE TABLE entry (
                line INTEGER PRIMARY KEY, external_ref TEXT NOT NULL, kind TEXT NOT NULL, amount INTEGER NOT NULL,
                at INTEGER NOT NULL
            ) STRICT;
            BEGIN;
            """)
    }

    deinit {
        connection.close()
        DataDirectory.remove(path)
    }

    func append(_ lines: [LedgerLine]) throws {
        for line in lines {
            try connection.run(
                "INSERT INTO entry (line, external_ref, kind, amount, at) VALUES (?1, ?2, ?3, ?4, ?5)", .int(line.line),
                .text(line.externalRef), .text(line.kind), .money(line.amount), .time(line.at))
        }
    }

    /// Everything is written: sorts it, on disk where it is long.
    func sort() throws {
        try connection.execute("CREATE INDEX entry_by_ref ON entry (external_ref, line, kind, amount, at); COMMIT")
        try fetch(after: ("", 0))
    }

    /// The next line by the bytes of its reference, then by its place; nil at the end.
    var first: LedgerLine? { page.first }

    func removeFirst() throws {
        guard let line = page.popFirst(), page.isEmpty, !isAtEnd else { return }
        try fetch(after: (line.externalRef, line.line))
    }

    private func fetch(after place: (ref: String, line: Int)) throws {
        let rows = try connection.rows(
            """
            SELECT line, external_ref, kind, amount, at FROM entry INDEXED BY entry_by_ref
            WHERE (external_ref, line) > (?1, ?2) ORDER BY external_ref, line LIMIT ?3
            """,
            .text(place.ref), .int(place.line), .int(Self.pageRows)
        ) { row in
            try LedgerLine(
                line: Int(row.int()), externalRef: row.text(), kind: row.text(), amount: row.money(),
                at: row.time()
            )
        }
        page = rows[...]
        isAtEnd = rows.count < Self.pageRows
    }
}
