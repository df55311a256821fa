package import CallKit
import SQLite
package import TenantRegistry

/// What became of an order's money, unit by unit (O10): of the test book, what the live book would have moved. A value.
package struct OrderMoney: Sendable {
    /// Where a unit's share of the order's total is.
    package enum Place: String, Sendable, CaseIterable, AnswerValue {
        case held
        case captured
        /// Given back, because the unit was not carried out.
        case voided
    }

    package struct Unit: Sendable {
        package let service: Service
        package let share: Money
        package let place: Place
        /// Nil where no provisioner makes it.
        package let provisioning: ProvisioningState.Shown?
    }

    package let units: [Unit]
    /// By renewals and hours since.
    package let renewed: Money
    package let refunded: Money
    /// What can still be paid back: nothing while a unit is open.
    package let refundable: Money

    package func sum(_ place: Place) -> Money {
        Money(micros: units.reduce(0) { $0 + ($1.place == place ? $1.share.micros : 0) })
    }
}

extension TenantReader {
    package func money(of order: Order, _ services: [Service]) throws -> OrderMoney {
        var decided: [Int64: OrderMoney.Place] = [:]
        try connection.forEach(
            """
            SELECT d.service_id, p.kind = 'capture' FROM unit_decision d JOIN posting p ON p.id = d.posting_id
            WHERE d.order_id = ?1
            """,
            .integer(order.id)
        ) { row in
            decided[try row.int()] = try row.bool() ? .captured : .voided
            return true
        }
        let whole: OrderMoney.Place =
            switch order.state {
            case .pending: .held
            case .completed: .captured
            case .rejected: .voided
            }
        let provisionings = try provisionings(ofOrder: order.id)
        let units = services.prefix(Int(order.quantity)).enumerated().map { place, service in
            OrderMoney.Unit(
                service: service,
                share: order.share(ofUnit: Int64(place), minorUnitDigits: currency.minorUnitDigits),
                place: decided[service.id] ?? whole,
                provisioning: provisionings[service.id]?.state.shown)
        }
        let part = RefundedPart(orderID: order.id)
        return OrderMoney(
            units: units, renewed: try charged(since: part), refunded: order.refunded,
            refundable: try refundable(part, of: order))
    }
}
