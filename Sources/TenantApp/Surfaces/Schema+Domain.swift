package import CallKit

/// What several surfaces take.
extension Schema {
    package static let newPassword = textAsSent(PasswordRule.charactersMin...PasswordRule.charactersMax)
}
