package import SQLite
package import TenantRegistry

extension SQLValue {
    package static func money(_ money: Money) -> SQLValue { .integer(money.micros) }
    package static func optional(_ money: Money?) -> SQLValue { .optional(money?.micros) }
    package static func optional(_ percent: Percent?) -> SQLValue { .optional(percent?.partsPerMillion) }
    package static func time(_ time: Timestamp) -> SQLValue { .integer(time.milliseconds) }
    package static func optional(_ time: Timestamp?) -> SQLValue { .optional(time?.milliseconds) }
    package static func book(_ book: Book) -> SQLValue { .integer(book.rawValue) }
}

extension Row {
    package func money(_ column: Int32) -> Money { Money(micros: int(column)) }
    package func optionalMoney(_ column: Int32) -> Money? { optionalInt(column).map { Money(micros: $0) } }
    package func percent(_ column: Int32) -> Percent { Percent(partsPerMillion: int(column)) ?? .zero }
    package func optionalPercent(_ column: Int32) -> Percent? {
        optionalInt(column).flatMap { Percent(partsPerMillion: $0) }
    }
    package func time(_ column: Int32) -> Timestamp { Timestamp(milliseconds: int(column)) }
    package func optionalTime(_ column: Int32) -> Timestamp? { optionalInt(column).map { Timestamp(milliseconds: $0) } }
}
