import CallKit
import HTTPCore
import PageKit
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
        /// An order as the operator sees it: with where its money is.
        struct KnownOrder {
            let order: Order
            let money: OrderMoney
            let refunds: [Refund]
            let hourly: HourlyPrice?
        }
        static let orderWithServices = Shape<KnownOrder>("OrderWithServices", orderParts)
        private static let refund = Shape<Refund>(
            "Refund", WholesaleOrders.Schemas.refundMembers + [.member("refunded_by", \.by)])
        private static let unit = Shape<OrderMoney.Unit>(
            "OrderUnit",
            [
                .part(service.members, \.service), .member("provisioning_state", \.provisioning),
                .member("share", \.share), .member("money", \.place),
            ])
        private static let orderParts: [Shape<KnownOrder>.Member] = [
            .part(order.members, \.order), .part(WholesaleOrders.Schemas.hourly, \.hourly),
            .object(
                "money",
                [
                    .member("held") { $0.money.sum(.held) }, .member("captured") { $0.money.sum(.captured) },
                    .member("voided") { $0.money.sum(.voided) }, .member("renewed", \.money.renewed),
                    .member("refunded", \.money.refunded), .member("refundable", \.money.refundable),
                ]), .list("services", unit, \.money.units), .list("refunds", refund, \.refunds),
        ]

        static let refundRequest = Body(
            Field.payable("amount", AmountRule.prices).unless({ $0 == .zero }, "range", "must be more than zero"),
            Field.text("reason", 1...SettleUnit.reasonCharactersMax), Field.id("service", 64).optional,
            Field.integer("period", 0...Int64(Int32.max)).optional
        ).made { (sent: (Money, String, String?, Int64?), fields) -> RefundOrder.Request? in
            let (amount, reason, service, period) = sent
            if period != nil && service == nil {
                fields.fail("service", code: "required", detail: "must name the service whose period it is")
                return nil
            }
            return RefundOrder.Request(amount: amount, reason: reason, serviceID: service, period: period)
        }
        struct Refunded {
            let refund: Refund
            let whole: KnownOrder
            let paid: [PayDueServices.Paid]
        }
        static let refunded = Shape<Refunded>([
            .part(orderParts, \.whole), .object("refund", refund, \.refund),
            .list("services_paid", paidService, \.paid),
        ])

        struct OwnedCustomer {
            let customer: Customer
            let reseller: String?
        }
        static let customer = Shape<OwnedCustomer>(
            "Customer",
            [.member("reseller", \.reseller), .part(WholesaleOrders.Schemas.customerMembers, \.customer)])
        static let customerChange = Body.change(
            WholesaleOrders.Schemas.customerEmail.omittable, WholesaleOrders.Schemas.customerName.omittable)

        struct Setting {
            let theme: Theme
            let selfActivation: Bool
            let selfServiceKeys: Bool
            let sandbox: Bool
        }
        static let setting = Shape<Setting>([
            .member("name", \.theme.name), .member("logo", \.theme.logo),
            .object(
                "colours",
                [
                    .member("primary") { $0.theme.colours[.primary] }, .member("accent") { $0.theme.colours[.accent] },
                    .member("background") { $0.theme.colours[.background] },
                ]), .member("self_activation", \.selfActivation),
            .member("self_service_keys", \.selfServiceKeys), .member("sandbox_before_approval", \.sandbox),
        ])
        private static let colour = Schema.matching("^#[0-9a-fA-F]{6}$").optional
        static let settingChange = Schema.change([
            "name": .text(100).omittable, "self_activation": .boolean.omittable,
            "self_service_keys": .boolean.omittable, "sandbox_before_approval": .boolean.omittable,
            "colours": Schema.change(["primary": colour, "accent": colour, "background": colour]).omittable,
        ])

        /// `status`: the state, by the name that it had before.
        private static let deliveryMembers: [Shape<Delivery>.Member] =
            [.member("mode", \.book), .member("reseller", as: .string, \.resellerPublicID)]
            + WebhookShapes.native.deliveryMembers + [.member("status", \.state)]
        static let delivery = Shape<Delivery>("Delivery", deliveryMembers)
        /// With what is sent, byte for byte.
        struct KnownDelivery {
            let whole: WholeDelivery
            let body: String
        }
        static let wholeDelivery = Shape<KnownDelivery>(
            "DeliveryWithAttempts",
            [
                .part(deliveryMembers, \.whole.delivery), .member("body", \.body),
                .list("attempts", WebhookShapes.native.attempt, \.whole.attempts),
            ])
        static let replay = Body(
            Field.part(WebhookBodies.replay(.native)), Field.id("reseller", 255).optional, Field.mode("mode").optional)

        struct OwnedWebhook {
            let reseller: String?
            let book: Book
            let shown: ShownEndpoint
        }
        static let webhook = Shape<OwnedWebhook>(
            "Webhook",
            [
                .member("mode", \.book), .member("reseller", \.reseller),
                .part(WebhookShapes.native.endpointMembers, \.shown),
            ])

        struct SubscriberNow {
            let subscriber: Subscriber
            let at: Timestamp
        }
        static let subscriber = Shape<SubscriberNow>(
            "Subscriber",
            [
                .member("id", \.subscriber.publicID), .member("email", \.subscriber.email),
                .object(
                    "subscription",
                    [
                        .member("status", as: .one(of: ["active", "ended"])) { now in
                            now.subscriber.endsAt.map { $0 > now.at } ?? false ? "active" : "ended"
                        }, .member("ends_at", \.subscriber.endsAt),
                    ]), .member("created_at", \.subscriber.createdAt),
            ])
        static let redemption = Shape<SubscriberRedemption>([
            .member("product", \.sku), .member("days", \.days), .member("reseller", \.resellerPublicID),
            .member("batch", \.batchPublicID), .member("begins_at", \.begins), .member("ends_at", \.ends),
            .member("redeemed_at", \.at),
        ])

        static let user = Shape<PanelUser>(
            "User",
            [
                .member("id", \.id), .member("email", \.email), .member("name", \.name),
                .member("reseller", \.resellerPublicID), .member("signed_up_via", \.signedUpVia),
                .member("created_at", \.createdAt),
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
        let state: KeyCondition
        let limit: KeyBodies.LimitNow?
        let ownerEmail: String?
        let reseller: String?
        /// Until when the secret before the present one opens it too; nil where it does not.
        let previousValidUntil: Timestamp?
    }
    static let keyMembers: [Shape<OwnedKey>.Member] = [
        .part(KeyBodies.keyHead, \.key), .member("state", \.state),
        .objectOrNull("limit", KeyBodies.limitNow, \.limit),
        .part(KeyBodies.keyTail, \.key), .member("previous_valid_until", \.previousValidUntil),
        .member("owner_email", \.ownerEmail), .member("reseller", \.reseller),
    ]
    static let key = Shape<OwnedKey>("Key", keyMembers)

    /// A reseller as the operator sees it.
    struct KnownReseller {
        let reseller: Reseller
        let approvedBy: String?
        let notes: String?
        let limit: KeyBodies.LimitNow
    }
    private static let resellerMembers: [Shape<KnownReseller>.Member] = [
        .member("id", \.reseller.publicID), .member("email", \.reseller.email), .member("name", \.reseller.name),
        .member("company", \.reseller.company), .member("notes", \.notes), .member("status", \.reseller.state),
        .member("default_discount_rate", \.reseller.defaultDiscountRate),
        .member("credit_limit", \.reseller.creditLimit),
        .member("low_balance_threshold", \.reseller.lowBalanceThreshold), .currency("currency"),
        .object("rate_limit", KeyBodies.limitNow, \.limit), .member("api_access", \.reseller.apiAccess),
        .member("created_at", \.reseller.createdAt), .member("approved_at", \.reseller.approvedAt),
        .member("approved_by", \.approvedBy), .member("suspended_at", \.reseller.suspendedAt),
        .member("terminated_at", \.reseller.terminatedAt), .member("standing", \.reseller.standing),
        .member("revision", \.reseller.revision),
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
        /// To the hour, and past 35 days to the day.
        let lastCall: Timestamp?
        let recentOrders: Int64
    }
    static let resellerWithBalance = Shape<ResellerWithBalance>(
        "ResellerWithBalance",
        [
            .part(resellerMembers, \.known), .part(balances, \.balances), .member("last_call_at", \.lastCall),
            .member("orders_in_30_days", \.recentOrders),
        ])

    static let resellerChange = Body.change(
        Field.email("email").omittable, Field.text("name", 1...200).omittable,
        Field.text("company", 1...200).clearable,
        Field.lines("notes", ChangeResellerProfile.notesCharactersMax).clearable,
        Field.percent("default_discount_rate").omittable, Field.payable("credit_limit", AmountRule.prices).omittable,
        Field.policy("rate_limit").omittable, Field.bool("api_access").omittable,
        Field.payable("low_balance_threshold", AmountRule.movements).clearable)

    /// A link that was sent anew; shown once.
    struct InvitedAgain {
        let sent: InviteAgain.Sent
        let url: String?
    }
    static let invitedAgain = Shape<InvitedAgain>([
        .member("id", \.sent.reseller.publicID), .member("email", \.sent.reseller.email),
        .omittable("invitation_url", \.url), .alreadyShown, .member("expires_at", \.sent.expiresAt),
    ])

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
        Field.text("reference", 1...200), Field.choice("kind", MovementKind.self).optional
    ).made { (sent: (Money, String, MovementKind?), fields) -> (Money, String)? in
        let (amount, reference, kind) = sent
        switch kind {
        case .topUp? where amount.isNegative:
            fields.fail("amount", code: "range", detail: "must be more than zero for a top-up")
            return nil
        case .correction? where !amount.isNegative:
            fields.fail("amount", code: "range", detail: "must be less than zero for a correction")
            return nil
        default: return (amount, reference)
        }
    }
    struct Moved {
        let reseller: String
        let amount: Money
        let reference: String
        let balances: Balances
        /// What was past due and is paid from it (W9).
        let paid: [PayDueServices.Paid]
    }
    fileprivate static let paidService = Shape<PayDueServices.Paid>([
        .member("id", \.service), .member("amount", \.amount),
    ])
    static let moved = Shape<Moved>([
        .member("reseller", \.reseller), .member("kind") { $0.amount.isNegative ? PostingKind.correction : .topUp },
        .member("amount", \.amount), .member("reference", \.reference),
        .list("services_paid", paidService, \.paid),
        .part(balances, isDescribedLast: true, \.balances), .currency("currency"),
    ])

    static let cancellation = Body(Field.choice("at", ChangeService.When.self).or(.now)).omittable
    static let repricing = Body(
        Field.id("reseller", 64).optional, Field.sku("product").optional, Field.choice("term", Term.self).optional,
        Field.money("price", AmountRule.prices), Field.bool("dry_run").or(false))
    private static let repriced = Shape<Repricing>(
        "Repricing",
        [
            .member("id", \.service.publicID), .member("reseller", \.service.resellerPublicID),
            .member("product", \.service.sku), .member("term", \.service.term), .member("old_price", \.old),
            .member("new_price", \.new), .member("from_period", \.from),
        ])
    struct Repriced {
        let result: RepriceServices.Result
        let isDryRun: Bool
    }
    static let repricedServices = Shape<Repriced>([
        .member("dry_run", \.isDryRun), .member("count", \.result.count),
        .list("services", repriced, \.result.listed), .currency("currency"),
    ])

    /// `public_id` is what the reseller has as `posting`.
    static let posting = Shape<StatedPosting>(
        "Posting",
        [
            .member("posting", \.posting.id), .member("public_id", \.publicID), .part(postingMembers, \.posting),
        ])
    static let postingMembers: [Shape<Posting>.Member] = [
        .member("kind", as: .choice(PostingKind.self), \.kind),
        .member("reference", as: .string.nullable, \.reference), .member("at", \.at), .member("amount", \.amount),
        .member("balance_after", \.balanceAfter), .currency("currency"),
    ]
}
