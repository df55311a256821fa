import Cryptography
import SQLite
package import TenantRegistry

/// A tenant's logo, as its file keeps it: one, or none (O12).
package struct Logo: Sendable {
    package let kind: LogoImage.Kind
    package let bytes: [UInt8]
    /// What its address ends in: another picture has another.
    package let name: String

    static let columns = Columns<Logo>("kind", "bytes", "name")

    init(_ row: inout RowReader) throws {
        kind = try row.value()
        bytes = try row.blob()
        name = try row.text()
    }

    package static func name(of bytes: [UInt8]) -> String {
        Hex.encode(Array(SHA256.hash(bytes).bytes.prefix(16)))
    }
}

extension TenantReader {
    package func logo(named name: String) throws -> Logo? {
        try connection.row(
            dynamic: "SELECT \(Logo.columns) FROM logo WHERE id = 1 AND name = ?1", [.text(name)], read: Logo.init)
    }

    /// Where the logo is, below the tenant's address; nil: there is none.
    package func logoPath() throws -> String? {
        try connection.row("SELECT name FROM logo WHERE id = 1") { try $0.text() }.map { "/logo.\($0)" }
    }
}

extension TenantTransaction {
    package func save(logo bytes: [UInt8], _ image: LogoImage) throws {
        try connection.run(
            """
            INSERT OR REPLACE INTO logo (id, kind, bytes, name, width, height, updated_at)
            VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6)
            """,
            .text(image.kind.rawValue), .blob(bytes), .text(Logo.name(of: bytes)), .int(image.width),
            .int(image.height), .time(now))
    }

    package func deleteLogo() throws { try connection.run("DELETE FROM logo") }
}
