import HTTPCore
import TenantRegistry

/// What the admin API's bodies look like: said in the description, read and written in the files beside. Each part's own
/// schemas stand in an extension below.
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

/// The catalogue, prices and stock.
extension OperatorAdmin.Schemas {
    private static let fulfilment = Schema.one(of: OperatorAdmin.fulfilmentsServed.map(\.rawValue))
    private static let days = Schema.integer(1...Plan.daysMax)
    private static let price = Schema.amount(AmountRule.prices)

    /// What makes a product a plan of activation codes.
    private static let planTerms: Schema = [
        "days": days.optional, "retail_price": price.optional, "wholesale_price": price.optional,
    ]
    static let newProduct: Schema =
        [
            "sku": Schema.matching("^[A-Za-z0-9][A-Za-z0-9._-]*$").with(
                "maxLength", .int(FieldReader.skuCharactersMax)),
            "name": .text(200), "fulfilment": fulfilment, "hidden": .boolean.optional,
        ] + planTerms
    static let productChange = Schema.change(
        [
            "name": .text(200).omittable, "fulfilment": fulfilment.omittable, "hidden": .boolean.omittable,
        ] + planTerms)
    static let product = Schema.named(
        "Product",
        [
            "sku": .string, "name": .string, "fulfilment": .choice(Fulfilment.self), "hidden": .boolean,
            "days": .integer.nullable, "retail_price": .decimal.nullable, "wholesale_price": .decimal.nullable,
            "currency": .string, "created_at": .time,
            "updated_at": .time,
        ])

    static let newPriceRow =
        (members(
            price.optional, .percent.optional, .boolean.optional,
            .integer(0...PriceColumn.quantityMax).optional)).closed
    static let priceRow = Schema.named(
        "PriceRow",
        ["reseller": .string, "sku": .string, "name": .string, "hidden": .boolean, "currency": .string]
            + members(.decimal.nullable, .decimal.nullable, .boolean, .integer.nullable))

    private static func members(_ price: Schema, _ rate: Schema, _ flag: Schema, _ count: Schema) -> Schema {
        PriceColumn.allCases.reduce([:]) { schema, column in
            let member =
                switch column {
                case .monthly, .quarterly, .semiAnnual, .annual, .hourly, .setupFee, .once: price
                case .discountRateOverride: rate
                case .isEnabled: flag
                case .maxQuantity: count
                }
            return schema + Schema(dictionaryLiteral: (column.rawValue, member))
        }
    }

    static let country = Schema.named(
        "Country",
        ["id": .string, "name": .string.nullable, "base_price": .decimal, "currency": .string, "updated_at": .time])
    static let newCountry: Schema = ["base_price": price, "name": .text(100).optional]
    static let countryID = Parameter.path("id", .matching("^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"))

    // Files and JSON alike are judged row by row against what there is; every error names its row.
    private static let licenceRow: Schema = [
        "reseller": .text(255), "product": .text(FieldReader.skuCharactersMax),
        "key": .text(LicenceFile.keyCharactersMax), "expiration": .moment,
    ]
    static let licenceStock = Schema.either(
        ["licences": Schema.array(of: licenceRow).with("minItems", .int(1))], licenceRow
    ).orFile("text/csv")
    /// A port, or a range of them.
    private static let portRange = Schema.either(.integer(1...65_535), .matching("^[0-9]{1,5}(-[0-9]{1,5})?$"))
    private static let portRows = Schema.array(
        of: [
            "device": .text(100), "server_ip": Schema.matching("^[0-9A-Za-z.:-]+$").with("maxLength", .int(253)),
            "http_port": portRange, "socks_port": portRange, "country": .text(100), "city": .text(100).optional,
            "carrier": .text(100).optional, "mode": .one(of: PortStockFile.modes.keys.sorted()).optional,
        ], count: 1...PortStockFile.slotsMax)
    static let portStock = Schema.either(["ports": portRows], portRows).orFile("text/csv")
    static let importedPorts: Schema = [
        "ok": .boolean, "imported": .integer, "new_devices": .integer, "mode": .book,
    ]
    static let importedLicences: Schema = ["ok": .boolean, "imported": .integer]
    static let importedPrices: Schema = ["ok": .boolean, "rows": .integer]
    static let slot = Schema.named(
        "Slot",
        [
            "device": .string, "server_ip": .string, "http_port": .integer, "socks_port": .integer,
            "country": .string, "city": .string.nullable, "carrier": .string.nullable, "mode": .string,
            "status": .choice(OperatorAdmin.SlotState.self), "port": .string.nullable, "created_at": .time,
        ])
    static let licence = Schema.named(
        "Licence",
        [
            "key": .string, "product": .string, "reseller": .string.nullable, "expiration": .time,
            "created_at": .time, "held_until": .time.nullable, "assigned_at": .time.nullable,
            "discord_user_id": .string.nullable,
        ])
}

