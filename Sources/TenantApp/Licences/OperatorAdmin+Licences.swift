import CallKit
import HTTPCore
import TenantRegistry

/// Licence stock (O9). `?mode=` names the book; left out, it is the key's.
extension OperatorAdmin {
    static let licences: [Route] = [
        Route(
            .post, "/licences", "Take licences into stock, all or none", access: .administrator, moves: .oneBook,
            body: .whole(bytesMax: Route.importBytesMax), idempotency: .required, parameters: [.mode],
            takes: Schemas.licenceStock, gives: .made(Schemas.importedLicences)
        ) { call in
            let book = try call.query().mode(or: call.book)
            let isCSV = call.head.value(of: .contentType)?.lowercased().hasPrefix("text/csv") ?? false
            return .flow { steps in
                // JSON is parsed whole.
                let file = try await steps.background { try LicenceFile(call.body, isCSV: isCSV) }
                if call.services.fleet.refusesWrites { throw LaneFailure.storageFull }
                // A call that was answered before finds its own licences in stock: it is given its answer, not
                // duplicates.
                try await steps.replay()
                let importID = ImportID.new(at: call.now, call.services.random)
                return try await ImportLicences(file, book: book, importID: importID, now: call.now).run(steps)
            }
        },
        Route(
            .get, "/licences", "List licences", access: .administrator,
            parameters: .page(.mode, Schemas.reseller, .query("key")), gives: .list(Schemas.licence), refuses: [404]
        ) { call in
            let query = try call.query()
            let page = try Paging(call)
            let book = try query.mode(or: call.book)
            let reseller = try query.id("reseller")
            let key = try query.id("key")
            return .read { tenant in
                let resellerID = try tenant.resellerID(filter: reseller)
                let rows: [Licence]
                if let key {
                    rows = try tenant.licence(key: key, resellerID: resellerID, book: book).map { [$0] } ?? []
                } else {
                    rows = try tenant.licences(
                        resellerID: resellerID, book: book, after: page.after, limit: page.fetch)
                }
                var names: [Int64: String] = [:]
                for id in Set(rows.map(\.resellerID)) { names[id] = try tenant.reseller(id: id)?.publicID }
                let stock = try rows.map { licence in
                    Schemas.StockedLicence(
                        licence: licence, reseller: names[licence.resellerID],
                        assignee: licence.assignedAt == nil ? nil : try tenant.assignee(ofLicence: licence.id),
                        at: tenant.now)
                }
                return page.answer(stock, id: \.licence.id, Schemas.licence, in: tenant.currency)
            }
        },
    ]
}
