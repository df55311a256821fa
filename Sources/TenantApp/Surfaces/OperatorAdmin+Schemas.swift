import CallKit
import HTTPCore
import TenantRegistry

/// What the admin API's bodies look like: said in the description, read and written in the files beside. The
/// catalogue and what is recorded have files of their own.
extension OperatorAdmin {
    enum Schemas {
        static let reseller = Parameter.query("reseller")

        static let order = Shape<Order>(
            "Order",
            [.member("reseller", \.resellerPublicID), .member("mode", \.book)] + WholesaleOrders.Schemas.orderMembers)
        static let service = Shape<Service>(
            "Service",
            [.member("reseller", \.resellerPublicID), .member("mode", \.book)]
                + WholesaleOrders.Schemas.serviceMembers)
        static let orderWithServices = Shape<WholesaleOrders.Schemas.WholeOrder>(
            "OrderWithServices",
            [.part(order.members, \.order), .list("services", service, \.services)])

        struct OwnedCustomer {
            let customer: Customer
            let reseller: String?
        }
        static let customer = Shape<OwnedCustomer>(
            "Customer",
            [.member("reseller", \.reseller), .part(WholesaleOrders.Schemas.customerMembers, \.customer)])

        static let setting: Schema = [
            "name": .string, "logo": .string.nullable,
            "colours": [
                "primary": .string.nullable, "accent": .string.nullable, "background": .string.nullable,
            ], "self_activation": .boolean,
        ]
        private static let colour = Schema.matching("^#[0-9a-fA-F]{6}$").optional
        static let settingChange = Schema.change([
            "name": .text(100).omittable, "self_activation": .boolean.omittable,
            // An https URL that can stand in an attribute.
            "logo": Schema.matching(#"^https://[!$%&(-+.0-:=?A-\[\]-~]+(/[!$-&(-+.-:=?-\[\]-~]*)?$"#).with(
                "maxLength", .int(2_000)
            ).optional,
            "colours": (["primary": colour, "accent": colour, "background": colour] as Schema).closed.omittable,
        ])

        static let delivery = Schema.named(
            "Delivery",
            [
                "id": .string, "event": .string, "type": .string, "mode": .book, "reseller": .string,
                "webhook": .string, "url": .string, "status": .choice(DeliveryState.self), "attempts": .integer,
                "created_at": .time, "next_attempt_at": .time.nullable, "expires_at": .time,
                "last_response_code": .integer.nullable, "last_response_body": .string.nullable, "updated_at": .time,
            ])

        static let subscriber = Schema.named(
            "Subscriber",
            [
                "id": .string, "email": .string,
                "subscription": ["status": .one(of: ["active", "ended"]), "ends_at": .time.nullable],
                "created_at": .time,
            ])
        static let redemption: Schema = [
            "product": .string, "days": .integer, "reseller": .string, "batch": .string, "begins_at": .time,
            "ends_at": .time, "redeemed_at": .time,
        ]

        static let user = Schema.named(
            "User",
            [
                "id": .integer, "email": .string, "name": .string, "reseller": .string, "signed_up_via": .string,
                "created_at": .time,
            ])
    }
}

/// Keys and resellers.
extension OperatorAdmin.Schemas {
    static let newKey = Body(
        // Which scopes the tenant offers is in its file: judged there.
        Field.email("owner_email"), Field.scopes("scopes", .all).optional,
        Field.choice("role", IssueKey.Role.self).optional, Field.mode("mode").or(.live),
        Field.text("name", 1...100).optional, Field.expiry("expires_at").optional, Field.policy("limit").optional
    ).map { email, scopes, role, book, name, end, limit in
        IssueKey.Request(
            email: email, role: role, scopes: scopes, book: book, name: name, expiresAt: end, limit: limit)
    }

    /// A key with whose it is.
    struct OwnedKey {
        let key: APIKey
        let ownerEmail: String?
        let reseller: String?
    }
    static let key = Shape<OwnedKey>(
        "Key",
        [
            .part(KeyBodies.keyMembers, \.key), .member("owner_email", \.ownerEmail),
            .member("reseller", \.reseller),
        ])

    /// A reseller as the operator sees it.
    struct KnownReseller {
        let reseller: Reseller
        let approvedBy: String?
    }
    private static let resellerMembers: [Shape<KnownReseller>.Member] = [
        .member("id", \.reseller.publicID), .member("email", \.reseller.email), .member("name", \.reseller.name),
        .member("company", \.reseller.company), .member("status", \.reseller.state),
        .member("default_discount_rate", \.reseller.defaultDiscountRate),
        .member("credit_limit", \.reseller.creditLimit),
        .member("low_balance_threshold", \.reseller.lowBalanceThreshold), .currency("currency"),
        .object("rate_limit", KeyBodies.limit, \.reseller.limit), .member("api_access", \.reseller.apiAccess),
        .member("created_at", \.reseller.createdAt), .member("approved_at", \.reseller.approvedAt),
        .member("approved_by", \.approvedBy), .member("suspended_at", \.reseller.suspendedAt),
        .member("terminated_at", \.reseller.terminatedAt),
    ]
    static let resellerAnswer = Shape<KnownReseller>("Reseller", resellerMembers)

    /// What an invitation shows once; an `invitation_url` where no password was given.
    struct Invited {
        let known: KnownReseller
        let webhookSecret: String?
        let invitationURL: String?
    }
    static let invited = Shape<Invited>([
        .part(resellerMembers, \.known), .omittable("webhook_secret", \.webhookSecret),
        .omittable("invitation_url", \.invitationURL), .alreadyShown,
    ])

    private static let balances: [Shape<Balances>.Member] = [
        .member("balance", \.balance), .member("held", \.held), .member("available", \.available),
    ]
    struct ResellerWithBalance {
        let known: KnownReseller
        let balances: Balances
    }
    static let resellerWithBalance = Shape<ResellerWithBalance>([
        .part(resellerMembers, \.known), .part(balances, \.balances),
    ])

    static let termsChange = Body.change(
        Field.percent("default_discount_rate").omittable, Field.payable("credit_limit", AmountRule.prices).omittable,
        Field.policy("rate_limit").omittable, Field.bool("api_access").omittable,
        Field.payable("low_balance_threshold", AmountRule.movements).clearable)

    struct NewSecret {
        let id: String
        let webhookSecret: String?
        let previousValidUntil: Timestamp
    }
    static let newSecret = Shape<NewSecret>([
        .member("id", \.id), .omittable("webhook_secret", \.webhookSecret), .alreadyShown,
        .member("previous_valid_until", \.previousValidUntil),
    ])

    static let movement = Body(
        Field.payable("amount", AmountRule.movements).unless({ $0 == .zero }, "range", "must not be zero"),
        Field.text("reference", 1...200))
    struct Moved {
        let reseller: String
        let amount: Money
        let reference: String
        let balances: Balances
    }
    static let moved = Shape<Moved>([
        .member("reseller", \.reseller), .member("kind") { $0.amount.isNegative ? PostingKind.correction : .topUp },
        .member("amount", \.amount), .member("reference", \.reference),
        .part(balances, isDescribedLast: true, \.balances), .currency("currency"),
    ])
    static let posting = Shape<Posting>(
        "Posting",
        [
            .member("posting", \.id), .member("kind", as: .choice(PostingKind.self), \.kind),
            .member("reference", as: .string.nullable, \.reference), .member("at", \.at),
            .member("amount", \.amount), .member("balance_after", \.balanceAfter), .currency("currency"),
        ])
}
