package import CallKit

/// What several surfaces take.
extension Schema {
    package static let newPassword = text(PasswordRule.charactersMin...PasswordRule.charactersMax)
    package static let credentials: Schema = ["email": .email, "password": .text(PasswordRule.charactersMax)]

    package static func events(_ allowed: [EventType]) -> Schema {
        .array(of: .one(of: allowed.map(\.rawValue)), count: 1...64)
    }
}
