import CallKit
import HTTPCore
import TenantRegistry

/// Corrections of a stock of ports (O9): devices and slots that are taken out, addresses that change.
extension OperatorAdmin {
    static let devices: [Route] = [
        Route(
            .get, "/devices", "List devices of the stock of ports", access: .administrator,
            parameters: .page(.mode, .query("country"), .query("status", .choice(PortDeviceState.self))),
            gives: .list(Schemas.device), refuses: [404]
        ) { call in
            let query = try call.query()
            let page = try Paging(call)
            let book = try query.mode(or: call.book)
            let country = try query.id("country")
            let state = try query.choice("status", as: PortDeviceState.self)
            return .read { tenant in
                try tenant.expectPortCountry(country)
                let rows = try tenant.portDevices(
                    book: book, country: country, state: state, after: page.after, limit: page.fetch)
                return page.answer(rows, id: \.id, Schemas.device, in: tenant.currency)
            }
        },
        Route(
            .get, "/devices/{name}", "Read a device", access: .administrator, parameters: [.mode],
            gives: .read(Schemas.device)
        ) { call in
            let book = try call.query().mode(or: call.book)
            return .read { tenant in
                .json(Schemas.device, try tenant.knownPortDevice(call.parameters[0], book: book), in: tenant.currency)
            }
        },
        Route(
            .patch, "/devices/{name}", "Correct a device: its address, place, carrier or mode",
            access: .administrator, moves: .oneBook, parameters: [.mode], takes: Schemas.deviceChange.schema,
            gives: .done(Schemas.device), refuses: [409]
        ) { call in
            let book = try call.query().mode(or: call.book)
            var change = ChangeDevice(name: call.parameters[0], book: book)
            (change.serverIP, change.city, change.carrier, change.isExclusiveCapable) = try call.read(
                Schemas.deviceChange)
            return .flow { [change] steps in
                try await change.run(steps)
                return .write { tenant, detail in
                    detail.note("device", change.name)
                    let device = try tenant.knownPortDevice(change.name, book: book)
                    return .json(Schemas.device, device, in: tenant.currency)
                }
            }
        },
        Route(
            .delete, "/devices/{name}", "Take a device out: its ports move or end", access: .administrator,
            moves: .oneBook, parameters: [.mode, Schemas.portFate], gives: .done(Schemas.takenOutDevice),
            refuses: [409]
        ) { call in
            let query = try call.query()
            let takeOut = TakeOutDevice(
                name: call.parameters[0], book: try query.mode(or: call.book),
                fate: try query.choice("ports", as: PortFate.self))
            return .flow { steps in
                let result = try await takeOut.run(steps)
                return .write { tenant, detail in
                    detail.note("device", takeOut.name)
                    let device = try tenant.knownPortDevice(takeOut.name, book: takeOut.book)
                    let taken = Schemas.TakenOutDevice(device: device, result: result)
                    return .json(Schemas.takenOutDevice, taken, in: tenant.currency)
                }
            }
        },
        Route(
            .get, "/ports/{address}", "Read a slot: who uses it, and until when", access: .administrator,
            parameters: [.mode], gives: .read(Schemas.usedSlot)
        ) { call in
            let address = try SlotAddress(call.parameters[0])
            let book = try call.query().mode(or: call.book)
            return .read { tenant in
                let slot = try tenant.usedSlot(serverIP: address.serverIP, httpPort: address.httpPort, book: book)
                guard let slot else { throw Refusal.notFound(.slot) }
                return .json(Schemas.usedSlot, slot, in: tenant.currency)
            }
        },
        Route(
            .patch, "/ports/{address}", "Correct the ports of a slot", access: .administrator, moves: .oneBook,
            parameters: [.mode], takes: Schemas.slotChange.schema, gives: .done(Schemas.slot), refuses: [409]
        ) { call in
            let book = try call.query().mode(or: call.book)
            let (http, socks) = try call.read(Schemas.slotChange)
            let change = ChangeSlot(
                address: try SlotAddress(call.parameters[0]), book: book, httpPort: http, socksPort: socks)
            return .write { tenant, detail in
                .json(Schemas.slot, try change.run(tenant, &detail), in: tenant.currency)
            }
        },
        Route(
            .delete, "/ports/{address}", "Take a slot out: its port moves or ends", access: .administrator,
            moves: .oneBook, parameters: [.mode, Schemas.portFate], gives: .done(Schemas.slot), refuses: [409]
        ) { call in
            let query = try call.query()
            let takeOut = TakeOutSlot(
                address: try SlotAddress(call.parameters[0]), book: try query.mode(or: call.book),
                fate: try query.choice("ports", as: PortFate.self))
            return .write { tenant, detail in
                .json(Schemas.slot, try takeOut.run(tenant, &detail), in: tenant.currency)
            }
        },
    ]
}

extension OperatorAdmin.Schemas {
    static let portFate = Parameter.query("ports", .choice(PortFate.self))
    private enum DeviceMode: String, CaseIterable {
        case shared
        case exclusiveCapable = "exclusive-capable"
    }
    private static let serverAddress = BodyField<String>(
        "server_ip", Schema.matching("^[0-9A-Za-z.:-]+$").with("maxLength", .int(253))
    ) { fields, name, _ in fields.serverAddress(name) }
    static let deviceChange = Body.change(
        serverAddress.omittable, Field.id("city", 100).clearable, Field.id("carrier", 100).clearable,
        Field.choice("mode", DeviceMode.self).map { $0 == .exclusiveCapable }.omittable)
    private static let port: ClosedRange<Int64> = 1...65_535
    static let slotChange = Body.change(
        Field.integer("http_port", port).omittable, Field.integer("socks_port", port).omittable)

    private static let deviceMembers: [Shape<StockedDevice>.Member] = [
        .member("device", \.device.name), .member("server_ip", \.device.serverIP),
        .member("country", \.countryPublicID), .member("city", \.device.city), .member("carrier", \.device.carrier),
        .member("mode") { $0.device.isExclusiveCapable ? "exclusive-capable" : "shared" },
        .member("status", \.state), .member("slots", \.slots), .member("used", \.used),
        .member("created_at", \.createdAt), .member("withdrawn_at", \.withdrawnAt),
    ]
    static let device = Shape<StockedDevice>("Device", deviceMembers)
    struct TakenOutDevice {
        let device: StockedDevice
        let result: TakeOutDevice.Result
    }
    static let takenOutDevice = Shape<TakenOutDevice>([
        .part(deviceMembers, \.device), .member("moved", \.result.moved), .member("ended", \.result.ended),
    ])
}

extension SlotAddress {
    /// As a path has it.
    fileprivate init(_ text: String) throws(Refusal) {
        guard let colon = text.lastIndex(of: ":"),
            let port = JSONNumber(plain: text[text.index(after: colon)...])?.integer()
        else { throw .notFound(.slot) }
        var host = String(text[..<colon])
        if host.hasPrefix("[") && host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        let address = IPAddress(parsing: host)?.description ?? host.lowercased()
        self.init(text: "\(address):\(port)", serverIP: address, httpPort: port)
    }
}
