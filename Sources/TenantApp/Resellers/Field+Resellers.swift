package import CallKit

extension Field {
    /// A password that somebody chooses.
    package static func newPassword(_ name: String) -> BodyField<String> {
        text(name, PasswordRule.charactersMin...PasswordRule.charactersMax)
    }
}
