package import CallKit
import HTTPCore
import TenantRegistry

/// The whole price book as CSV, a page of rows at a time. Each row is as it was when its page was read.
package enum ExportPrices {
    package static let pageRows = 500

    package static func stream(_ steps: Steps, minorUnitDigits: Int) -> PulledStream {
        var writer = CSVWriter()
        writer.row(PriceBookFile.columns.map { .value($0) })
        return steps.stream(head: writer.bytes, from: (reseller: Int64(0), product: Int64(0))) { place in
            let after = place
            let rows = try await steps.read {
                try $0.priceBook(afterReseller: after.reseller, product: after.product, limit: pageRows)
            }
            guard let last = rows.last else { return nil }
            place = (last.resellerID, last.productID)
            return try await steps.background { render(rows, minorUnitDigits) }
        }
    }

    private static func render(_ rows: [PriceBookRow], _ minorUnitDigits: Int) -> [UInt8] {
        var writer = CSVWriter()
        for row in rows {
            writer.row(
                PriceBookFile.cells(
                    reseller: row.resellerPublicID, sku: row.sku, price: row.price, minorUnitDigits: minorUnitDigits))
        }
        return writer.bytes
    }
}
