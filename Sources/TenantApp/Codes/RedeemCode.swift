package import CallKit
package import TenantRegistry

/// An end customer redeems a code: once ever, its days after the current end of the subscription or from now
/// (A8). The same customer again gets the same answer and no more days.
package struct RedeemCode: Sendable {
    /// Who redeems; judged off the lane.
    package enum Customer: Sendable {
        /// With the password that was right when it was looked at.
        case known(publicID: String, passwordHash: String)
        /// `passwordHash` as `Scrypt.hash` gives it, with the salt of the address: the same password has the same hash.
        case new(email: String, passwordHash: String)
    }

    package struct Result {
        package let code: ActivationCode
        package let email: String
        package let stretch: SubscriptionStretch
    }

    package let code: String
    package let customer: Customer

    /// Nil where nobody's password was looked at.
    package let place: KnownPlace?

    package init(code: String, customer: Customer, from place: KnownPlace? = nil) {
        self.code = code
        self.customer = customer
        self.place = place
    }

    package static let unknownCode = Refusal.notFound(.code)

    package static let emailTaken = Refusal.conflict(.subscriberEmailTaken)

    package static let alreadyRedeemed = Refusal.conflict(.codeRedeemed)

    package func run(_ tenant: TenantTransaction, _ detail: inout AuditDetail) throws -> Result {
        guard let code = try tenant.activationCode(code) else { throw Self.unknownCode }
        let subscriber = try subscriber(tenant, code)
        if let place { try tenant.remember(place, of: subscriber.id) }
        detail.resellerID = code.resellerID
        detail.note("subscriber", subscriber.publicID)
        if let redemption = code.redemption {
            guard redemption.subscriberID == subscriber.id else { throw Self.alreadyRedeemed }
            return Result(
                code: code, email: subscriber.email,
                stretch: SubscriptionStretch(begins: redemption.begins, ends: redemption.ends))
        }
        let now = tenant.now
        guard let stretch = SubscriptionStretch(days: code.days, after: subscriber.endsAt, now: now) else {
            throw Refusal.conflict(.subscriptionTooLong)
        }
        try tenant.redeem(code, by: subscriber, for: stretch, at: now, detail: &detail)
        guard let redeemed = try tenant.activationCode(code.code) else { throw Refusal.defect }
        try tenant.emit(.codeRedeemed, redeemed)
        return Result(code: code, email: subscriber.email, stretch: stretch)
    }

    private func subscriber(_ tenant: TenantTransaction, _ code: ActivationCode) throws -> Subscriber {
        switch customer {
        case .known(let publicID, let passwordHash):
            let known = try tenant.knownSubscriber(publicID)
            guard known.passwordHash == passwordHash else { throw Refusal.wrongPassword }
            return known
        case .new(let email, let passwordHash):
            // The account may have been made since it was looked for: by the same form, where the password is the same.
            if let made = try tenant.subscriber(email: email, book: code.book) {
                guard made.passwordHash == passwordHash else { throw Self.emailTaken }
                return made
            }
            if code.redemption != nil { throw Self.alreadyRedeemed }
            return try tenant.insertSubscriber(email: email, passwordHash: passwordHash, book: code.book)
        }
    }
}
