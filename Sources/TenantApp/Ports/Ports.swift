package import CallKit
import Cryptography
import SQLite
package import TenantRegistry

package enum PortState: String, Sendable, CaseIterable, AnswerValue {
    case active
    case expired
}

/// A port that a reseller bought for a customer (X4).
package struct Port: Sendable {
    package let id: Int64
    package let publicID: String
    package let book: Book
    package let resellerID: Int64
    package let customerID: Int64
    package let customerPublicID: String
    package let countryID: Int64
    package let countryPublicID: String
    package let city: String?
    package let carrier: String?
    package let isExclusive: Bool
    package let isPrivate: Bool
    package let displayName: String
    package let login: String
    package let sealedPassword: [UInt8]
    package let slotID: Int64
    package let deviceID: Int64
    package let serverIP: String
    package let httpPort: Int64
    package let socksPort: Int64
    /// As the clock says: what is due has ended, whether or not its slot was cleared yet.
    package let state: PortState
    package let cost: Money
    package let resellerPrice: Money
    package let createdAt: Timestamp
    package let expiresAt: Timestamp
    /// Of the reseller's price over what it pays.
    package let margin: Money
    package var revision: Int64

    /// `?1` in every query is the time now.
    static let columns = Columns<Port>(
        "p.id", "p.public_id", "p.book", "p.reseller_id", "p.customer_id", "c.public_id", "p.country_id",
        "o.public_id", "p.city", "p.carrier", "p.is_exclusive", "p.is_private", "p.display_name", "p.login",
        "p.password", "p.slot_id", "s.device_id", "s.server_ip", "s.http_port", "s.socks_port",
        "iif(p.expires_at <= ?1, 'expired', p.state) AS state", "p.cost", "p.reseller_price", "p.created_at",
        "p.expires_at", "p.revision")
    static let tables = """
        port p CROSS JOIN customer c ON c.id = p.customer_id CROSS JOIN port_country o ON o.id = p.country_id \
        CROSS JOIN port_slot s ON s.id = p.slot_id
        """
    fileprivate static let byPublicID = Statement(
        "SELECT \(columns) FROM \(tables) WHERE p.public_id = ?2 AND p.reseller_id = ?3 AND p.book = ?4")

    init(_ row: inout RowReader) throws {
        id = try row.int()
        publicID = try row.text()
        book = try row.value()
        resellerID = try row.int()
        customerID = try row.int()
        customerPublicID = try row.text()
        countryID = try row.int()
        countryPublicID = try row.text()
        city = try row.optionalText()
        carrier = try row.optionalText()
        isExclusive = try row.bool()
        isPrivate = try row.bool()
        displayName = try row.text()
        login = try row.text()
        sealedPassword = try row.blob()
        slotID = try row.int()
        deviceID = try row.int()
        serverIP = try row.text()
        httpPort = try row.int()
        socksPort = try row.int()
        state = try row.value()
        cost = try row.money()
        resellerPrice = try row.money()
        createdAt = try row.time()
        expiresAt = try row.time()
        margin = try resellerPrice.subtracting(cost)
        revision = try row.int()
    }

    package var wish: PortWish {
        PortWish(
            countryID: countryID, city: city, carrier: carrier, isExclusive: isExclusive, isPrivate: isPrivate,
            resellerID: resellerID, book: book)
    }
}

/// A port about to be written.
package struct NewPort: Sendable {
    package var publicID: String
    package var wish: PortWish
    package var customerID: Int64
    package var displayName: String
    package var login: String
    package var password: String
    package var slotID: Int64
    package var days: Int64
    package var basePrice: Money
    package var price: PortPrice
    package var posting: Int64
    package var keyID: Int64
}

extension TenantReader {
    package func port(_ publicID: String, resellerID: Int64, book: Book) throws -> Port? {
        try connection.row(
            Port.byPublicID, .time(now), .text(publicID), .integer(resellerID), .book(book), read: Port.init)
    }

    package func port(id: Int64) throws -> Port? {
        try connection.row(
            dynamic: "SELECT \(Port.columns) FROM \(Port.tables) WHERE p.id = ?2", [.time(now), .integer(id)],
            read: Port.init)
    }

    package func knownPort(_ publicID: String, resellerID: Int64, book: Book) throws -> Port {
        guard let port = try port(publicID, resellerID: resellerID, book: book) else { throw Refusal.notFound(.port) }
        return port
    }

    /// Newest first, before port `id`.
    package func ports(
        resellerID: Int64, book: Book, customer: Int64?, state: PortState?, before id: Int64, limit: Int
    ) throws -> [Port] {
        var values: [SQLValue] = [.time(now), .integer(resellerID), .book(book), .integer(id), .int(limit)]
        var filter = "p.reseller_id = ?2 AND p.book = ?3 AND p.id < ?4"
        if let customer {
            values.append(.integer(customer))
            filter += " AND p.customer_id = ?6"
        }
        switch state {
        case .active: filter += " AND p.state = 'active' AND p.expires_at > ?1"
        case .expired: filter += " AND (p.expires_at <= ?1 OR p.state = 'expired')"
        case nil: break
        }
        return try connection.rows(
            dynamic: "SELECT \(Port.columns) FROM \(Port.tables) WHERE \(filter) ORDER BY p.id DESC LIMIT ?5", values,
            read: Port.init)
    }

