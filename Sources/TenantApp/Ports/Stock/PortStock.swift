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
    /// When it was taken out; nil: it is in stock.
    package let withdrawnAt: Timestamp?

    package var state: PortSlotState { withdrawnAt != nil ? .withdrawn : portID == nil ? .free : .used }

    static let columns = Columns<PortSlot>(
        "s.id", "s.device_id", "d.name", "s.server_ip", "s.http_port", "s.socks_port", "c.public_id", "d.city",
        "d.carrier", "d.exclusive_capable", "p.public_id", "s.created_at", "s.withdrawn_at")
    fileprivate static let joined = """
        CROSS JOIN port_device d ON d.id = s.device_id CROSS JOIN port_country c ON c.id = d.country_id \
        LEFT JOIN port p ON p.id = s.port_id
        """
    static let tables = "port_slot s \(joined)"

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
        withdrawnAt = try row.optionalTime()
    }
}

package enum PortSlotState: String, Sendable, CaseIterable, AnswerValue {
    case free
    case used
    case withdrawn

    fileprivate var condition: String {
        switch self {
        case .free: "s.port_id IS NULL AND s.withdrawn_at IS NULL"
        case .used: "s.port_id IS NOT NULL"
        case .withdrawn: "s.withdrawn_at IS NOT NULL"
        }
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
    /// The device that it leaves.
    package var notDevice: Int64?
    /// It goes round the devices.
    package var isRotation = false
}

extension TenantReader {
    /// By id; `state` nil lists all that are in stock. `next`: the id behind which the list goes on; nil at its end.
    /// One that finds little may be short, and goes on.
    package func portSlots(
        book: Book, country: String?, state: PortSlotState?, after id: Int64, limit: Int
    ) throws -> (rows: [PortSlot], next: Int64?) {
        var found = FilteredRows(
            of: "port_slot s", joining: PortSlot.joined, behind: id,
            along: (column: "s.book", value: SQLValue.book(book)),
            where: state?.condition ?? "s.withdrawn_at IS NULL")
        // What is in the state has an index of its own; of what country it is is looked at row by row.
        if let country { found.expect("c.public_id = \(found.bind(.text(country)))") }
        return try found.page(connection, "\(PortSlot.columns)", limit: limit) { try PortSlot(&$0) }
    }

    /// Whether any device of the country is in this city, or of this carrier.
    package func hasDevice(countryID: Int64, city: String?, carrier: String?, book: Book) throws -> Bool {
        try connection.exists(
            """
            SELECT 1 FROM port_device WHERE book = ?1 AND country_id = ?2 AND withdrawn_at IS NULL
                AND (?3 IS NULL OR city = ?3) AND (?4 IS NULL OR carrier = ?4)
            """,
            .book(book), .integer(countryID), .optional(city), .optional(carrier))
    }
}

extension TenantTransaction {
    /// A free slot that does for the wish; nil where there is none. Devices that can be exclusive are kept for those
    /// who ask for that. Else a port gets the least used device, and a rotation the one that was left longest ago,
    /// however used, so that rotations go round all that have room.
    package func freeSlot(for wish: PortWish) throws -> (slot: Int64, device: Int64)? {
        let open = "used < capacity AND exclusive_ports = 0"
        let next = wish.isRotation ? "left_at, used" : "used, left_at"
        let order = "ORDER BY exclusive_capable, \(next) LIMIT 1"
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
                """
                SELECT id FROM port_slot WHERE device_id = ?1 AND port_id IS NULL AND withdrawn_at IS NULL
                ORDER BY id LIMIT 1
                """,
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
