package import CallKit
import TenantRegistry

/// Sessions in lists of the native APIs.
package enum SessionBodies {
    package static let members: [Shape<SessionAnswers.Listed>.Member] = [
        .member("id", \.key.publicID), .member("created_at", \.key.createdAt),
        .member("expires_at", \.key.expiresAt), .member("current", \.isCurrent),
    ]
    package static let session = Shape<SessionAnswers.Listed>("OpenSession", members)

    /// How many were ended.
    package static let ended = Shape<Int>([.ok, .member("ended") { $0 }])

    /// A session with whose it is, for the operator.
    struct Owned: Sendable {
        let listed: SessionAnswers.Listed
        let email: String?
        let reseller: String?
    }
    static let owned = Shape<Owned>(
        "ListedSession",
        [
            .part(members, \.listed), .member("email", \.email), .member("role", \.listed.key.role.name),
            .member("reseller", \.reseller),
        ])
}
