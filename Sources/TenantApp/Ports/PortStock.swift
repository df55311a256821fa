import CallKit
import SQLite
package import TenantRegistry

/// A device as it was imported.
package struct PortDevice: Sendable, Equatable {
    package var name: String
    package var serverIP: String
    package var countryID: Int64
    package var city: String?
    package var carrier: String?
    package var isExclusiveCapable: Bool

    package init(
        name: String, serverIP: String, countryID: Int64, city: String?, carrier: String?, isExclusiveCapable: Bool
    ) {
        self.name = name
        self.serverIP = serverIP
        self.countryID = countryID
        self.city = city
        self.carrier = carrier
        self.isExclusiveCapable = isExclusiveCapable
    }

    static let columns = Columns<PortDevice>(
        "id", "name", "server_ip", "country_id", "city", "carrier", "exclusive_capable")
    fileprivate static let byName = Statement("SELECT id, \(columns) FROM port_device WHERE book = ?1 AND name = ?2")

    init(_ row: inout RowReader) throws {
        row.skip()
        name = try row.text()
        serverIP = try row.text()
        countryID = try row.int()
        city = try row.optionalText()
        carrier = try row.optionalText()
        isExclusiveCapable = try row.bool()
    }
}

/// A slot of a device that a port can have.
package struct PortSlot: Sendable {
    package let id: Int64
    package let deviceID: Int64
    package let deviceName: String
    package let serverIP: String
    package let httpPort: Int64
    package let socksPort: Int64
    package let countryID: String
    package let city: String?
    package let carrier: String?
    package let isExclusiveCapable: Bool
    /// The port that has it now.
    package let portID: String?
    package let createdAt: Timestamp

    static let columns = Columns<PortSlot>(
        "s.id", "s.device_id", "d.name", "s.server_ip", "s.http_port", "s.socks_port", "c.public_id", "d.city",
        "d.carrier", "d.exclusive_capable", "p.public_id", "s.created_at")
    // CROSS JOIN keeps the slots first: their order needs no sorting.
    static let tables = """
        port_slot s CROSS JOIN port_device d ON d.id = s.device_id CROSS JOIN port_country c ON c.id = d.country_id \
        LEFT JOIN port p ON p.id = s.port_id
        """

    init(_ row: inout RowReader) throws {
        id = try row.int()
        deviceID = try row.int()
        deviceName = try row.text()
        serverIP = try row.text()
        httpPort = try row.int()
        socksPort = try row.int()
        countryID = try row.text()
        city = try row.optionalText()
        carrier = try row.optionalText()
        isExclusiveCapable = try row.bool()
        portID = try row.optionalText()
        createdAt = try row.time()
    }
}

/// What a port asks of its device (X4).
package struct PortWish: Sendable {
    package var countryID: Int64
    package var city: String?
    package var carrier: String?
    /// No other port on the device.
    package var isExclusive: Bool
    /// The device is this reseller's only.
    package var isPrivate: Bool
    package var resellerID: Int64
    package var book: Book
    /// The device that a rotation leaves.
    package var notDevice: Int64?
}

extension TenantReader {
    package func portDevice(named name: String, book: Book) throws -> (id: Int64, device: PortDevice)? {
        try connection.row(
            PortDevice.byName, .book(book), .text(name)
        ) { row in (try row.int(), try PortDevice(&row)) }
    }

    /// Whether one of the two ports of an address is in stock already.
    package func hasPortSlot(serverIP: String, httpPort: Int64, socksPort: Int64, book: Book) throws -> Bool {
        try connection.exists(
            """
            SELECT 1 FROM port_slot WHERE book = ?1 AND server_ip = ?2
                AND (http_port IN (?3, ?4) OR socks_port IN (?3, ?4))
            """,
            .book(book), .text(serverIP), .integer(httpPort), .integer(socksPort))
    }

    /// By id; `isFree` nil lists all.
    package func portSlots(
        book: Book, country: String?, isFree: Bool?, after id: Int64, limit: Int
    ) throws -> [PortSlot] {
        var values: [SQLValue] = [.book(book), .integer(id), .int(limit)]
        var filter = "s.book = ?1 AND s.id > ?2"
        if let country {
            values.append(.text(country))
            filter += " AND c.public_id = ?4"
        }
        if let isFree { filter += " AND s.port_id IS \(isFree ? "" : "NOT ")NULL" }
        return try connection.rows(
            dynamic: "SELECT \(PortSlot.columns) FROM \(PortSlot.tables) WHERE \(filter) ORDER BY s.id LIMIT ?3",
            values,
            read: PortSlot.init)
    }

