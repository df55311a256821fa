import CallKit
import HTTPCore
import TenantRegistry

/// What activation codes' bodies look like: said in the description, read and written in the files beside. Amounts in
/// answers are numbers.
extension ActivationCodes {
    enum Schemas {
        static let ok: Schema = ["ok": .boolean]

        static let registration: Schema = ["companyName": .text(200), "email": .email, "password": .newPassword]
        static let registered: Schema = ["ok": .boolean, "status": .resellerState, "seedHash": .string]
        static let session: Schema = ["ok": .boolean, "seedHash": .string, "expiresAt": .time]
        static let activated: Schema = ["ok": .boolean, "status": .resellerState]
        static let profile: Schema = [
            "companyName": .string, "balance": .number, "status": .resellerState, "apiKey": .string.nullable,
            "stats": ["totalCodes": .integer, "redeemedCodes": .integer, "totalTopups": .number],
        ]
        /// Shown once; a replay has `already_shown` in place of the key.
        static let newKey: Schema = [
            "ok": .boolean, "apiKey": .string.omittable, "already_shown": .boolean.omittable,
        ]

        static let plans = Schema.array(
            of: [
                "id": .string, "name": .string, "days": .integer, "retailPrice": .number, "wholesalePrice": .number,
                "margin": .number,
            ])
        static let purchase: Schema = [
            "planId": .text(FieldReader.skuCharactersMax), "count": .integer(1...GenerateCodes.countMax).optional,
        ]
        static let purchased: Schema = [
            "ok": .boolean, "codes": .array(of: ["code": .string, "url": .string]), "totalCost": .number,
            "newBalance": .number,
        ]
        static let pageOfCodes: [Parameter] = [
            .query("page", .integer(1...Int64(pageMax))), .query("status", .choice(CodeStatus.self)),
        ]
        static let codes: Schema = [
            "codes": .array(
                of: [
                    "code": .string, "plan_id": .string, "days": .integer, "redeemed_by": .string.nullable,
                    "redeemed_at": .time.nullable, "created_at": .time,
                ]), "total": .integer, "page": .integer, "pages": .integer,
        ]

        static let topUp: Schema = [
            "amount": .exactNumber(
                PaymentTerms.amounts.lowerBound.wholeUnits...PaymentTerms.amounts.upperBound.wholeUnits,
                digits: Currency.usDollar.minorUnitDigits)
        ]
        static let begun: Schema = ["ok": .boolean, "paymentUrl": .string, "orderId": .string]
        static let callbackHead: [Parameter] = [
            .header("webhook-id", .text(255)), .header("webhook-timestamp", .matching("^[0-9]{1,18}$")),
            .header("webhook-signature", .string),
        ]
        static let callback: Schema = [
            "order_id": .text(200), "status": .choice(PaymentReport.self),
            "amount": .either(.text(JSON.numberCharactersMax), .number), "currency": .text(16),
        ]
        static let payment: Schema = ["status": .choice(PaymentState.self), "amount": .number, "balance": .number]

        static let webhookRequest = Body(
            Field.webhookURL("url"),
            Field.events("events", EventType.codes).omittable(or: [EventType.codeRedeemed.rawValue]))
        static let webhook = Shape<WebhookEndpoint>([
            .ok, .member("url", \.url), .member("events", \.events), .member("enabled", \.isEnabled),
        ])
        static let newSecret = Shape<String>([.ok, .member("secret") { $0 }])
    }
}
