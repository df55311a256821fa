package import HTTPCore
package import TenantRegistry

/// A value as a member of an answer: how it is written, and what it looks like. A type that is written in one way
/// everywhere conforms; what an API writes otherwise it wraps.
package protocol AnswerValue: Sendable {
    static var schema: Schema { get }

    /// As the element that `json` writes next. `currency`: the tenant's, whose digits amounts have at least.
    func write(in currency: Currency, to json: inout JSONWriter)
}

extension AnswerValue where Self: RawRepresentable & CaseIterable, RawValue == String {
    package static var schema: Schema { .choice(Self.self) }
}

extension AnswerValue where Self: RawRepresentable, RawValue == String {
    package func write(in currency: Currency, to json: inout JSONWriter) { json.element(rawValue) }
}

extension String: AnswerValue {
    package static var schema: Schema { .string }
    package func write(in currency: Currency, to json: inout JSONWriter) { json.element(self) }
}

extension Int: AnswerValue {
    package static var schema: Schema { .integer }
    package func write(in currency: Currency, to json: inout JSONWriter) { json.element(self) }
}

extension Int64: AnswerValue {
    package static var schema: Schema { .integer }
    package func write(in currency: Currency, to json: inout JSONWriter) { json.element(self) }
}

extension Bool: AnswerValue {
    package static var schema: Schema { .boolean }
    package func write(in currency: Currency, to json: inout JSONWriter) { json.element(self) }
}

/// An object whose members are data.
extension JSON: AnswerValue {
    package static var schema: Schema { .object }
    package func write(in currency: Currency, to json: inout JSONWriter) { json.element(self) }
}

/// RFC 3339.
extension Timestamp: AnswerValue {
    package static var schema: Schema { .time }
    package func write(in currency: Currency, to json: inout JSONWriter) {
        json.element(plain: Self.textCharacters) { write(to: $0) }
    }
}

/// A decimal string with at least the digits of the currency's minor unit.
extension Money: AnswerValue {
    package static var schema: Schema { .decimal }
    package func write(in currency: Currency, to json: inout JSONWriter) {
        json.element(plain: ExactDecimal.bytesMax) { room in
            ExactDecimal.write(
                micros, scale: Money.fractionDigits, fractionDigitsMin: currency.minorUnitDigits, to: room)
        }
    }
}

extension Percent: AnswerValue {
    package static var schema: Schema { .decimal }
    package func write(in currency: Currency, to json: inout JSONWriter) { json.element(decimal) }
}

/// By its code.
extension Currency: AnswerValue {
    package static var schema: Schema { .string }
    package func write(in currency: Currency, to json: inout JSONWriter) { json.element(code) }
}

extension Book: AnswerValue {
    package static var schema: Schema { .book }
    package func write(in currency: Currency, to json: inout JSONWriter) { json.element(name) }
}

extension ResellerState: AnswerValue {
    package static var schema: Schema { .resellerState }
    package func write(in currency: Currency, to json: inout JSONWriter) { json.element(name) }
}

extension Optional: AnswerValue where Wrapped: AnswerValue {
    package static var schema: Schema { Wrapped.schema.nullable }
    package func write(in currency: Currency, to json: inout JSONWriter) {
        if let self { self.write(in: currency, to: &json) } else { json.element(JSON.null) }
    }
}

extension Array: AnswerValue where Element: AnswerValue {
    package static var schema: Schema { .array(of: Element.schema) }
    package func write(in currency: Currency, to json: inout JSONWriter) {
        json.array { json in for element in self { element.write(in: currency, to: &json) } }
    }
}
