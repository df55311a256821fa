package import CallKit
import HTTPCore
import TenantRegistry

/// People and passwords on the wire (O13).
package enum PersonBodies {
    // MARK: Taken

    static let new = Body(
        Field.email("email"), Field.text("name", 1...200), Field.choice("role", PersonRole.self))

    static let change = Body.change(
        Field.text("name", 1...200).omittable, Field.choice("role", PersonRole.self).omittable,
        Field.choice("state", AccountState.self).omittable)

    /// What native APIs take to change one's own password.
    package static let passwordChange = Body(
        Field.password("old", 1...PasswordRule.charactersMax), Field.newPassword("new"))

    // MARK: Given

    private static let members: [Shape<Account>.Member] = [
        .member("id", \.publicID), .member("email", \.email), .member("name", \.name),
        .member("role", as: .choice(PersonRole.self)) { $0.role.keyRole.name }, .member("state", \.state),
        .member("has_password") { $0.passwordHash != nil }, .member("created_at", \.createdAt),
    ]
    static let person = Shape<Account>("Person", members)

    /// What shows an invitation's link, once.
    struct Invited {
        let person: Account
        let invitationURL: String?
    }
    static let invited = Shape<Invited>([
        .part(members, \.person), .omittable("invitation_url", \.invitationURL), .alreadyShown,
    ])

    package struct Reset: Sendable {
        let url: String?
        let expiresAt: Timestamp
    }
    package static let reset = Shape<Reset>([
        .omittable("url", \.url), .alreadyShown, .member("expires_at", \.expiresAt),
    ])

    /// A new password: how many sessions were ended.
    package static let changed = Shape<Int>([.ok, .member("sessions_ended") { $0 }])
}

extension AccountState: AnswerValue {}
