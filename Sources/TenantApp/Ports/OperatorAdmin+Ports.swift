import CallKit
import HTTPCore
import TenantRegistry

/// The stock of ports and what a port costs a day, by country (O4, O9). A key of mode `test`, or `?mode=test`,
/// fills the test book.
extension OperatorAdmin {
    static let ports: [Route] = [
        Route(
            .post, "/ports", "Import a stock of ports, all rows or none", access: .administrator,
            body: .whole(bytesMax: Route.importBytesMax), idempotency: .required, parameters: [.mode],
            takes: Schemas.portStock, gives: .made(Schemas.importedPorts)
        ) { call in
            let book = try call.query().mode(or: call.book)
            let isCSV = call.head.value(of: .contentType)?.lowercased().hasPrefix("text/csv") ?? false
            return .background {
                let rows = try PortStockFile.read(call.body, isCSV: isCSV)
                return .write { tenant, detail in
                    let result = try ImportPorts(rows: rows, book: book).run(tenant, &detail)
                    return .json(201) { json in
                        json.field("ok", true)
                        json.field("imported", result.slots)
                        json.field("new_devices", result.newDevices)
                        json.field("mode", book.name)
                    }
                }
            }
        },
        Route(
            .get, "/ports", "List the stock of ports", access: .administrator,
            parameters: .page(.mode, .query("country"), .query("status", .choice(SlotState.self))),
            gives: .list(Schemas.slot)
        ) { call in
            let query = try call.query()
            let page = try Paging(query)
            let book = try query.mode(or: call.book)
            let country = query["country"]
            let state = try query.choice("status", as: SlotState.self)
            return .read { tenant in
                let rows = try tenant.portSlots(
                    book: book, country: country, isFree: state.map { $0 == .free }, after: page.after,
                    limit: page.fetch)
                return page.answer(rows, id: \.id) { slot, json in
                    json.field("device", slot.deviceName)
                    json.field("server_ip", slot.serverIP)
                    json.field("http_port", slot.httpPort)
                    json.field("socks_port", slot.socksPort)
                    json.field("country", slot.countryID)
                    json.field("city", slot.city)
                    json.field("carrier", slot.carrier)
                    json.field("mode", slot.isExclusiveCapable ? "exclusive-capable" : "shared")
                    json.field("status", (slot.portID == nil ? SlotState.free : .used).rawValue)
                    json.field("port", slot.portID)
                    json.field("created_at", slot.createdAt.text)
                }
            }
        },
        Route(
            .get, "/countries", "List countries and their daily base prices", access: .administrator,
            parameters: .page(), gives: .list(Schemas.country)
        ) { call in
            let page = try Paging(try call.query())
            return .read { tenant in
                let rows = try tenant.portCountries(after: page.after, limit: page.fetch)
                return page.answer(rows, id: \.id) { country, json in encode(country, tenant, &json) }
            }
        },
        Route(
            .put, "/countries/{id}", "Set a country's daily base price", access: .administrator,
            parameters: [Schemas.countryID], takes: Schemas.newCountry, gives: .done(Schemas.country)
        ) { call in
            var fields = try call.fields()
            let price = fields.money("base_price", in: AmountRule.prices)
            let name = fields.optionalString("name", characters: 1...100)
            let id = call.parameters[0]
            if !isCountryID(id) {
                fields.fail(
                    "id", code: "format", detail: "must be letters, digits, dots, dashes and underscores, 100 at most")
            }
            try fields.finish()
            guard let price else { throw Refusal.defect }
            return .write { tenant, detail in
                let country = try tenant.savePortCountry(id, name: name, basePrice: price)
                detail.note("country", country.publicID)
                detail.note("base_price", tenant.decimal(price))
                return .json { json in encode(country, tenant, &json) }
            }
        },
    ]

    enum SlotState: String, CaseIterable {
        case free
        case used
    }

    /// It stands in paths and in files: `[A-Za-z0-9][A-Za-z0-9._-]{0,99}`.
    private static func isCountryID(_ id: String) -> Bool {
        1...100 ~= id.utf8.count
            && id.utf8.enumerated().allSatisfy { index, byte in
                switch byte {
                case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
                case 0x2D, 0x2E, 0x5F: index > 0
                default: false
                }
            }
    }

    private static func encode(_ country: PortCountry, _ tenant: TenantReader, _ json: inout JSONWriter) {
        json.field("id", country.publicID)
        json.field("name", country.name)
        json.field("base_price", tenant.decimal(country.basePrice))
        json.field("currency", tenant.currency.code)
        json.field("updated_at", country.updatedAt.text)
    }
}
