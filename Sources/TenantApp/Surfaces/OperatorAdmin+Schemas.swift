import CallKit
import HTTPCore
import TenantRegistry

/// What the admin API's bodies look like: said in the description, read and written in the files beside. The
/// catalogue and what is recorded have files of their own.
extension OperatorAdmin {
    enum Schemas {
        static let reseller = Parameter.query("reseller")

        /// Whose it is, and in which book.
        private static let owned: Schema = ["reseller": .string, "mode": .book]

        static let order = Schema.named("Order", owned + WholesaleOrders.Schemas.orderMembers)
        static let service = Schema.named("Service", owned + WholesaleOrders.Schemas.serviceMembers)
        static let orderWithServices = Schema.named(
            "OrderWithServices", owned + WholesaleOrders.Schemas.orderMembers + ["services": .array(of: service)])
        static let customer = Schema.named(
            "Customer", ["reseller": .string.nullable] + WholesaleOrders.Schemas.customerMembers)

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
    static let newKey: Schema = [
        "owner_email": .email, "scopes": .scopes(.all).optional, "role": .choice(IssueKey.Role.self).optional,
        "mode": .book.optional, "name": .text(100).optional, "expires_at": .time.optional,
        "limit": .newLimit.optional,
    ]
    static let key = Schema.named(
        "Key", .keyMembers + ["owner_email": .string.nullable, "reseller": .string.nullable])

    static let invitation: Schema = [
        "email": .email, "name": .text(200), "company": .text(200).optional, "password": .newPassword.optional,
    ]
    private static let resellerMembers: Schema = [
        "id": .string, "email": .string, "name": .string, "company": .string.nullable, "status": .resellerState,
        "default_discount_rate": .decimal, "credit_limit": .decimal, "low_balance_threshold": .decimal.nullable,
        "currency": .string, "rate_limit": .limit, "api_access": .boolean, "created_at": .time,
        "approved_at": .time.nullable, "approved_by": .string.nullable, "suspended_at": .time.nullable,
        "terminated_at": .time.nullable,
    ]
    static let resellerAnswer = Schema.named("Reseller", resellerMembers)
    /// What an invitation shows once; an `invitation_url` where no password was given.
    static let invited =
        resellerMembers + [
            "webhook_secret": .string.omittable, "invitation_url": .string.omittable,
            "already_shown": .boolean.omittable,
        ]
    private static let balances: Schema = ["balance": .decimal, "held": .decimal, "available": .decimal]
    static let resellerWithBalance = resellerMembers + balances
    static let termsChange = Schema.change([
        "default_discount_rate": .percent.omittable,
        "credit_limit": .amount(AmountRule.prices, digits: Currency.usDollar.minorUnitDigits).omittable,
        "rate_limit": .newLimit.omittable, "api_access": .boolean.omittable,
        "low_balance_threshold": .amount(AmountRule.movements, digits: Currency.usDollar.minorUnitDigits).optional,
    ])
    static let newSecret: Schema = [
        "id": .string, "webhook_secret": .string.omittable, "already_shown": .boolean.omittable,
        "previous_valid_until": .time,
    ]

    /// Not zero, in the currency's digits.
    static let movement: Schema = [
        "amount": .amount(AmountRule.movements, digits: Currency.usDollar.minorUnitDigits), "reference": .text(200),
    ]
    static let moved: Schema =
        [
            "reseller": .string, "kind": .choice(PostingKind.self), "amount": .decimal, "reference": .string,
            "currency": .string,
        ] + balances
    static let posting = Schema.named(
        "Posting",
        [
            "posting": .integer, "kind": .choice(PostingKind.self), "reference": .string.nullable, "at": .time,
            "amount": .decimal, "balance_after": .decimal, "currency": .string,
        ])
}
