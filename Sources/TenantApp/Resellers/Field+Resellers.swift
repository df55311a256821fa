package import CallKit
import HTTPCore

extension Field {
    /// A password that somebody chooses.
    package static func newPassword(_ name: String) -> BodyField<String> {
        password(name, PasswordRule.charactersMin...PasswordRule.charactersMax)
    }

    /// As it was sent; `Password` knows what to make of it.
    package static func password(_ name: String, _ characters: ClosedRange<Int>) -> BodyField<String> {
        BodyField(name, .textAsSent(characters)) { fields, name, _ in fields.textAsSent(name, characters: characters) }
    }

    /// The address of somebody who is there: every spelling under which it may be kept, today's first.
    package static func knownEmail(_ name: String) -> BodyField<[String]> {
        BodyField(name, .email) { fields, name, _ in
            guard let text = fields.textAsSent(name, characters: 3...EmailAddress.octetsMax) else { return nil }
            let spellings = EmailAddress.spellings(text)
            if spellings.isEmpty { fields.fail(name, code: "format", detail: "must be an email address") }
            return spellings.isEmpty ? nil : spellings
        }
    }
}
