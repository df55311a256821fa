import CallKit
import SQLite
package import TenantRegistry

package enum PortDeviceState: String, Sendable, CaseIterable, AnswerValue {
    case active
    /// It is taken out, and some ports have not left it.
    case closing
    case withdrawn

    fileprivate var condition: String {
        switch self {
        case .active: "d.withdrawn_at IS NULL"
        case .closing: "d.withdrawn_at IS NOT NULL AND d.used > 0"
        case .withdrawn: "d.withdrawn_at IS NOT NULL AND d.used = 0"
        }
    }
}

/// A device as an operator sees it: what it is, and how much of it is used.
package struct StockedDevice: Sendable {
    package let id: Int64
    package let device: PortDevice
    package let countryPublicID: String
    package let slots: Int64
    package let used: Int64
    package let exclusivePorts: Int64
    package let createdAt: Timestamp
    package let withdrawnAt: Timestamp?

    package var state: PortDeviceState { withdrawnAt == nil ? .active : used > 0 ? .closing : .withdrawn }

    static let columns = Columns<StockedDevice>(
        "d.id", "d.name", "d.server_ip", "d.country_id", "d.city", "d.carrier", "d.exclusive_capable", "c.public_id",
        "d.capacity", "d.used", "d.exclusive_ports", "d.created_at", "d.withdrawn_at")
    static let tables = "port_device d CROSS JOIN port_country c ON c.id = d.country_id"
    fileprivate static let byName = Statement("SELECT \(columns) FROM \(tables) WHERE d.book = ?1 AND d.name = ?2")

    init(_ row: inout RowReader) throws {
        id = try row.int()
        device = try PortDevice(
            name: row.text(), serverIP: row.text(), countryID: row.int(), city: row.optionalText(),
            carrier: row.optionalText(), isExclusiveCapable: row.bool())
        countryPublicID = try row.text()
        slots = try row.int()
        used = try row.int()
        exclusivePorts = try row.int()
        createdAt = try row.time()
        withdrawnAt = try row.optionalTime()
    }
}

/// A slot that is looked at one by one.
package struct HeldSlot: Sendable {
    package let id: Int64
    package let deviceID: Int64
    package let httpPort: Int64
    package let socksPort: Int64
    package let portID: Int64?

    static let columns = Columns<HeldSlot>("id", "device_id", "http_port", "socks_port", "port_id")

    init(_ row: inout RowReader) throws {
        id = try row.int()
        deviceID = try row.int()
        httpPort = try row.int()
        socksPort = try row.int()
        portID = try row.optionalInt()
    }
}

/// A slot as an operator reads it: who uses it, and until when.
struct UsedSlot: Sendable {
    let slot: PortSlot
    /// Nil where nobody does.
    let port: Port?
    /// Whose port it is.
    let reseller: String?
}

extension TenantReader {
    /// A slot by its address and its port for HTTP, in stock or taken out.
    func usedSlot(serverIP: String, httpPort: Int64, book: Book) throws -> UsedSlot? {
        let found = try connection.row(
            dynamic: """
                SELECT \(PortSlot.columns), s.port_id FROM \(PortSlot.tables)
                WHERE s.book = ?1 AND s.server_ip = ?2 AND s.http_port = ?3
                """,
            [.book(book), .text(serverIP), .integer(httpPort)]
        ) { row in (slot: try PortSlot(&row), portID: try row.optionalInt()) }
        guard let (slot, portID) = found else { return nil }
        let port = try portID.flatMap { try self.port(id: $0) }
        return UsedSlot(
            slot: slot, port: port, reseller: try port.flatMap { try reseller(id: $0.resellerID)?.publicID })
    }

    package func portDevice(named name: String, book: Book) throws -> StockedDevice? {
        try connection.row(StockedDevice.byName, .book(book), .text(name), read: StockedDevice.init)
    }

    package func knownPortDevice(_ name: String, book: Book) throws -> StockedDevice {
        guard let device = try portDevice(named: name, book: book) else { throw Refusal.notFound(.device) }
        return device
    }

    /// By id; `state` nil lists all that are not withdrawn.
    package func portDevices(
        book: Book, country: String?, state: PortDeviceState?, after id: Int64, limit: Int
    ) throws -> [StockedDevice] {
        let condition = state?.condition ?? "(d.withdrawn_at IS NULL OR d.used > 0)"
        return try connection.rows(
            dynamic: """
                SELECT \(StockedDevice.columns) FROM \(StockedDevice.tables)
                WHERE d.book = ?1 AND d.id > ?2 AND (?4 IS NULL OR c.public_id = ?4) AND \(condition)
                ORDER BY d.id LIMIT ?3
                """,
            [.book(book), .integer(id), .int(limit), .optional(country)], read: StockedDevice.init)
    }

