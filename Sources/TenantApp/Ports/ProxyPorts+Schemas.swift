import CallKit
import HTTPCore
import TenantRegistry

/// What proxy ports' bodies look like: said in the description, read and written in the files beside. Amounts in answers
/// are numbers, times milliseconds.
extension ProxyPorts {
    enum Schemas {
        static let id = Schema.text(100)

        static func list<Value>(_ name: String, _ element: Shape<Value>) -> Success { list(name, element.schema) }

        static func list(_ name: String, _ element: Schema) -> Success {
            .read(
                Schema(dictionaryLiteral: (name, .array(of: element)))
                    + ["hasMore": .boolean, "nextCursor": .string.nullable])
        }

        // Accounts

        static let session = Shape<SignIn.Session>([
            .member("access_token", \.token), .member("token_type") { _ in "Bearer" },
            .member("expires_in") { _ in SessionTerms.seconds },
        ])
        static let newKey = Body(
            Field.text("name", 1...100), Field.scopes("scopes", ProxyPorts.scopes).or(ProxyPorts.scopes),
            Field.mode("mode").or(.live))
        private static let keyMembers: [Shape<APIKey>.Member] = [
            .member("_id", \.publicID), .member("name", \.name), .member("prefix", \.display.prefix),
            .member("scopes", \.scopes.names), .member("mode", \.book),
            .member("createdAt", \.createdAt.milliseconds), .member("revokedAt", \.revokedAt?.milliseconds),
        ]
        static let key = Shape<APIKey>("Key", keyMembers)
        struct MintedKey {
            let key: APIKey
            let secret: String?
        }
        static let mintedKey = Shape<MintedKey>([
            .omittable("key", \.secret), .alreadyShown, .part(keyMembers, \.key),
        ])
        static let balance = Shape<Balances>([
            .number("balance", \.balance), .number("creditLimit", \.creditLimit), .number("available", \.available),
            .currency("currency"),
        ])

        // The price book

        private static let markUp = Schema.exact(0...MarkUp.percentMax, digits: Percent.fractionDigits)
        private static let price = Schema.amount(AmountRule.prices)
        private static let multiplier = Schema.exact(0...Multiplier.most, digits: Multiplier.fractionDigits)

        private static let newLevel: Schema = [
            "marginPercent": markUp.optional, "fixedPrice": price.optional, "multiplier": multiplier.optional,
        ]
        static let pricebookChange = Schema.change([
            "pricingMode": .choice(PricingMode.self).omittable, "defaultMarginPercent": markUp.omittable,
            "fixedPrice": price.optional, "multiplier": multiplier.optional, "portPricing": newLevel.optional,
            "trafficPricing": newLevel.optional,
        ])
        private static let level: Schema = [
            "marginPercent": .number.nullable, "fixedPrice": .number.nullable, "multiplier": .number.nullable,
        ]
        static let pricebook: Schema = [
            "pricingMode": .choice(PricingMode.self), "defaultMarginPercent": .number, "fixedPrice": .number.nullable,
            "multiplier": .number.nullable, "portPricing": level, "trafficPricing": level,
            "countryOverrides": .array(of: ["countryId": .string] + level), "currency": .string,
        ]
        static let newOverride = (["countryId": id] + newLevel).needingOne(
            of: ["marginPercent", "fixedPrice", "multiplier"])
        static let override = ["countryId": .string] + level

        /// Of ports the days count, of traffic the gigabytes. Without a base price the country has to be known.
        static let calculation = Schema.either(
            ["type": .one(of: [PricedThing.port.rawValue]).optional, "days": .integer(1...PricePort.daysMax).optional]
                + priced,
            [
                "type": .one(of: [PricedThing.traffic.rawValue]),
                "gigabytes": .integer(1...PricePort.gigabytesMax).optional,
            ] + priced)
        private static let priced: Schema = [
            "basePrice": price.optional, "countryId": id.optional, "customerId": id.optional,
        ]
        static let calculated: Schema = [
            "basePrice": .number, "resellerPrice": .number, "marginAmount": .number, "marginPercent": .number,
            "appliedRules": .array(of: .string),
        ]
        static let country: Schema = [
            "_id": .string, "name": .string.nullable, "basePrice": .number, "currency": .string,
        ]

