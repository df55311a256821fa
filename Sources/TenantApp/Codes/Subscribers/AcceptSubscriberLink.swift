package import CallKit
import Cryptography
package import TenantRegistry

/// A link by which an end customer sets a new password, once (O11). Nothing of it is stored: it says whose it is and
/// when it ends, under a code of the tenant's key over both, over the password that it replaces and over the file's
/// incarnation. So it opens nothing once that password is another, nor where a restore brings that one back, and
/// nothing in a fork.
package struct SubscriberLink: Sendable {
    package let text: String
    package let expiresAt: Timestamp

    package init(to subscriber: Subscriber, in tenant: TenantReader) {
        expiresAt = tenant.now.adding(seconds: AccountLink.passwordReset.seconds)
        text = Self.text(subscriber, expiresAt, tenant)
    }

    /// Whose a link is. Unknown, used and expired links look alike.
    package static func subscriber(of text: String, in tenant: TenantReader) throws -> Subscriber {
        guard let (subscriber, end) = try named(by: text, in: tenant),
            constantTimeEqual(Array(text.utf8), Array(Self.text(subscriber, end, tenant).utf8))
        else { throw Refusal.notFound(.passwordReset) }
        return subscriber
    }

    /// Whose password, as it stands, was set by this link, within its time; nil where nobody's was.
    package static func user(of text: String, in tenant: TenantReader) throws -> Subscriber? {
        guard let (subscriber, _) = try named(by: text, in: tenant),
            salt(of: text, in: tenant).isOf(subscriber.passwordHash)
        else { return nil }
        return subscriber
    }

    /// Of the password that is set by it.
    package static func salt(of text: String, in tenant: TenantReader) -> PasswordSalt {
        PasswordSalt(for: "subscriber-link:\(text)", in: tenant)
    }

    /// What a link says, if its time is not over: nothing yet says that it is one of ours.
    private static func named(
        by text: String, in tenant: TenantReader
    ) throws -> (subscriber: Subscriber, end: Timestamp)? {
        let parts = text.split(separator: ".", maxSplits: 2)
        guard parts.count == 3, let milliseconds = Int64(parts[1]),
            let subscriber = try tenant.subscriber(publicID: String(parts[0]))
        else { return nil }
        let end = Timestamp(milliseconds: milliseconds)
        return tenant.now < end ? (subscriber, end) : nil
    }

    private static func text(_ subscriber: Subscriber, _ end: Timestamp, _ tenant: TenantReader) -> String {
        let said = "\(subscriber.publicID).\(end.milliseconds)"
        let incarnation = tenant.store.head.incarnation
        let covered = Array("subscriber-password:\(incarnation):\(said):\(subscriber.passwordHash)".utf8)
        let code = HMACSHA256.code(key: tenant.store.secretKey, tenant.tenantID.bytes, covered)
        return "\(said).\(code.hex)"
    }
}

/// Whoever has the link sets the password with it; the old one opens nothing from then on. The same form, sent twice
/// at once, sets it once.
package struct AcceptSubscriberLink: Sendable {
    package let text: String
    /// As `Scrypt.hash` gives it, with the link's salt; made off the lane.
    package let passwordHash: String

    package init(_ text: String, passwordHash: String) {
        self.text = text
        self.passwordHash = passwordHash
    }

    package func run(_ tenant: TenantTransaction, _ detail: inout AuditDetail) throws -> Subscriber {
        if let user = try SubscriberLink.user(of: text, in: tenant), user.passwordHash == passwordHash { return user }
        let subscriber = try SubscriberLink.subscriber(of: text, in: tenant)
        try tenant.setPasswordHash(passwordHash, subscriber: subscriber.id)
        detail.note("subscriber", subscriber.publicID)
        return subscriber
    }
}
