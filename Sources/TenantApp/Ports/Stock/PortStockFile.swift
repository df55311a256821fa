package import CallKit
package import HTTPCore

/// One slot of a stock of ports as it was sent: a row of the file, or one of a range in it.
package struct PortStockRow: Sendable, Equatable {
    /// Where its row stands: `/line/7` or `/ports/6`.
    package let pointer: String
    package let device: String
    package let serverIP: String
    package let httpPort: Int64
    package let socksPort: Int64
    package let country: String
    package let city: String?
    package let carrier: String?
    package let isExclusiveCapable: Bool

    func error(_ field: String, _ code: String, _ detail: String) -> FieldError {
        FieldError(pointer: "\(pointer)/\(field)", code: code, detail: detail)
    }

    func device(countryID: Int64) -> PortDevice {
        PortDevice(
            name: device, serverIP: serverIP, countryID: countryID, city: city, carrier: carrier,
            isExclusiveCapable: isExclusiveCapable)
    }

    /// What all slots of a device agree on.
    fileprivate struct Facts: Equatable {
        let serverIP: String
        let country: String
        let city: String?
        let carrier: String?
        let isExclusiveCapable: Bool
    }

    fileprivate var facts: Facts {
        Facts(
            serverIP: serverIP, country: country, city: city, carrier: carrier, isExclusiveCapable: isExclusiveCapable)
    }
}

/// Reads a stock of ports (O9), slot by slot: CSV with a header row, or JSON `{"ports": […]}`; the same fields in both.
/// `http_port` and `socks_port` are a port each, or ranges (`10001-10010`) of the same length. What stands twice in it
/// is an error. A value: one thread at a time.
package struct PortStockFile: Sendable {
    private static let shape = TableShape(
        "a stock of ports",
        [
            .required("device"), .required("server_ip", .value), .required("http_port", .value),
            .required("socks_port", .value), .required("country"), .optional("city"), .optional("carrier"),
            .optional("mode", .value),
        ])
    /// So many slots at once: they are put in force in one transaction, and other calls wait for it.
    package static let slotsMax = 10_000

    /// Rows with where each stands.
    private enum Source: Sendable {
        case csv(TableRows)
        case json(ArraySlice<(String, JSON)>)

        mutating func next(_ errors: inout [FieldError]) -> (String, JSON)? {
            switch self {
            case .csv(var table):
                defer { self = .csv(table) }
                return table.next(errors: &errors).map { ("/line/\($0.line)", $0.json) }
            case .json(var rest):
                defer { self = .json(rest) }
                return rest.popFirst()
            }
        }

        var isReadable: Bool { if case .csv(let table) = self { table.isReadable } else { true } }

        var isAtEnd: Bool {
            switch self {
            case .csv(let table): table.isAtEnd
            case .json(let rest): rest.isEmpty
            }
        }
    }

    private struct Place: Hashable {
        let address: String
        let port: Int64
    }

    private var source: Source
    /// Slots of the row that was read last.
    private var waiting: ArraySlice<PortStockRow> = []
    private var seen: [Place: String] = [:]
    private var facts: [String: PortStockRow.Facts] = [:]
    package private(set) var slots = 0

    /// Throws where the body is JSON that cannot be read.
    package init(_ body: [UInt8], isCSV: Bool) throws(Refusal) {
        source = try isCSV ? .csv(TableRows(body, Self.shape)) : .json(Self.jsonRows(body)[...])
    }

    /// The rows of a JSON array, as the demo has them too.
    package init(_ values: [JSON]) throws(Refusal) {
        source = .json(values.enumerated().map { ("/ports/\($0.offset)", $0.element) }[...])
    }

    package var isAtEnd: Bool { source.isAtEnd && waiting.isEmpty }

    /// All slots of a small stock, or every fault of it.
    package mutating func whole() throws(Refusal) -> [PortStockRow] {
        var errors: [FieldError] = []
        var rows: [PortStockRow] = []
        while errors.isEmpty, !isAtEnd, next(Self.slotsMax, errors: &errors, into: &rows) {}
        guard errors.isEmpty else { throw .invalid(errors) }
        return rows
    }

    /// The next slots, at most `slotsMax`; none at the end. Faults of the rest join `errors`; false where what
    /// follows cannot be read at all.
    package mutating func next(_ slotsMax: Int, errors: inout [FieldError], into slots: inout [PortStockRow]) -> Bool {
        while slots.count < slotsMax {
            if let slot = waiting.popFirst() {
                slots.append(slot)
                continue
            }
            guard let (pointer, json) = source.next(&errors) else { break }
            let row = Self.row(json, pointer, &errors)
            // Before it is expanded: ranges are short to write and long to hold.
            self.slots += row?.1.count ?? 0
            guard self.slots <= Self.slotsMax else {
                let detail = "more than \(Self.slotsMax) slots; send them in parts"
                errors.append(FieldError(pointer: "/ports", code: "count", detail: detail))
                return false
            }
            if let (first, pairs) = row { take(first, pairs, &errors) }
        }
        return source.isReadable
    }

    private mutating func take(
        _ row: PortStockRow, _ pairs: [(http: Int64, socks: Int64)], _ errors: inout [FieldError]
    ) {
        if facts[row.device, default: row.facts] != row.facts {
            errors.append(
                row.error("device", "conflict", "the device is known with another address, place, carrier or mode"))
            return
        }
        facts[row.device] = row.facts
        for port in pairs.flatMap({ [$0.http, $0.socks] }) {
            let place = Place(address: row.serverIP, port: port)
            if let first = seen[place] {
                errors.append(row.error("http_port", "duplicate", "\(row.serverIP):\(port) stands at \(first) already"))
                return
            }
            seen[place] = row.pointer
        }
        waiting =
            pairs.map { pair in
                PortStockRow(
                    pointer: row.pointer, device: row.device, serverIP: row.serverIP, httpPort: pair.http,
                    socksPort: pair.socks, country: row.country, city: row.city, carrier: row.carrier,
                    isExclusiveCapable: row.isExclusiveCapable)
            }[...]
    }

    /// A JSON body larger than this becomes too large a tree; CSV is read row by row.
    private static let jsonBytesMax = 8 << 20

    private static func jsonRows(_ body: [UInt8]) throws(Refusal) -> [(String, JSON)] {
        let json = try JSON.imported(body, bytesMax: jsonBytesMax)
        if case .array(let values) = json { return values.enumerated().map { ("/\($0.offset)", $0.element) } }
        var fields = FieldReader(json, refusesUnknown: true)
        let values = fields.array("ports", count: 1...slotsMax)
        fields.expectNoOthers(than: ["ports"])
        try fields.finish()
        return (values ?? []).enumerated().map { ("/ports/\($0.offset)", $0.element) }
    }

    /// The first slot of a row, and the pairs of ports of all.
    private static func row(
        _ json: JSON, _ pointer: String, _ errors: inout [FieldError]
    ) -> (PortStockRow, [(http: Int64, socks: Int64)])? {
        var fields = FieldReader(json, at: pointer, refusesUnknown: true)
        let device = fields.string("device", characters: 1...100, .id)
        let serverIP = fields.serverAddress("server_ip")
        let http = fields.ports("http_port")
        let socks = fields.ports("socks_port")
        if let http, let socks, http.count != socks.count || http.overlaps(socks) {
            fields.fail("socks_port", code: "range", detail: "must be as many ports as http_port has, and others")
        }
        let country = fields.string("country", characters: 1...100, .id)
        let city = fields.optionalString("city", characters: 1...100, .id)
        let carrier = fields.optionalString("carrier", characters: 1...100, .id)
        let mode = fields.optionalString("mode", characters: 1...32) ?? "shared"
        if !modes.keys.contains(mode) {
            fields.fail("mode", code: "choice", detail: "must be one of shared, exclusive-capable")
        }
        fields.expectNoOthers(than: shape.names)
        errors += fields.errors
        guard let device, let serverIP, let http, let socks, let country, let isExclusiveCapable = modes[mode],
            fields.errors.isEmpty
        else { return nil }
        let first = PortStockRow(
            pointer: pointer, device: device, serverIP: serverIP, httpPort: http.lowerBound,
            socksPort: socks.lowerBound, country: country, city: city, carrier: carrier,
            isExclusiveCapable: isExclusiveCapable)
        return (first, zip(http, socks).map { (http: $0, socks: $1) })
    }

    static let modes = ["shared": false, "exclusive": true, "exclusive-capable": true]
}

