package import CallKit
import HTTPCore
import TenantRegistry

/// The whole price book in one file (O4).
extension OperatorAdmin {
    static let priceBook: [Route] = [
        Route(
            .get, "/price-book.csv", "Export the whole price book", access: .administrator,
            gives: .read(.file("text/csv"))
        ) { call in
            .flow { steps in
                download(
                    "price-book.csv", "text/csv; charset=utf-8",
                    ExportPrices.stream(steps, minorUnitDigits: call.currency.minorUnitDigits))
            }
        },
        Route(
            .post, "/price-book.csv", "Import a whole price book, all rows or none", access: .administrator,
            body: .whole(bytesMax: Route.importBytesMax), takes: .file("text/csv"), gives: .done(Schemas.importedPrices)
        ) { call in
            .flow { steps in
                if call.services.fleet.refusesWrites { throw LaneFailure.storageFull }
                let importID = ImportID.new(at: call.now, call.services.random)
                return try await ImportPrices(call.body, importID: importID).run(steps)
            }
        },
    ]

    /// A file to be saved, of a length that nobody knows yet.
    package static func download(_ name: StaticString, _ contentType: StaticString, _ body: PulledStream) -> Work {
        var headers = ResponseHeaders()
        headers.add("Content-Type", contentType)
        headers.add("Content-Disposition", "attachment; filename=\"\(name)\"")
        return .stream(status: 200, headers: headers, body: body, length: nil)
    }
}
