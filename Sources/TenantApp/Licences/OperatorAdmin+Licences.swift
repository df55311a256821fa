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
            let isCSV = call.sendsCSV
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
            .post, "/licences/withdraw", "Take free licences out of stock, all or none", access: .administrator,
            moves: .oneBook, idempotency: .accepted, parameters: [.mode], takes: Schemas.withdrawnLicences.schema,
            gives: .done(Schemas.correctedLicences), refuses: [409]
        ) { call in
            let keys = try call.read(Schemas.withdrawnLicences)
            return try correct(call, keys: keys, reseller: nil, product: nil)
        },
        Route(
            .post, "/licences/move", "Give free licences to another reseller or product, all or none",
            access: .administrator, moves: .oneBook, idempotency: .accepted, parameters: [.mode],
            takes: Schemas.movedLicences.schema, gives: .done(Schemas.correctedLicences), refuses: [404, 409]
        ) { call in
            let (keys, reseller, product) = try call.read(Schemas.movedLicences)
            return try correct(call, keys: keys, reseller: reseller, product: product)
        },
        Route(
            .get, "/licences/withdrawn", "List licences that were taken out of stock, newest first",
            access: .administrator, parameters: .page(.mode), gives: .list(Schemas.licenceWithdrawal)
        ) { call in
            let page = try Paging(call)
            let book = try call.query().mode(or: call.book)
            return .read { tenant in
                let rows = try tenant.licenceWithdrawals(book: book, before: page.before, limit: page.fetch)
                return page.answer(rows, id: \.id, Schemas.licenceWithdrawal, in: tenant.currency)
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

    private static func correct(_ call: Call, keys: [String], reseller: String?, product: String?) throws -> Work {
        let book = try call.query().mode(or: call.book)
        let correction = CorrectLicences(
            keys: keys, book: book, reseller: reseller, product: product, keyID: call.keyID, accountID: call.accountID)
        return .write { tenant, detail in
            try correction.run(tenant, &detail)
            let done = Schemas.CorrectedLicences(count: keys.count, book: book)
            return .json(Schemas.correctedLicences, done, in: tenant.currency)
        }
    }
}