    /// A slot in stock, by its address and its port for HTTP.
    package func heldSlot(serverIP: String, httpPort: Int64, book: Book) throws -> HeldSlot? {
        try connection.row(
            dynamic: """
                SELECT \(HeldSlot.columns) FROM port_slot
                WHERE book = ?1 AND server_ip = ?2 AND http_port = ?3 AND withdrawn_at IS NULL
                """,
            [.book(book), .text(serverIP), .integer(httpPort)], read: HeldSlot.init)
    }

    package func portSlot(id: Int64) throws -> PortSlot? {
        try connection.row(
            dynamic: "SELECT \(PortSlot.columns) FROM \(PortSlot.tables) WHERE s.id = ?1", [.integer(id)],
            read: PortSlot.init)
    }

    /// Whether another slot has one of the two ports of an address, or had.
    package func isAddressTaken(
        serverIP: String, httpPort: Int64, socksPort: Int64, book: Book, butBy slot: Int64
    ) throws -> Bool {
        try connection.exists(
            """
            SELECT 1 FROM port_slot WHERE book = ?1 AND server_ip = ?2 AND id <> ?5
                AND (http_port IN (?3, ?4) OR socks_port IN (?3, ?4))
            """,
            .book(book), .text(serverIP), .integer(httpPort), .integer(socksPort), .integer(slot))
    }

    /// Whether ports of a device's slots are another's at this address, or were.
    package func isAddressTaken(by device: StockedDevice, at serverIP: String, book: Book) throws -> Bool {
        try connection.exists(
            """
            SELECT 1 FROM port_slot t JOIN port_slot s ON s.device_id = ?1 AND s.withdrawn_at IS NULL
                AND (t.http_port IN (s.http_port, s.socks_port) OR t.socks_port IN (s.http_port, s.socks_port))
            WHERE t.book = ?2 AND t.server_ip = ?3 AND t.id <> s.id
                AND NOT (t.device_id = ?1 AND t.withdrawn_at IS NULL)
            """,
            .integer(device.id), .book(book), .text(serverIP))
    }

    /// Slots of a device that are in stock under another address than its own.
    package func slotsElsewhere(ofDevice id: Int64, limit: Int) throws -> [HeldSlot] {
        try connection.rows(
            dynamic: """
                SELECT \(HeldSlot.columns) FROM port_slot
                WHERE device_id = ?1 AND withdrawn_at IS NULL
                    AND server_ip <> (SELECT server_ip FROM port_device WHERE id = ?1)
                ORDER BY id LIMIT ?2
                """,
            [.integer(id), .int(limit)], read: HeldSlot.init)
    }

    /// The first port that has a slot of a device.
    package func firstPortID(ofDevice id: Int64) throws -> Int64? {
        try connection.row(
            "SELECT port_id FROM port_slot WHERE device_id = ?1 AND port_id IS NOT NULL ORDER BY id LIMIT 1",
            .integer(id)
        ) { try $0.int() }
    }
}

extension TenantTransaction {
    package func save(_ device: PortDevice, id: Int64) throws {
        try connection.run(
            """
            UPDATE port_device SET server_ip = ?2, city = ?3, carrier = ?4, exclusive_capable = ?5 WHERE id = ?1
            """,
            .integer(id), .text(device.serverIP), .optional(device.city), .optional(device.carrier),
            .bool(device.isExclusiveCapable))
    }

    package func setAddress(ofSlot id: Int64, serverIP: String, httpPort: Int64, socksPort: Int64) throws {
        try connection.run(
            "UPDATE port_slot SET server_ip = ?2, http_port = ?3, socks_port = ?4 WHERE id = ?1", .integer(id),
            .text(serverIP), .integer(httpPort), .integer(socksPort))
    }

    /// From now on it is on its way out: nothing is taken in for it.
    package func beginWithdrawal(ofDevice id: Int64) throws {
        try connection.run(
            "UPDATE port_device SET withdrawn_at = ?2 WHERE id = ?1 AND withdrawn_at IS NULL", .integer(id), .time(now))
    }

    /// Takes free slots of a device out, at most `limit`; returns how many. No port finds its way onto a device whose
    /// free slots are gone.
    package func withdrawFreeSlots(ofDevice id: Int64, limit: Int) throws -> Int {
        try connection.run(
            """
            UPDATE port_slot SET withdrawn_at = ?2 WHERE id IN (
                SELECT id FROM port_slot WHERE device_id = ?1 AND port_id IS NULL AND withdrawn_at IS NULL
                ORDER BY id LIMIT ?3)
            """,
            .integer(id), .time(now), .int(limit))
        let count = connection.changes
        try connection.run(
            "UPDATE port_device SET capacity = capacity - ?2 WHERE id = ?1", .integer(id), .int(count))
        return count
    }

    /// Takes one slot out, which no port has.
    package func withdraw(_ slot: HeldSlot) throws {
        try connection.run("UPDATE port_slot SET withdrawn_at = ?2 WHERE id = ?1", .integer(slot.id), .time(now))
        try connection.run("UPDATE port_device SET capacity = capacity - 1 WHERE id = ?1", .integer(slot.deviceID))
    }
}
