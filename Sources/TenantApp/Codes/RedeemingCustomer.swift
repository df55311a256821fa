package import CallKit
import Cryptography
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
    package let email: String
    package let password: String
    package let intent: Intent?

    package init(code: String, email: String, password: String, intent: Intent?) {
        self.code = code
        self.email = email
        self.password = password
        self.intent = intent
    }

    package func work(_ call: Call, then redeem: @escaping @Sendable (RedeemCode) -> Work) -> Work {
        .flow { steps in
            let known = try await steps.read { try look($0) }
            return redeem(try await steps.background { try judge(known, call.services) })
        }
    }

    /// The account that the address has. A code that nobody can redeem costs no scrypt.
    private func look(_ tenant: TenantReader) throws -> Subscriber? {
        guard let code = try tenant.activationCode(code) else { throw RedeemCode.unknownCode }
        let known = try tenant.subscriber(email: email, book: code.book)
        if let redemption = code.redemption, redemption.subscriberID != known?.id { throw RedeemCode.alreadyRedeemed }
        if known != nil && intent == .new { throw RedeemCode.emailTaken }
        return known
    }

    private func judge(_ known: Subscriber?, _ services: Services) throws -> RedeemCode {
        guard known != nil || intent == .existing else {
            let hash = try Password.hash(password, by: services.scrypt, random: services.random)
            return RedeemCode(code: code, customer: .new(email: email, passwordHash: hash))
        }
        let matches = Password.opens(password, known?.passwordHash ?? services.decoyHash)
        guard matches, let known else { throw Refusal.wrongPassword }
        return RedeemCode(code: code, customer: .known(email: email, passwordHash: known.passwordHash))
    }
}
