package import CallKit
import Cryptography
package import HTTPCore

/// Fields of provisioners and of what they make.
extension Field {
    /// What the end customer of a service needs (O10).
    package static func details(_ name: String) -> BodyField<ServiceDetails> {
        BodyField(name, ServiceDetails.taken) { fields, name, _ in
            guard var nested = fields.object(name), let json = fields.value(name) else { return nil }
            do throws(ServiceDetails.Fault) {
                return try ServiceDetails(json)
            } catch {
                if let member = error.name {
                    nested.fail(member, code: error.code, detail: error.detail)
                } else {
                    nested.failWhole(code: error.code, detail: error.detail)
                }
                fields.absorb(nested)
                return nil
            }
        }
    }

    /// `whsec_` and 24 to 64 bytes in base64.
    static func signingSecret(_ name: String) -> BodyField<[UInt8]> {
        BodyField(name, .matching("^whsec_[A-Za-z0-9+/]{32,86}={0,2}$")) { fields, name, _ in
            guard let text = fields.string(name, characters: 1...200) else { return nil }
            guard let secret = WebhookSecret.decode(text) else {
                fields.fail(name, code: "format", detail: "must be whsec_ and 24 to 64 bytes in base64")
                return nil
            }
            return secret
        }
    }
}

extension ServiceDetails: AnswerValue {
    package static let schema = Schema.map(of: ["value": .string, "secret": .boolean])
    /// In a body what is not said to be secret is none.
    fileprivate static let taken = Schema.map(of: ["value": .string, "secret": .boolean.optional])

    package func write(in currency: Currency, to json: inout JSONWriter) { json.element(self.json) }
}

extension ServiceDetails {
    /// Those that there are, changed name by name; null takes one away. Throws what is wrong with the whole.
    init(_ known: ServiceDetails?, changedBy change: JSON, at name: String) throws(Refusal) {
        do throws(Fault) {
            self = try (known ?? ServiceDetails([])).changed(by: change)
        } catch {
            throw .field("/\(name)" + (error.name.map { "/\($0.pointerStep)" } ?? ""), error.code, error.detail)
        }
    }
}
