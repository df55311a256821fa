package import CallKit
import TenantRegistry

/// Orders, or services, that a search finds, as one streamed CSV file, newest first (O10).
package enum ExportOrders {
    /// So many rows are read at a step.
    private static let pieceRows = 200

    private static let orderColumns = [
        "id", "reseller", "mode", "state", "product", "term", "quantity", "customer_external_id", "reference",
        "line_total", "setup_total", "wholesale_total", "refunded", "currency", "created_at", "decided_at",
        "ready_units", "rejected_units", "reason",
    ]
    private static let serviceColumns = [
        "id", "order_id", "reseller", "mode", "status", "product", "term", "customer_external_id", "term_price",
        "discount_rate", "currency", "created_at", "activated_at", "renews_at", "ends_at", "period", "past_due_since",
        "suspended_by",
    ]

    package static func stream(_ walk: SearchWalk<Order>, _ steps: Steps, _ currency: Currency) -> PulledStream {
        stream(walk, steps, orderColumns) { cells($0, currency) }
    }

    package static func stream(_ walk: SearchWalk<Service>, _ steps: Steps, _ currency: Currency) -> PulledStream {
        stream(walk, steps, serviceColumns) { cells($0, currency) }
    }

    private static func stream<Row: Sendable>(
        _ walk: SearchWalk<Row>, _ steps: Steps, _ columns: [String], cells: @escaping @Sendable (Row) -> [CSVCell]
    ) -> PulledStream {
        var writer = CSVWriter()
        writer.row(columns.map { .value($0) })
        return steps.stream(head: writer.bytes, from: walk) { walk in
            if walk.isAtEnd { return nil }
            let rows = try await walk.next(steps, pieceRows)
            var writer = CSVWriter()
            for row in rows { writer.row(cells(row)) }
            return writer.bytes
        }
    }

    private static func cells(_ order: Order, _ currency: Currency) -> [CSVCell] {
        func amount(_ money: Money) -> CSVCell { .value(money.decimal(minorUnitDigits: currency.minorUnitDigits)) }
        return [
            .value(order.publicID), .value(order.resellerPublicID), .value(order.book.name),
            .value(order.state.rawValue), .text(order.sku), .value(order.term.rawValue),
            .value(String(order.quantity)), .text(order.customerExternalID ?? ""), .text(order.reference ?? ""),
            amount(order.lineTotal), amount(order.setupTotal), amount(order.total), amount(order.refunded),
            .value(currency.code), .value(order.createdAt.text), .value(order.decidedAt?.text ?? ""),
            .value(String(order.readyUnits)), .value(String(order.rejectedUnits)), .text(order.reason ?? ""),
        ]
    }

    private static func cells(_ service: Service, _ currency: Currency) -> [CSVCell] {
        [
            .value(service.publicID), .value(service.orderPublicID), .value(service.resellerPublicID),
            .value(service.book.name), .value(service.state.rawValue), .text(service.sku),
            .value(service.term.rawValue), .text(service.customerExternalID ?? ""),
            .value(service.nextPrice.decimal(minorUnitDigits: currency.minorUnitDigits)),
            .value(service.rate.decimal), .value(currency.code), .value(service.createdAt.text),
            .value(service.activatedAt?.text ?? ""), .value(service.renewsAt?.text ?? ""),
            .value(service.endsAt?.text ?? ""), .value(String(service.period)),
            .value(service.pastDueSince?.text ?? ""), .value(service.suspendedBy?.rawValue ?? ""),
        ]
    }
}
