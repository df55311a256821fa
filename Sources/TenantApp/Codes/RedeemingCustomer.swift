package import CallKit
import Cryptography
import TenantRegistry

/// An end customer at a code's link: finds out in the lane whether there is an account, and off it whether the password is
/// its (CONTRACT A8). A wrong address and a wrong password of somebody who logs in look alike and take the same time.
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

    /// What a look into the file has found.
    private enum Found: Sendable {
        case refused(Refusal)
        case account(Subscriber?)
    }

    package func work(_ call: Call, then redeem: @escaping @Sendable (RedeemCode) -> Work) -> Work {
        .later { answer in
            call.tenant.lane.submit(
                LaneJob(
                    writes: false,
                    perform: { store in
                        let found = try look(store.reader)
                        return { _ in
                            let submitted = call.services.fleet.background.submit {
                                answer(Result { .proceed(redeem(try judge(found, call.services))) })
                            }
                            if !submitted { answer(.failure(LaneFailure.tooManyWaiting)) }
                        }
                    },
                    fail: { answer(.failure($0)) }))
        }
    }

    /// A code that nobody can redeem costs no scrypt.
    private func look(_ tenant: TenantReader) throws -> Found {
        guard let code = try tenant.activationCode(code) else { return .refused(RedeemCode.unknownCode) }
        let known = try tenant.subscriber(email: email, book: code.book)
        if let redemption = code.redemption, redemption.subscriberID != known?.id {
            return .refused(RedeemCode.alreadyRedeemed)
        }
        if known != nil && intent == .new { return .refused(RedeemCode.emailTaken) }
        return .account(known)
    }

    private func judge(_ found: Found, _ services: Services) throws -> RedeemCode {
        guard case .account(let known) = found else {
            if case .refused(let refusal) = found { throw refusal }
            throw Refusal.defect
        }
        guard known != nil || intent == .existing else {
            let hash = try services.scrypt.hash(password, random: services.random)
            return RedeemCode(code: code, customer: .new(email: email, passwordHash: hash))
        }
        let matches = Scrypt.verify(password, against: known?.passwordHash ?? services.decoyHash)
        guard matches, let known else { throw Refusal.wrongPassword }
        return RedeemCode(code: code, customer: .known(email: email, passwordHash: known.passwordHash))
    }
}
