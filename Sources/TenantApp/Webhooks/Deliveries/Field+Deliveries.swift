import CallKit
import HTTPCore
import TenantRegistry

/// Fields of calls about deliveries.
extension Field {
    /// As a query has it; milliseconds may be a number too.
    static func moment(_ name: String) -> BodyField<Timestamp> {
        BodyField(name, .either(AnyTime.text, .integer)) { fields, name, _ in
            switch fields.required(name) {
            case nil: return nil
            case .string(let text):
                if let time = AnyTime.parse(text) { return time }
            case .number(let number):
                if let milliseconds = number.integer() { return Timestamp(milliseconds: milliseconds) }
            default: break
            }
            fields.fail(name, code: "format", detail: AnyTime.expected)
            return nil
        }
    }

    /// Names out of a few, each once.
    static func names<Value: RawRepresentable & Sendable & Hashable>(
        _ name: String, _ type: Value.Type, _ allowed: [Value]
    ) -> BodyField<[Value]> where Value.RawValue == String {
        let names = allowed.map(\.rawValue)
        return BodyField(name, .array(of: .one(of: names), count: 1...64)) { fields, name, _ in
            guard let values = fields.array(name, count: 1...64) else { return nil }
            var found: [Value] = []
            for value in values {
                guard case .string(let text) = value, names.contains(text), let known = Value(rawValue: text) else {
                    fields.fail(name, code: "choice", detail: "must be names out of \(names.joined(separator: ", "))")
                    return nil
                }
                found.append(known)
            }
            return found
        }
    }

    /// `2xx` to `5xx`, or the digit alone.
    static func statusClass(_ name: String) -> BodyField<Int64> {
        BodyField(name, .either(.one(of: StatusClass.names), .integer(StatusClass.range))) { fields, name, _ in
            switch fields.value(name) {
            case .string(let text):
                if let known = StatusClass.parse(text) { return known }
            case .number(let number):
                if let digit = number.integer(), StatusClass.range.contains(digit) { return digit }
            default: break
            }
            fields.fail(name, code: "choice", detail: StatusClass.expected)
            return nil
        }
    }
}
