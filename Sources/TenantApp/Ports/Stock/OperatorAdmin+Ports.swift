import CallKit
import HTTPCore
import TenantRegistry

/// The stock of ports and what a port costs a day, by country (O4, O9). A key of mode `test`, or `?mode=test`,
/// fills the test book.
extension OperatorAdmin {
    static let ports: [Route] = [
        Route(
            .post, "/ports", "Import a stock of ports, all rows or none", access: .administrator, moves: .oneBook,
            body: .whole(bytesMax: Route.importBytesMax), idempotency: .required, parameters: [.mode],
            takes: Schemas.portStock, gives: .made(Schemas.importedPorts)
        ) { call in
            let book = try call.query().mode(or: call.book)
            let isCSV = call.sendsCSV
            return .flow { steps in
                // JSON is parsed whole.
                let file = try await steps.background { try PortStockFile(call.body, isCSV: isCSV) }
                if call.services.fleet.refusesWrites { throw LaneFailure.storageFull }
                // A call that was answered before finds its own slots in stock: it is given its answer.
                try await steps.replay()
                let importID = ImportID.new(at: call.now, call.services.random)
                return try await ImportPorts(file, book: book, importID: importID).run(steps)
            }
        },
        Route(
            .get, "/ports", "List the stock of ports", access: .administrator,
            parameters: .page(.mode, .query("country"), .query("status", .choice(PortSlotState.self))),
            gives: .list(Schemas.slot), refuses: [404]
        ) { call in
            let query = try call.query()
            let page = try Paging(call)
            let book = try query.mode(or: call.book)
            let country = try query.id("country")
            let state = try query.choice("status", as: PortSlotState.self)
            return .read { tenant in
                try tenant.expectPortCountry(country)
                let found = try tenant.portSlots(
                    book: book, country: country, state: state, after: page.after, limit: page.limit)
                return page.answer(found: found.rows, next: found.next, Schemas.slot, in: tenant.currency)
            }
        },
        Route(
            .get, "/countries", "List countries and their daily base prices", access: .administrator,
            isTagged: true, parameters: .page(), gives: .list(Schemas.country)
        ) { call in
            let page = try Paging(call)
            return .read { tenant in
                let rows = try tenant.portCountries(after: page.after, limit: page.fetch)
                return page.answer(rows, id: \.id, Schemas.country, in: tenant.currency)
            }
        },
        Route(
            .put, "/countries/{id}", "Set a country's daily base price", access: .administrator,
            parameters: [Schemas.countryID], takes: Schemas.newCountry.schema, gives: .done(Schemas.country)
        ) { call in
            var fields = try call.fields()
            let country = fields.readWhole(Schemas.newCountry, call.reading)
            let id = call.parameters[0]
            if !isCountryID(id) {
                fields.fail(
                    "id", code: "format", detail: "must be letters, digits, dots, dashes and underscores, 100 at most")
            }
            let (price, name) = try fields.finish(country)
            return .write { tenant, detail in
                let country = try tenant.savePortCountry(id, name: name, basePrice: price)
                detail.note("country", country.publicID)
                detail.note("base_price", tenant.decimal(price))
                return .json(Schemas.country, country, in: tenant.currency)
            }
        },
    ]

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
}