extension FieldReader {
    /// An IPv4 or IPv6 address that others can reach, or a name of at least two labels, in the one spelling in which
    /// addresses are compared.
    mutating func serverAddress(_ name: String) -> String? {
        guard let text = string(name, characters: 1...253) else { return nil }
        let folded = text.lowercased()
        let host = folded.hasSuffix(".") ? String(folded.dropLast()) : folded
        let address = IPAddress(parsing: text)
        if address?.isReachable == false || HostName.isLoopback(host) {
            fail(name, code: "unreachable", detail: "must be an address that others can reach")
            return nil
        }
        if let address { return address.description }
        guard HostName.isDomain(host) else {
            fail(name, code: "format", detail: "must be an IPv4 or IPv6 address, or a host name")
            return nil
        }
        return host
    }

    /// `10001`, as a number or text, or `10001-10010`.
    fileprivate mutating func ports(_ name: String) -> ClosedRange<Int64>? {
        func number(_ text: Substring) -> Int64? { JSONNumber(plain: text)?.integer() }
        guard let text = numberText(name) else { return nil }
        let ends = text.split(separator: "-", omittingEmptySubsequences: false).map(number)
        guard let first = ends.first ?? nil, let last = ends.last ?? nil, ends.count <= 2, first <= last,
            1...65_535 ~= first, 1...65_535 ~= last
        else {
            fail(name, code: "range", detail: "must be a port from 1 to 65535, or a range of them like 10001-10010")
            return nil
        }
        return first...last
    }
}
