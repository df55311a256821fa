package import CallKit
import HTTPCore

/// Fields of webhooks, which several APIs take.
extension Field {
    /// Where events may be sent to.
    package static func webhookURL(_ name: String) -> BodyField<String> {
        BodyField(name, .webhookURL) { fields, name, reading in
            fields.webAddress(name, allowsPrivateAddresses: reading.allowsPrivateAddresses)
        }
    }

    /// Names of events, each once.
    package static func events(_ name: String, _ allowed: [EventType]) -> BodyField<[String]> {
        let names = allowed.map(\.rawValue)
        return BodyField(name, .array(of: .one(of: names), count: 1...64)) { fields, name, _ in
            guard let values = fields.array(name, count: 1...64) else { return nil }
            var events: [String] = []
            for value in values {
                guard case .string(let text) = value, names.contains(text) else {
                    fields.fail(name, code: "choice", detail: "must be names out of \(names.joined(separator: ", "))")
                    return nil
                }
                if !events.contains(text) { events.append(text) }
            }
            return events
        }
    }
}
