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

extension Binder {
    package mutating func money(_ money: Money) { int(money.micros) }
    package mutating func time(_ time: Timestamp) { int(time.milliseconds) }
    package mutating func time(_ time: Timestamp?) { int(time?.milliseconds) }
    package mutating func book(_ book: Book) { int(book.rawValue) }
}

extension RowReader {
    package mutating func money() throws -> Money { Money(micros: try int()) }

    package mutating func optionalMoney() throws -> Money? { try optionalInt().map { Money(micros: $0) } }

    package mutating func percent() throws -> Percent { try int(as: Percent.init(partsPerMillion:)) }

    package mutating func optionalPercent() throws -> Percent? { try optionalInt(as: Percent.init(partsPerMillion:)) }
}