    /// The password that a port's user signs in with.
    package func password(of port: Port) throws -> String {
        String(
            decoding: try AES256GCM.open(
                port.sealedPassword, key: store.secretKey, associatedData: passwordContext(port.publicID)),
            as: UTF8.self)
    }

    fileprivate func passwordContext(_ publicID: String) -> [UInt8] { tenantID.bytes + Array("port:\(publicID)".utf8) }
}

extension TenantTransaction {
    /// Returns the port's id; its slot is to be taken for it.
    package func insertPort(_ port: NewPort) throws -> Int64 {
        let sealed = try AES256GCM.seal(
            Array(port.password.utf8), key: store.secretKey, associatedData: passwordContext(port.publicID),
            random: store.random)
        try connection.run(
            """
            INSERT INTO port (public_id, book, reseller_id, customer_id, country_id, city, carrier, is_exclusive,
                is_private, display_name, login, password, slot_id, state, days, base_price, cost, reseller_price,
                posting_id, key_id, created_at, expires_at)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, 'active', ?14, ?15, ?16, ?17, ?18, ?19, ?20,
                ?21)
            """,
            .text(port.publicID), .book(port.wish.book), .integer(port.wish.resellerID), .integer(port.customerID),
            .integer(port.wish.countryID), .optional(port.wish.city), .optional(port.wish.carrier),
            .bool(port.wish.isExclusive), .bool(port.wish.isPrivate), .text(port.displayName), .text(port.login),
            .blob(sealed), .integer(port.slotID), .integer(port.days), .money(port.basePrice), .money(port.price.cost),
            .money(port.price.resellerPrice), .integer(port.posting), .integer(port.keyID), .time(now),
            .time(now.adding(days: port.days)))
        let id = connection.lastInsertedRowID
        noteDue(.port, at: now.adding(days: port.days))
        return id
    }

    /// In a fork (B2): nobody's password any more.
    package func replacePortPasswords() throws {
        let ports = try connection.rows("SELECT id, public_id FROM port") {
            (id: try $0.int(), publicID: try $0.text())
        }
        for port in ports {
            let sealed = try AES256GCM.seal(
                Array(port.publicID.utf8), key: store.secretKey, associatedData: passwordContext(port.publicID),
                random: store.random)
            try connection.run(
                "UPDATE port SET password = ?2 WHERE id = ?1", .integer(port.id), .blob(sealed))
        }
    }

    /// Ports whose time is up and whose slots are still taken, the longest due first; of one customer or of all. One
    /// that cannot be read is told and put off by a day, in memory alone, so that it keeps no other from its hour.
    package func duePorts(book: Book, customer: Int64?, limit: Int) throws -> [Port] {
        let filter = customer == nil ? "book = ?2 AND ?3 IS NULL" : "book = ?2 AND customer_id = ?3"
        let due = """
            SELECT expires_at, id FROM port
            WHERE \(filter) AND state = 'active' AND expires_at <= ?1
                AND expires_at >= ?5 AND (expires_at > ?5 OR id > ?6) AND id NOT IN (SELECT value FROM json_each(?7))
            ORDER BY expires_at, id LIMIT ?4
            """
        let putOff = memory.unreadablePorts.ids(now: now)
        var last = (at: Timestamp.earliest, id: Int64.min)
        var ports: [Port] = []
        // Those that could not be read made room.
        while ports.count < limit {
            let room = limit - ports.count
            let found = try connection.rows(
                dynamic: due,
                [
                    .time(now), .book(book), .optional(customer), .int(room), .time(last.at), .integer(last.id),
                    .text(putOff),
                ]
            ) { (at: try $0.time(), id: try $0.int()) }
            for place in found {
                if let port = try readDue(place.id) { ports.append(port) }
            }
            guard let end = found.last, found.count == room else { break }
            last = end
        }
        return ports
    }

    /// Nil where it was put off.
    private func readDue(_ id: Int64) throws -> Port? {
        var corrupt: CorruptRow?
        do {
            if let port = try port(id: id) { return port }
            // Its customer, country or slot is missing: `verify` says so.
        } catch let error as CorruptRow {
            corrupt = error
        }
        memory.unreadablePorts.add(id, now: now)
        if let corrupt { store.tell(corrupt) }
        return nil
    }

    /// Its end is another one.
    package func extend(_ port: Port, until end: Timestamp) throws {
        try connection.run("UPDATE port SET expires_at = ?2 WHERE id = ?1", .integer(port.id), .time(end))
        noteDue(.port, at: end)
    }

    package func move(_ port: Port, toSlot slot: Int64) throws {
        try connection.run(
            "UPDATE port SET slot_id = ?2, rotated_at = ?3 WHERE id = ?1", .integer(port.id), .integer(slot), .time(now)
        )
    }

    package func markExpired(_ port: Port) throws {
        try connection.run(
            "UPDATE port SET state = 'expired', released_at = ?2 WHERE id = ?1", .integer(port.id), .time(now))
    }
}
