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
            let (known, place, isKnown) = try await steps.read { try look($0, call) }
            guard known != nil || intent == .existing else {
                let email = try newEmail
                let hash = try await steps.background {
                    try Password.hash(password, by: call.services.scrypt, random: call.services.random)
                }
                return redeem(RedeemCode(code: code, customer: .new(email: email, passwordHash: hash), from: place))
            }
            let isRight = try await steps.verifies(
                password, against: known?.passwordHash, decoy: call.services.decoyHash,
                place.guess(emails.first ?? "", isKnown: isKnown))
            guard isRight, let known else { throw Refusal.wrongPassword }
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

    /// The account that the address has. A code that nobody can redeem costs no scrypt.
    private func look(
        _ tenant: TenantReader, _ call: Call
    ) throws -> (known: Subscriber?, place: KnownPlace, isKnown: Bool) {
        guard let code = try tenant.activationCode(code) else { throw RedeemCode.unknownCode }
        let known = try tenant.subscriber(spelt: emails, book: code.book)
        if let redemption = code.redemption, redemption.subscriberID != known?.id { throw RedeemCode.alreadyRedeemed }
        if known != nil && intent == .new { throw RedeemCode.emailTaken }
        let place = KnownPlace(
            code.book == .live ? .subscriber : .testSubscriber, at: call.clientAddress, of: call.tenant)
        return (known, place, try known.map { try tenant.knows(place, of: $0.id) } ?? false)
    }
}
