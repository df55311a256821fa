package import CallKit
import Cryptography
import HTTPCore
import TenantRegistry

/// An end customer at a code's link: finds out in the lane whether there is an account, and off it whether the password
/// is its (A8). A wrong address and a wrong password of somebody who logs in look alike and take the same time.
package struct RedeemingCustomer: Sendable {
    /// Left out: whichever there is.
    package enum Intent: String, Sendable, CaseIterable {
        case new
        case existing
    }

    package let code: String
    /// Every spelling under which the account may be kept, today's first.
    package let emails: [String]
    package let password: String
    package let intent: Intent?

    package init(code: String, emails: [String], password: String, intent: Intent?) {
        self.code = code
        self.emails = emails
        self.password = password
        self.intent = intent
    }

    package func work(_ call: Call, then redeem: @escaping @Sendable (RedeemCode) -> Work) -> Work {
        .flow { steps in
            let seen = try await steps.read { try look($0, call) }
            let place = seen.place
            guard seen.known != nil || intent == .existing else {
                let email = try newEmail
                let hash = try await steps.background {
                    try Password.hash(password, by: call.services.scrypt, salt: seen.salt)
                }
                return redeem(RedeemCode(code: code, customer: .new(email: email, passwordHash: hash), from: place))
            }
            let isRight = try await steps.verifies(
                password, against: seen.known?.passwordHash, decoy: call.services.decoyHash,
                place.guess(emails.first ?? "", isKnown: seen.isKnown))
            guard isRight, let known = seen.known else {
                throw intent == .new ? RedeemCode.emailTaken : Refusal.wrongPassword
            }
            let customer = RedeemCode.Customer.known(publicID: known.publicID, passwordHash: known.passwordHash)
            return redeem(RedeemCode(code: code, customer: customer, from: place))
        }
    }

    /// What a new account is kept under: an address of before may be nobody's new one.
    private var newEmail: String {
        get throws {
            guard let email = emails.first, EmailAddress.canonical(email) == email else {
                throw Refusal.field("/email", "format", "must be an email address")
            }
            return email
        }
    }

    private struct Seen: Sendable {
        /// The account that the address has.
        let known: Subscriber?
        let place: KnownPlace
        let isKnown: Bool
        /// For the password of a new one: of two forms that make it at once, each knows the other's.
        let salt: PasswordSalt
    }

    /// A code that nobody can redeem costs no scrypt. Whoever has redeemed it may ask again, with the form that made
    /// the account too.
    private func look(_ tenant: TenantReader, _ call: Call) throws -> Seen {
        guard let code = try tenant.activationCode(code) else { throw RedeemCode.unknownCode }
        let known = try tenant.subscriber(spelt: emails, book: code.book)
        if let redemption = code.redemption, redemption.subscriberID != known?.id { throw RedeemCode.alreadyRedeemed }
        if known != nil && intent == .new && code.redemption == nil { throw RedeemCode.emailTaken }
        let place = KnownPlace(Subscriber.realm(of: code.book), at: call.clientAddress, of: call.tenant)
        return Seen(
            known: known, place: place, isKnown: try known.map { try tenant.knows(place, of: $0.id) } ?? false,
            salt: PasswordSalt(for: "subscriber:\(code.book.name):\(emails.first ?? "")", in: tenant))
    }
}