        // Customers

        static let newCustomer: Schema = [
            "email": .email, "name": .text(200).optional, "company": .text(200).optional,
            "allocatedPortSlots": .integer(0...slotsMax).optional, "externalId": .text(128).optional,
        ]
        static let customerChange = Schema.change([
            "isActive": .boolean.omittable, "discountPercent": .percent.omittable,
            "allocatedPortSlots": .integer(0...slotsMax).omittable,
        ])
        static let customer = Schema.named(
            "Customer",
            [
                "_id": .string, "email": .string, "name": .string.nullable, "company": .string.nullable,
                "externalId": .string.nullable, "allocatedPortSlots": .integer, "usedPortSlots": .integer,
                "balance": .number, "discountPercent": .number, "isActive": .boolean, "createdAt": .milliseconds,
            ])
        /// More than nothing, in the currency's digits.
        static let topUp: Schema = [
            "amount": .amount(AmountRule.prices, digits: Currency.usDollar.minorUnitDigits),
            "description": .text(500).optional, "referenceId": .text(128).optional,
        ]
        static let transfer: Schema = [
            "_id": .string, "customerId": .string, "amount": .number, "description": .string.nullable,
            "referenceId": .string.nullable, "customerBalance": .number, "resellerBalance": .number,
            "currency": .string, "createdAt": .milliseconds,
        ]

        // Ports

        static let newPort: Schema = [
            "customerId": id, "countryId": id, "cityId": id.optional, "carrierId": id.optional,
            "days": .integer(1...PricePort.daysMax), "exclusive": .boolean.optional, "isPrivate": .boolean.optional,
        ]
        private static let portMembers: Schema = [
            "_id": .string, "displayName": .string, "httpPort": .integer, "socksPort": .integer,
            "proxyLogin": .string, "proxyPassword": .string, "serverIp": .string, "expiresAt": .milliseconds,
        ]
        private static let portDetails: Schema =
            portMembers + [
                "customerId": .string, "countryId": .string, "cityId": .string.nullable, "carrierId": .string.nullable,
                "exclusive": .boolean, "isPrivate": .boolean, "status": .choice(PortState.self),
                "createdAt": .milliseconds,
            ]
        private static let pricing: Schema = [
            "costToReseller": .number, "resellerPrice": .number, "margin": .number,
        ]
        static let madePort: Schema = ["port": portMembers, "pricing": pricing]
        static let rotatedPort: Schema = ["port": portMembers]
        static let readPort: Schema = ["port": portDetails, "pricing": pricing]
        static let listedPort = portDetails + ["pricing": pricing]

        // Webhooks

        static let newWebhook = Body(
            Field.text("name", 1...100), Field.webhookURL("url"), Field.events("events", EventType.ports))
        private static let webhookMembers: [Shape<NamedWebhookEndpoint>.Member] = [
            .member("_id", \.publicID), .member("name", as: .string.nullable, \.name), .member("url", \.url),
            .member("events", \.events), .member("isActive", \.isEnabled),
            .member("createdAt", \.createdAt.milliseconds),
        ]
        struct MadeWebhook {
            let endpoint: NamedWebhookEndpoint
            let secret: String?
        }
        static let madeWebhook = Shape<MadeWebhook>([
            .part(webhookMembers, \.endpoint), .omittable("secret", \.secret), .alreadyShown,
        ])
        static let webhooks = Shape<[NamedWebhookEndpoint]>([.list("webhooks", Shape(webhookMembers)) { $0 }])
        static let removedWebhook = Shape<NamedWebhookEndpoint>([
            .member("_id", \.publicID), .member("deleted") { _ in true },
        ])
        struct SentTest {
            let event: String
            let delivery: String
        }
        static let testSent = Shape<SentTest>([
            .member("eventId", \.event), .member("deliveryId", \.delivery),
            .member("type", as: .string) { _ in EventType.webhookTest },
            .member("status") { _ in DeliveryState.pending },
        ])
    }
}
