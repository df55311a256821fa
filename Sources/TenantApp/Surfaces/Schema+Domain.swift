package import CallKit

/// What several surfaces take.
extension Schema {
    package static let newPassword = text(PasswordRule.charactersMin...PasswordRule.charactersMax)
}
