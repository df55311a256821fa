import CallKit
import Cryptography
import SQLite
import TenantRegistry

/// Tables whose rows may change and are vouched for all the same: the chain tells what each row says, with every batch
/// that changes it (0025). Those that it leaves out are in docs/internals/audit.md, each with its reason.
enum VouchedStates {
    static let tables = [
        "setting", "logo", "account", "account_link", "api_key", "api_key_secret", "reseller", "webhook_secret",
        "product",
        "price", "price_change", "test_price", "test_price_change", "limit_change",
        "webhook_endpoint", "webhook_endpoint_secret", "panel_user", "reconciliation", "account_review", "port_country",
        "port_device", "port_slot", "port_customer", "port_pricebook", "port_country_override", "port",
        "port_renewal",
        "customer_transfer", "subscriber", "payment_service", "payment", "payment_difference",
        "provisioner", "stock_item", "service_details", "revision_floor",
    ]
}

/// Compares the rows of `VouchedStates` with what the chain says of them last. What the chain says is kept on disk, so
/// that a file may have more rows than memory has room.
struct VouchedStateWalk {
    private let scratch: Connection
    private var isTold = false

    init() throws {
        scratch = try Connection(path: "", flags: [.readWrite, .create])
        try scratch.configureScratch(cacheKiB: 8_192)
        try scratch.execute(
            """
            CREATE TABLE said (place TEXT, key BLOB, digest BLOB, seq INTEGER, PRIMARY KEY (place, key)) WITHOUT ROWID;
            BEGIN
            """)
    }

    mutating func take(_ block: AuditBlock, _ sequence: Int64, _ file: inout VerifiedFile) throws {
        isTold = true
        guard let rows = RowDigests(payload: block.payload), rows.entries.count == block.count else {
            file.report.add(.rows, "audit", sequence, "What the row says of other rows cannot be read.")
            return
        }
        if rows.beginsAnew { try scratch.run("DELETE FROM said") }
        for entry in rows.entries {
            try scratch.run(
                "INSERT OR REPLACE INTO said VALUES (?1, ?2, ?3, ?4)", .text(entry.table), .blob(entry.key),
                .optional(entry.digest?.bytes), .integer(sequence))
        }
    }

    /// A file from before has said nothing of them, and its rows are taken as they are.
    func finish(_ file: inout VerifiedFile) throws {
        guard isTold || file.version >= Migration0010.version else { return }
        let told = try file.connection.row("SELECT vouched_version FROM meta") { try $0.int() }
        if told != Int64(file.version) {
            file.report.add(.rows, "meta", 1, "Its vouched_version says another schema than the file has.")
        }
        for table in VouchedStates.tables {
            let isThere = try file.connection.exists("SELECT 1 FROM pragma_table_info(?1)", .text(table))
            if isThere { try check(RowShape(of: table, in: file.connection), &file) }
        }
    }

    private func check(_ shape: RowShape, _ file: inout VerifiedFile) throws {
        let connection = file.connection
        try RowDigests.forEach(shape, connection) { key, digest in
            let said = try scratch.row(
                "SELECT digest, seq FROM said WHERE place = ?1 AND key = ?2", .text(shape.table), .blob(key)
            ) { row in (digest: try row.optionalBlob(), sequence: try row.int()) }
            file.report.counts.vouchedRows += 1
            switch said {
            case nil: add("No audit row vouches for this row: it was added.", shape, key, &file)
            case (nil, let sequence)?: add("Audit row \(sequence) says that it has gone.", shape, key, &file)
            case (let bytes?, let sequence)? where bytes != digest.bytes:
                add("The row is not as audit row \(sequence) says: changed.", shape, key, &file)
            default: break
            }
            return true
        }
        try scratch.forEach(
            "SELECT key, seq FROM said WHERE place = ?1 AND digest IS NOT NULL", .text(shape.table)
        ) { row in
            let (key, sequence) = (try row.blob(), try row.int())
            let values = CanonicalValue.values(of: key) ?? []
            let isKey = values.count == shape.key.count
            let isThere = isKey ? try connection.row(shape.one, values: values) { _ in true } ?? false : false
            if !isThere { add("The row is missing: audit row \(sequence) says that it is there.", shape, key, &file) }
            return true
        }
    }

    private func add(_ text: String, _ shape: RowShape, _ key: [UInt8], _ file: inout VerifiedFile) {
        let (id, place) = Self.place(shape, key)
        file.report.add(.rows, shape.table, id, place + text)
    }

    /// The row's id, or the columns of its key with a colon.
    static func place(_ shape: RowShape, _ key: [UInt8]) -> (id: Int64?, text: String) {
        let values = CanonicalValue.values(of: key) ?? []
        if shape.hasRowID, case .integer(let id)? = values.first { return (id, "") }
        let named = zip(shape.key, values).map { name, value in "\(name) \(Self.name(value))" }
        return (nil, named.joined(separator: ", ") + ": ")
    }

    /// A hash by its beginning, which is enough to find it.
    private static func name(_ value: SQLValue) -> String {
        switch value {
        case .integer(let number): String(number)
        case .text(let text): text
        case .blob(let bytes): Hex.encode(Array(bytes.prefix(8)))
        case .real, .null: "?"
        }
    }
}
