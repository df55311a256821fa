import CallKit
import SQLite
package import TenantRegistry

/// A slot on its way in, its country known.
package struct StagedSlot: Sendable {
    /// Unique within an import.
    package let place: Int
    package let row: PortStockRow
    package let device: PortDevice
}

/// Whether a pair of ports of an address can be taken in.
package enum SlotStanding: Sendable {
    case free
    /// It is there, and was taken out.
    case withdrawn
    /// One of the two is in stock, or was taken out together with another one.
    case taken
}

extension TenantReader {
    package func standing(ofSlot serverIP: String, http: Int64, socks: Int64, book: Book) throws -> SlotStanding {
        let slots = try connection.rows(
            """
            SELECT http_port = ?3 AND socks_port = ?4 AND withdrawn_at IS NOT NULL FROM port_slot
            WHERE book = ?1 AND server_ip = ?2 AND (http_port IN (?3, ?4) OR socks_port IN (?3, ?4)) LIMIT 2
            """,
            .book(book), .text(serverIP), .integer(http), .integer(socks)
        ) { try $0.bool() }
        return slots.isEmpty ? .free : slots == [true] ? .withdrawn : .taken
    }
}

extension TenantTransaction {
    /// A small stock at once, in countries that there are.
    package func takeIn(_ rows: [PortStockRow], book: Book) throws {
        let slots = try rows.enumerated().map { index, row in
            guard let country = try portCountry(row.country) else { throw Refusal.notFound(.country) }
            return StagedSlot(place: index, row: row, device: row.device(countryID: country.id))
        }
        try stage(slots, importID: 0)
        guard try applyStagedSlots(importID: 0, count: slots.count, book: book) != nil else { throw Refusal.defect }
    }

    package func stage(_ slots: [StagedSlot], importID: Int64) throws {
        for slot in slots {
            try connection.run(
                """
                INSERT INTO port_staging (import_id, place, device, server_ip, http_port, socks_port, country_id, city,
                    carrier, exclusive_capable)
                VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
                """,
                .integer(importID), .int(slot.place), .text(slot.device.name), .text(slot.device.serverIP),
                .integer(slot.row.httpPort), .integer(slot.row.socksPort), .integer(slot.device.countryID),
                .optional(slot.device.city), .optional(slot.device.carrier), .bool(slot.device.isExclusiveCapable))
        }
    }

    /// Makes the staged slots stock, all in this transaction; returns how many devices are new. Nil, and nothing done
    /// that stays, where one of them cannot be taken in any more or rows are missing: throw then. A device that was
    /// taken out comes back as the file has it, and a slot that was comes to its device.
    package func applyStagedSlots(importID: Int64, count: Int, book: Book) throws -> Int? {
        let ids: [SQLValue] = [.integer(importID), .book(book)]
        try connection.run(
            dynamic: """
                UPDATE port_device SET withdrawn_at = NULL, server_ip = s.server_ip, country_id = s.country_id,
                    city = s.city, carrier = s.carrier, exclusive_capable = s.exclusive_capable
                FROM port_staging s
                WHERE s.import_id = ?1 AND port_device.book = ?2 AND port_device.name = s.device
                    AND port_device.withdrawn_at IS NOT NULL AND port_device.used = 0
                """, ids)
        try connection.run(
            dynamic: """
                INSERT INTO port_device (book, name, server_ip, country_id, city, carrier, exclusive_capable,
                    created_at)
                SELECT ?2, device, server_ip, country_id, city, carrier, exclusive_capable, ?3 FROM port_staging s
                WHERE import_id = ?1
                    AND NOT EXISTS (SELECT 1 FROM port_device d WHERE d.book = ?2 AND d.name = s.device)
                GROUP BY device ORDER BY min(place)
                """, ids + [.time(now)])
        let newDevices = connection.changes
        // Of devices that are as the file has them; others were changed meanwhile, and their slots will be missing.
        let device = """
            port_device d ON d.book = ?2 AND d.name = s.device AND d.withdrawn_at IS NULL
                AND d.server_ip = s.server_ip AND d.country_id = s.country_id
            """
        try connection.run(
            dynamic: """
                UPDATE port_slot SET withdrawn_at = NULL, device_id = f.device_id, created_at = ?3
                FROM (SELECT s.*, d.id AS device_id FROM port_staging s JOIN \(device) WHERE s.import_id = ?1) f
                WHERE port_slot.book = ?2 AND port_slot.server_ip = f.server_ip AND port_slot.http_port = f.http_port
                    AND port_slot.socks_port = f.socks_port AND port_slot.withdrawn_at IS NOT NULL
                """, ids + [.time(now)])
        let returned = connection.changes
        try connection.run(
            dynamic: """
                INSERT INTO port_slot (book, device_id, server_ip, http_port, socks_port, created_at)
                SELECT ?2, d.id, s.server_ip, s.http_port, s.socks_port, ?3 FROM port_staging s JOIN \(device)
                WHERE s.import_id = ?1 AND NOT EXISTS (
                    SELECT 1 FROM port_slot p WHERE p.book = ?2 AND p.server_ip = s.server_ip
                        AND (p.http_port IN (s.http_port, s.socks_port) OR p.socks_port IN (s.http_port, s.socks_port)))
                ORDER BY s.place
                """, ids + [.time(now)])
        guard returned + connection.changes == count else { return nil }
        try connection.run(
            dynamic: """
                UPDATE port_device SET capacity = (
                    SELECT count(*) FROM port_slot p WHERE p.device_id = port_device.id AND p.withdrawn_at IS NULL)
                WHERE book = ?2 AND name IN (SELECT device FROM port_staging WHERE import_id = ?1)
                """, ids)
        try connection.run("DELETE FROM port_staging WHERE import_id = ?1", .integer(importID))
        return newDevices
    }

    /// Clears up to `rowsMax` rows of an import that came to nothing; false once there are no more.
    package func discardStagedSlots(importID: Int64, rowsMax: Int) throws -> Bool {
        try connection.run(
            """
            DELETE FROM port_staging WHERE import_id = ?1 AND place IN
                (SELECT place FROM port_staging WHERE import_id = ?1 LIMIT ?2)
            """,
            .integer(importID), .int(rowsMax))
        return try connection.exists("SELECT 1 FROM port_staging WHERE import_id = ?1", .integer(importID))
    }
}
