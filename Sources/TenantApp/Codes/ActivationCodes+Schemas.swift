import CallKit
import HTTPCore
import TenantRegistry

/// What activation codes' bodies look like: said in the description, read and written in the files beside. Amounts in
/// answers are numbers.
extension ActivationCodes {
    enum Schemas {
        static let ok = Shape<Void>([.ok])

        static let registration = Body(
            Field.text("companyName", 1...200), Field.email("email"), Field.newPassword("password"))
        struct Registered {
            let state: ResellerState
            let seedHash: String
        }
        static let registered = Shape<Registered>([
            .ok, .member("status", \.state), .member("seedHash", \.seedHash),
        ])
        static let session = Shape<SignIn.Session>([
            .ok, .member("seedHash", \.token), .member("expiresAt", \.expiresAt),
        ])
        static let activated = Shape<ResellerState>([.ok, .member("status") { $0 }])
        struct Profile {
            let reseller: Reseller
            let balance: Money
            let key: APIKey?
            let codes: Int64
            let redeemed: Int64
            let topUps: Money
        }
        static let profile = Shape<Profile>([
            .member("companyName") { $0.reseller.company ?? $0.reseller.name }, .number("balance", \.balance),
            .member("status", \.reseller.state), .member("apiKey", \.key?.display.mask),
            .object(
                "stats",
                [
                    .member("totalCodes", \.codes), .member("redeemedCodes", \.redeemed),
                    .number("totalTopups", \.topUps),
                ]),
        ])
        /// What the profile does not say.
        static let standing = Shape<Reseller>([
            .ok, .member("companyName") { $0.company ?? $0.name }, .member("status", \.state),
            .member("standing", \.standing), .number("lowBalanceThreshold", orNull: \.lowBalanceThreshold),
        ])
        /// Which key, for the dashboard.
        static let whichKey = Body(Field.id("keyId", 64).optional).omittable
        /// The key, shown once; a replay has `already_shown` in its place.
        static let newKey = Shape<String?>([.ok, .omittable("apiKey") { $0 }, .alreadyShown])

        static let ownKey = Body(Field.text("name", 1...100).optional, Field.mode("mode").or(.live)).map {
            MintOwnKey.Request(name: $0, scopes: ActivationCodes.scopes.bits, book: $1, expiresAt: nil)
        }.omittable

        struct PricedPlan: Sendable {
            let plan: Plan
            let margin: Money
        }
        static let plan = Shape<PricedPlan>([
            .member("id", \.plan.sku), .member("name", \.plan.name), .member("days", \.plan.days),
            .number("retailPrice", \.plan.retailPrice), .number("wholesalePrice", \.plan.wholesalePrice),
            .number("margin", \.margin),
        ])
        static let purchase = Body(
            Field.id("planId", FieldReader.skuCharactersMax),
            Field.integer("count", 1...GenerateCodes.countMax).or(1))
        struct Purchased {
            let codes: [(code: String, url: String)]
            let total: Money
            let balance: Money
        }
        static let purchased = Shape<Purchased>([
            .ok, .list("codes", Shape([.member("code") { $0.code }, .member("url") { $0.url }]), \.codes),
            .number("totalCost", \.total), .number("newBalance", \.balance),
        ])
        static let pageOfCodes: [Parameter] = [
            .query("page", .integer(1...Int64(pageMax))), .query("status", .choice(CodeStatus.self)),
        ]
        struct PageOfCodes {
            let codes: [ActivationCode]
            let total: Int64
            let page: Int64
            let pages: Int64
        }
        private static let codeMembers: [Shape<ActivationCode>.Member] = [
            .member("code", \.code), .member("plan_id", \.sku), .member("days", \.days),
            .member("redeemed_by", \.redemption?.email), .member("redeemed_at", \.redemption?.at),
            .member("created_at", \.createdAt),
        ]
        /// What events show: the list is the product document's and has no revision.
        static let toldCode = Shape<ActivationCode>(codeMembers + [.member("revision", \.revision)])
        static let codes = Shape<PageOfCodes>([
            .list("codes", Shape(codeMembers), \.codes), .member("total", \.total), .member("page", \.page),
            .member("pages", \.pages),
        ])

        static let topUp = Body(
            BodyField<Money>(
                "amount",
                .exactNumber(
                    PaymentTerms.amounts.lowerBound.wholeUnits...PaymentTerms.amounts.upperBound.wholeUnits,
                    digits: Currency.usDollar.minorUnitDigits)
            ) { fields, name, reading in
                fields.moneyNumber(
                    name, in: PaymentTerms.amounts, fractionDigitsMax: reading.currency.minorUnitDigits)
            })
        struct Begun {
            let paymentURL: String
            let orderID: String
        }
        static let begun = Shape<Begun>([
            .ok, .member("paymentUrl", \.paymentURL), .member("orderId", \.orderID),
        ])
        static let callbackHead: [Parameter] = [
            .header("webhook-id", .text(255)), .header("webhook-timestamp", .matching("^[0-9]{1,18}$")),
            .header("webhook-signature", .string),
        ]
        struct ShownPayment {
            let state: PaymentState
            let amount: Money
            let balance: Money
        }
        static let payment = Shape<ShownPayment>([
            .member("status", \.state), .number("amount", \.amount), .number("balance", \.balance),
        ])

        static let webhookRequest = Body(
            Field.webhookURL("url"),
            Field.events("events", EventType.codes).omittable(
                or: [EventType.codeRedeemed.rawValue, EventType.balanceLow.rawValue])
        ).map { url, events in SetDefaultWebhook(url: url, events: events) }
        static let newSecret = Shape<WebhookBodies.Rotated>([
            .ok, .omittable("secret", \.secret), .alreadyShown, .member("previousValidUntil", \.previousValidUntil),
        ])
    }
}