    /// Whether any device of the country is in this city, or of this carrier.
    package func hasDevice(countryID: Int64, city: String?, carrier: String?, book: Book) throws -> Bool {
        try connection.exists(
            """
            SELECT 1 FROM port_device WHERE book = ?1 AND country_id = ?2
                AND (?3 IS NULL OR city = ?3) AND (?4 IS NULL OR carrier = ?4)
            """,
            .book(book), .integer(countryID), .optional(city), .optional(carrier))
    }
}

extension TenantTransaction {
    package func insertPortDevice(_ device: PortDevice, book: Book) throws -> Int64 {
        try connection.run(
            """
            INSERT INTO port_device (book, name, server_ip, country_id, city, carrier, exclusive_capable, created_at)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
            """,
            .book(book), .text(device.name), .text(device.serverIP), .integer(device.countryID), .optional(device.city),
            .optional(device.carrier), .bool(device.isExclusiveCapable), .time(now))
        return connection.lastInsertedRowID
    }

    package func insertPortSlot(
        device: Int64, serverIP: String, httpPort: Int64, socksPort: Int64, book: Book
    ) throws {
        try connection.run(
            """
            INSERT INTO port_slot (book, device_id, server_ip, http_port, socks_port, created_at)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6)
            """,
            .book(book), .integer(device), .text(serverIP), .integer(httpPort), .integer(socksPort), .time(now))
    }

    package func addCapacity(_ slots: Int64, toDevice id: Int64) throws {
        try connection.run(
            "UPDATE port_device SET capacity = capacity + ?2 WHERE id = ?1", .integer(id), .integer(slots))
    }

    /// A free slot that does for the wish; nil where there is none. Devices that can be exclusive are kept for those
    /// who ask for that; else the least used comes first, and among them the one left longest ago, so that rotations go
    /// round.
    package func freeSlot(for wish: PortWish) throws -> (slot: Int64, device: Int64)? {
        let open = "used < capacity AND exclusive_ports = 0"
        let order = "ORDER BY exclusive_capable, used, left_at LIMIT 1"
        let searches: [String]
        switch (wish.isExclusive, wish.isPrivate) {
        case (true, _): searches = ["\(open) AND exclusive_capable = 1 AND used = 0 \(order)"]
        case (false, true):
            searches = ["\(open) AND sole_reseller_id = ?5 AND used > 0 \(order)", "\(open) AND used = 0 \(order)"]
        case (false, false):
            searches = [
                "\(open) AND private_ports = 0 \(order)",
                "\(open) AND sole_reseller_id = ?5 AND private_ports > 0 \(order)",
            ]
        }
        for search in searches {
            let device = try connection.row(
                dynamic: """
                    SELECT id FROM port_device WHERE book = ?1 AND country_id = ?2 AND (?3 IS NULL OR city = ?3)
                        AND (?4 IS NULL OR carrier = ?4) AND id <> ?6 AND ?5 = ?5 AND \(search)
                    """,
                [
                    .book(wish.book), .integer(wish.countryID), .optional(wish.city), .optional(wish.carrier),
                    .integer(wish.resellerID), .integer(wish.notDevice ?? 0),
                ]
            ) { try $0.int() }
            guard let device else { continue }
            let slot = try connection.row(
                "SELECT id FROM port_slot WHERE device_id = ?1 AND port_id IS NULL ORDER BY id LIMIT 1",
                .integer(device)
            ) { try $0.int() }
            if let slot { return (slot, device) }
        }
        return nil
    }

    /// The slot is the port's from now on; the device's counts follow.
    package func take(slot: Int64, device: Int64, port: Int64, wish: PortWish) throws {
        try connection.run(
            "UPDATE port_slot SET port_id = ?2 WHERE id = ?1 AND port_id IS NULL", .integer(slot), .integer(port))
        try connection.run(
            """
            UPDATE port_device SET sole_reseller_id = iif(used = 0 OR sole_reseller_id = ?2, ?2, NULL), used = used + 1,
                exclusive_ports = exclusive_ports + ?3, private_ports = private_ports + ?4
            WHERE id = ?1
            """,
            .integer(device), .integer(wish.resellerID), .bool(wish.isExclusive), .bool(wish.isPrivate))
    }

    /// The slot is free again.
    package func release(slot: Int64, isExclusive: Bool, isPrivate: Bool) throws {
        try connection.run("UPDATE port_slot SET port_id = NULL WHERE id = ?1", .integer(slot))
        try connection.run(
            """
            UPDATE port_device SET used = used - 1, exclusive_ports = exclusive_ports - ?2,
                private_ports = private_ports - ?3, left_at = ?4,
                sole_reseller_id = (
                    SELECT iif(min(p.reseller_id) = max(p.reseller_id), min(p.reseller_id), NULL)
                    FROM port_slot s JOIN port p ON p.id = s.port_id WHERE s.device_id = port_device.id)
            WHERE id = (SELECT device_id FROM port_slot WHERE id = ?1)
            """,
            .integer(slot), .bool(isExclusive), .bool(isPrivate), .time(now))
    }
}
