package import CallKit
package import HTTPCore

/// An amount as a JSON number, as some dialects write it.
package struct AmountNumber: AnswerValue {
    let amount: Money

    package static var schema: Schema { .number }

    package func write(in currency: Currency, to json: inout JSONWriter) {
        json.element(raw: amount.decimal(minorUnitDigits: currency.minorUnitDigits))
    }
}

extension Shape.Member {
    static func number(_ name: StaticString, _ get: @escaping @Sendable (Value) -> Money) -> Self {
        .member(name) { AmountNumber(amount: get($0)) }
    }

    static func numberOrNull(_ name: StaticString, _ get: @escaping @Sendable (Value) -> Money?) -> Self {
        .member(name) { get($0).map(AmountNumber.init) }
    }
}
