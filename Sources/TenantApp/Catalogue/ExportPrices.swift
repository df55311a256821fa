package import CallKit
import HTTPCore
import TenantRegistry

/// The whole price book as CSV, a page of rows at a time. Each row is as it was when its page was read.
///
/// `@unchecked Sendable`: the stream asks for one page at a time; whichever thread makes it owns the place.
package final class ExportPrices: @unchecked Sendable {
    package static let pageRows = 500

    private let tenant: TenantRecord
    private let background: BackgroundPool
    private let minorUnitDigits: Int
    private var place: (reseller: Int64, product: Int64) = (0, 0)

    package init(_ call: Call) {
        tenant = call.tenant
        background = call.services.fleet.background
        minorUnitDigits = call.currency.minorUnitDigits
    }

    package var stream: PulledStream {
        var writer = CSVWriter()
        writer.row(PriceBookFile.columns)
        return PulledStream(head: writer.bytes) { give in self.page(give) }
    }

    private func page(_ give: @escaping PulledStream.Give) {
        let place = place
        tenant.lane.submit(
            LaneJob(
                writes: false,
                perform: { store in
                    let rows = try store.reader.priceBook(
                        afterReseller: place.reseller, product: place.product, limit: Self.pageRows)
                    return { _ in
                        let submitted = self.background.submit { give(.success(self.render(rows))) }
                        if !submitted { give(.failure(LaneFailure.tooManyWaiting)) }
                    }
                },
                fail: { give(.failure($0)) }))
    }

    private func render(_ rows: [BookRow]) -> [UInt8]? {
        guard let last = rows.last else { return nil }
        place = (last.resellerID, last.productID)
        var writer = CSVWriter()
        for row in rows {
            writer.row(
                PriceBookFile.fields(
                    reseller: row.resellerPublicID, sku: row.sku, price: row.price, minorUnitDigits: minorUnitDigits))
        }
        return writer.bytes
    }
}
