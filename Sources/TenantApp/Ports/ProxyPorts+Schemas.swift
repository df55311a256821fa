import CallKit
import HTTPCore
import TenantRegistry

/// What proxy ports' bodies look like: said in the description, read and written in the files beside. Amounts in
/// answers are numbers, times milliseconds.
extension ProxyPorts {
    enum Schemas {
        static let id = Schema.id(100)

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
            Field.text("name", 1...100), Field.scopes("scopes", ProxyPorts.scopes).or(ProxyPorts.scopes.bits),
            Field.mode("mode").or(.live)
        ).map { MintOwnKey.Request(name: $0, scopes: $1, book: $2, expiresAt: nil) }
        static let ended = Shape<Int>([.member("ended") { $0 }])
        static let balance = Shape<Balances>([
            .number("balance", \.balance), .number("creditLimit", \.creditLimit), .number("available", \.available),
            .currency("currency"), .member("standing", \.standing),
            .number("lowBalanceThreshold", orNull: \.lowBalanceThreshold),
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
            "fixedPrice": price.optional, "multiplier": multiplier.optional,
            "portPricing": Schema.change(newLevel).optional,
            "trafficPricing": Schema.change(newLevel).optional,
        ])
        private static let level: Schema = [
            "marginPercent": .number.nullable, "fixedPrice": .number.nullable, "multiplier": .number.nullable,
        ]
        static let pricebook: Schema = [
            "pricingMode": .choice(PricingMode.self), "defaultMarginPercent": .number, "fixedPrice": .number.nullable,
            "multiplier": .number.nullable, "portPricing": level, "trafficPricing": level,
            "countryOverrides": .array(of: ["countryId": .string] + level), "currency": .string,
        ]
        /// Null alone takes the override away.
        static let newOverride = Schema.change(newLevel) + ["countryId": id]
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

        static let newCustomer = Body(
            Field.email("email"), Field.text("name", 1...200).optional, Field.text("company", 1...200).optional,
            Field.integer("allocatedPortSlots", 0...slotsMax).or(0), Field.id("externalId", 128).optional)
        static let customerChange = Body.change(
            Field.bool("isActive").omittable, Field.percent("discountPercent").omittable,
            Field.integer("allocatedPortSlots", 0...slotsMax).omittable)
        static let customer = Shape<PortCustomer>(
            "Customer",
            [
                .member("_id", \.publicID), .member("email", as: .string, \.customer.email),
                .member("name", \.customer.name), .member("company", \.company),
                .member("externalId", \.customer.externalID), .member("allocatedPortSlots", \.allocatedPortSlots),
                .member("usedPortSlots", \.usedPortSlots), .number("balance", \.balance),
                .number("discountPercent", text: \.discountPercent.decimal), .member("isActive", \.isActive),
                .member("createdAt", \.customer.createdAt.milliseconds), .member("revision", \.revision),
            ])
        static let topUp = Body(
            Field.payable("amount", AmountRule.prices).unless({ $0 == .zero }, "range", "must be more than zero"),
            Field.text("description", 1...500).optional, Field.id("referenceId", 128).optional)
        struct Transferred {
            let transfer: CustomerTransfer
            let customer: PortCustomer
        }
        static let transfer = Shape<Transferred>([
            .member("_id", \.transfer.publicID), .member("customerId", \.customer.publicID),
            .number("amount", \.transfer.amount), .member("description", \.transfer.description),
            .member("referenceId", \.transfer.referenceID), .number("customerBalance", \.transfer.customerBalance),
            .number("resellerBalance", \.transfer.resellerBalance), .currency("currency"),
            .member("createdAt", \.transfer.createdAt.milliseconds),
        ])

        // Ports

        static let newPort = Body(
            Field.id("customerId", 100), Field.id("countryId", 100),
            Field.id("cityId", 100).optional, Field.id("carrierId", 100).optional,
            Field.integer("days", 1...PricePort.daysMax), Field.bool("exclusive").or(false),
            Field.bool("isPrivate").or(false)
        ).map { customerID, countryID, cityID, carrierID, days, isExclusive, isPrivate in
            var request = CreatePort.Request(customerID: customerID, countryID: countryID, days: days)
            request.cityID = cityID
            request.carrierID = carrierID
            request.isExclusive = isExclusive
            request.isPrivate = isPrivate
            return request
        }

        /// A port with the password that its file has as ciphertext.
        struct OpenPort: Sendable {
            let port: Port
            let password: String
        }
        private static let portNames: [Shape<Port>.Member] = [
            .member("_id", \.publicID), .member("displayName", \.displayName), .member("httpPort", \.httpPort),
            .member("socksPort", \.socksPort), .member("proxyLogin", \.login),
        ]
        private static let portPlace: [Shape<Port>.Member] = [
            .member("serverIp", \.serverIP), .member("expiresAt", \.expiresAt.milliseconds),
        ]
        private static let portTerms: [Shape<Port>.Member] = [
            .member("customerId", \.customerPublicID), .member("countryId", \.countryPublicID),
            .member("cityId", \.city), .member("carrierId", \.carrier), .member("exclusive", \.isExclusive),
            .member("isPrivate", \.isPrivate), .member("status", \.state),
            .member("createdAt", \.createdAt.milliseconds), .member("revision", \.revision),
        ]
        private static let portMembers: [Shape<OpenPort>.Member] = [
            .part(portNames, \.port), .member("proxyPassword", \.password), .part(portPlace, \.port),
        ]
        private static let portDetails: [Shape<OpenPort>.Member] = portMembers + [.part(portTerms, \.port)]
        struct Charged: Sendable {
            let cost: Money
            let price: Money
            let margin: Money
        }
        private static let pricing = Shape<Charged>([
            .number("costToReseller", \.cost), .number("resellerPrice", \.price), .number("margin", \.margin),
        ])
        /// What events show: a port without its password.
        static let toldPort = Shape<Port>(
            portNames + portPlace + portTerms + [
                .object("pricing", pricing) { Charged(cost: $0.cost, price: $0.resellerPrice, margin: $0.margin) }
            ])
        struct PricedPort: Sendable {
            let open: OpenPort
            let pricing: Charged
        }
        static let madePort = Shape<PricedPort>([
            .object("port", Shape(portMembers), \.open), .object("pricing", pricing, \.pricing),
        ])
        static let renewal = Body(Field.integer("days", 1...PricePort.daysMax))
        static let rotatedPort = Shape<OpenPort>([.object("port", portMembers)])
        static let readPort = Shape<PricedPort>([
            .object("port", Shape(portDetails), \.open), .object("pricing", pricing, \.pricing),
        ])
        static let listedPort = Shape<PricedPort>([
            .part(portDetails, \.open), .object("pricing", pricing, \.pricing),
        ])
    }
}