/// The audit log, usage, credit events and reviews.
extension OperatorAdmin.Schemas {
    static func audit(_ more: Parameter...) -> [Parameter] {
        [.from, .to, .query("key"), reseller, .query("status", .integer(100...599))] + more
    }
    /// Twelve bytes in base64url, the first bit zero.
    static let auditCursor = Parameter.query("cursor", .matching("^[A-Za-f][A-Za-z0-9_-]{15}$"))
    static let auditRecord = Schema.named(
        "AuditRecord",
        [
            "seq": .integer, "at": .time, "mode": .book, "key": .string.nullable, "reseller": .string.nullable,
            "account": .string.nullable, "action": .string, "status": .integer, "latency_us": .integer,
            "request_id": .string, "bytes_in": .integer, "bytes_out": .integer, "count": .integer,
            "detail": .object.nullable,
        ])
    static let auditHead: Schema = [
        "tenant_id": .string, "head": .string, "incarnation": .integer, "seq": .integer, "hash": .string,
        "signature": .string, "public_key": .string, "algorithm": .one(of: ["Ed25519"]), "signed_text": .string,
    ]
    /// Sixteen bytes and a route's name, in base64url.
    static let usageCursor = Parameter.query("cursor", .matching("^[A-Za-z0-9_-]{22,}$"))
    static let usage = Schema.named(
        "Usage",
        [
            "day": .day, "reseller": .string.nullable, "route": .string, "requests": .integer, "refusals": .integer,
            "orders": .integer,
        ])

    private static let creditMembers: Schema = [
        "id": .string, "reseller": .string.nullable, "key": .string.nullable, "mode": .book,
        "kind": .choice(CreditKind.self), "amount": .decimal, "currency": .string, "external_ref": .string,
        "meta": .object.nullable, "at": .time,
    ]
    static let creditEvent = Schema.named("CreditEvent", creditMembers)
    static let creditEventWithDifferences =
        creditMembers + [
            "differences": .array(
                of: ["kind": .string, "amount": .decimal, "meta": .object.nullable, "at": .time])
        ]

    static let ledgerFile = Schema.file("text/csv", "application/jsonl")
    private static let tally: Schema = ["count": .integer, "amount": .decimal]
    private static let reportedLine: Schema = [
        "external_ref": .string, "kind": .string, "amount": .decimal, "at": .time,
    ]
    private static let ledgerLine = ["line": .integer] + reportedLine
    private static let eventLine = ["event": .string] + reportedLine
    static let reconciliation = Schema.named(
        "Reconciliation",
        [
            "id": .string, "reseller": .string, "mode": .book, "from": .time.nullable, "to": .time.nullable,
            "at": .time, "lines": .integer, "agrees": .boolean, "matched": tally,
            "missing_here": tally + ["items": .array(of: ledgerLine)],
            "missing_there": tally + ["items": .array(of: eventLine)],
            "differing": [
                "count": .integer, "amount_here": .decimal, "amount_there": .decimal,
                "items": .array(of: ["here": eventLine, "there": ledgerLine]),
            ], "currency": .string, "review": .string.nullable,
        ])
    static let listedReconciliation: Schema = [
        "id": .string, "reseller": .string, "agrees": .boolean, "at": .time,
    ]
    static let review = Schema.named(
        "Review",
        [
            "id": .string, "reseller": .string, "mode": .book, "status": .choice(AccountReview.State.self),
            "cause": .string, "subject": .string, "opened_at": .time, "closed_at": .time.nullable,
            "closed_by": .string.nullable, "note": .string.nullable,
        ])
    static let closing: Schema = ["note": .text(CloseReview.noteCharactersMax)]
}

/// Payments.
extension OperatorAdmin.Schemas {
    private static let overlap: Schema = [
        "overlap_seconds": .integer(0...ConfigurePayments.overlapSecondsMax).optional
    ]
    /// A node that may call private addresses takes plain http too. The secret is `whsec_` and 24 to 64 bytes in base64.
    static let newPaymentService = Schema.either(
        ["driver": .one(of: [PaymentDriverKind.sandbox.rawValue])] + overlap,
        [
            "driver": .one(of: [PaymentDriverKind.http.rawValue]), "create_url": .webhookURL,
            "api_key": Schema.matching("^[!-~]+$").with("minLength", .int(8)).with("maxLength", .int(512)),
            "webhook_secret": .matching("^whsec_[A-Za-z0-9+/]{32,86}={0,2}$"), "callback_url": .webhookURL.optional,
            "return_url": .webhookURL.optional,
        ] + overlap)
    static let paymentService: Schema = [
        "driver": .choice(PaymentDriverKind.self), "create_url": .string.nullable, "callback_url": .string.nullable,
        "return_url": .string.nullable, "created_at": .time,
    ]
    private static let paymentMembers: Schema = [
        "id": .string, "order_id": .string, "mode": .book, "reseller": .string,
        "driver": .choice(PaymentDriverKind.self), "status": .choice(PaymentState.self), "amount": .decimal,
        "currency": .string, "provider_reference": .string.nullable, "failure": .string.nullable,
        "posting": .integer.nullable, "created_at": .time, "expires_at": .time, "decided_at": .time.nullable,
    ]
    static let payment = Schema.named("Payment", paymentMembers)
    static let paymentWithDifferences =
        paymentMembers + [
            "differences": .array(
                of: ["status": .string, "amount": .string, "currency": .string, "at": .time])
        ]
}
