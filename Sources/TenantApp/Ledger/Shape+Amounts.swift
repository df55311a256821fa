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

/// JSON that is kept as its text.
package struct RawObject: AnswerValue {
    let text: String

    package static var schema: Schema { .object }

    package func write(in currency: Currency, to json: inout JSONWriter) { json.element(raw: text) }
}

/// A number that is kept as its text.
package struct RawNumber: AnswerValue {
    let text: String

    package static var schema: Schema { .number }

    package func write(in currency: Currency, to json: inout JSONWriter) { json.element(raw: text) }
}

extension Shape.Member {
    static func number(_ name: StaticString, _ get: @escaping @Sendable (Value) -> Money) -> Self {
        .member(name) { AmountNumber(amount: get($0)) }
    }

    static func number(_ name: StaticString, orNull get: @escaping @Sendable (Value) -> Money?) -> Self {
        .member(name) { get($0).map { AmountNumber(amount: $0) } }
    }

    /// A number by its text.
    static func number(_ name: StaticString, text: @escaping @Sendable (Value) -> String) -> Self {
        .member(name) { RawNumber(text: text($0)) }
    }

    /// An object that is kept as its text.
    static func rawObject(_ name: StaticString, _ get: @escaping @Sendable (Value) -> String?) -> Self {
        .member(name) { get($0).map(RawObject.init) }
    }
}
