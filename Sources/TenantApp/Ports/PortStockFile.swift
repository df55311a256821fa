package import CallKit
package import HTTPCore

/// One row of a stock of ports as it was sent: a device and one slot of it, or a range of them.
package struct PortStockRow: Sendable, Equatable {
    package struct Slot: Sendable, Hashable {
        package let http: Int64
        package let socks: Int64
    }

    /// Where the row stands: `/line/7` or `/ports/6`.
    package let pointer: String
    package let device: String
    package let serverIP: String
    package let slots: [Slot]
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
}

/// Reads a stock of ports (O9): CSV with a header row, or JSON `{"ports": […]}`; the same fields in both.
/// `http_port` and `socks_port` are a port each, or ranges (`10001-10010`) of the same length. Pure: any thread.
package enum PortStockFile {
    private static let shape = TableShape(
        "a stock of ports",
        [
            .required("device"), .required("server_ip", .value), .required("http_port", .value),
            .required("socks_port", .value), .required("country"), .optional("city"), .optional("carrier"),
            .optional("mode", .value),
        ])
    /// So many slots at once: the import is one transaction, and other calls wait for it.
    package static let slotsMax = 10_000

    /// Throws every fault of the file, each with its row.
    package static func read(_ body: [UInt8], isCSV: Bool) throws(Refusal) -> [PortStockRow] {
        var errors: [FieldError] = []
        var source = try isCSV ? Source.csv(TableRows(body, shape)) : .json(jsonRows(body)[...])
        var rows: [PortStockRow] = []
        var slots = 0
        while errors.count < ImportPorts.errorsMax, let (pointer, json) = source.next(&errors) {
            if let row = row(json, pointer, &errors) {
                // Before the next row is expanded: ranges are short to write and long to hold.
                slots += row.slots.count
                guard slots <= slotsMax else {
                    throw .field("/ports", "count", "more than \(slotsMax) slots; send them in parts")
                }
                rows.append(row)
            }
        }
        if rows.isEmpty && errors.isEmpty { throw .field("/ports", "required", "there is no row") }
        findRepeats(rows, &errors)
        guard errors.isEmpty else { throw .invalid(Array(errors.byPlace.prefix(ImportPorts.errorsMax))) }
        return rows
    }

    /// The rows of a JSON array, as the demo has them too.
    package static func read(_ values: [JSON]) throws(Refusal) -> [PortStockRow] {
        try read(JSON.object([JSONMember(name: "ports", value: .array(values))]).encoded(), isCSV: false)
    }

    /// A JSON body larger than this becomes too large a tree; CSV is read row by row.
    private static let jsonBytesMax = 8 << 20

    private static func jsonRows(_ body: [UInt8]) throws(Refusal) -> [(String, JSON)] {
        if body.count > jsonBytesMax { throw .tooLarge(bytesMax: jsonBytesMax) }
        let json: JSON
        do throws(JSONError) {
            json = try JSON.parse(ByteOrderMark.without(body))
        } catch {
            throw .unparseable("The body is not valid JSON: \(error).")
        }
        if case .array(let values) = json { return values.enumerated().map { ("/\($0.offset)", $0.element) } }
        var fields = FieldReader(json, refusesUnknown: true)
        let values = fields.array("ports", count: 1...slotsMax)
        fields.expectNoOthers(than: ["ports"])
        try fields.finish()
        return (values ?? []).enumerated().map { ("/ports/\($0.offset)", $0.element) }
    }

    /// Rows with where each stands.
    private enum Source {
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
    }

    private static func row(_ json: JSON, _ pointer: String, _ errors: inout [FieldError]) -> PortStockRow? {
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
        return PortStockRow(
            pointer: pointer, device: device, serverIP: serverIP,
            slots: zip(http, socks).map { PortStockRow.Slot(http: $0, socks: $1) }, country: country, city: city,
            carrier: carrier, isExclusiveCapable: isExclusiveCapable)
    }

    static let modes = ["shared": false, "exclusive": true, "exclusive-capable": true]

    /// The same port of an address twice in one file.
    private static func findRepeats(_ rows: [PortStockRow], _ errors: inout [FieldError]) {
        struct Place: Hashable {
            let address: String
            let port: Int64
        }
        var seen: [Place: String] = [:]
        for row in rows where errors.count < ImportPorts.errorsMax {
            search: for slot in row.slots {
                for port in [slot.http, slot.socks] {
                    let place = Place(address: row.serverIP, port: port)
                    if let first = seen[place] {
                        errors.append(
                            row.error("http_port", "duplicate", "\(row.serverIP):\(port) stands at \(first) already"))
                        break search
                    }
                    seen[place] = row.pointer
                }
            }
        }
    }
}

extension FieldReader {
    /// An IPv4 or IPv6 address, or a name of at least two labels, in the one spelling in which addresses are compared.
    fileprivate mutating func serverAddress(_ name: String) -> String? {
        guard let text = string(name, characters: 1...253) else { return nil }
        let folded = text.lowercased()
        let host = folded.hasSuffix(".") ? String(folded.dropLast()) : folded
        if let address = IPAddress(parsing: text) {
            if address.isReachable { return address.description }
            fail(name, code: "unreachable", detail: "must be an address that others can reach")
            return nil
        }
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
