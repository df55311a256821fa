import CallKit
import HTTPCore
import TenantRegistry

/// What wholesale orders' bodies look like: said in the description, read and written in the files beside.
extension WholesaleOrders {
    enum Schemas {
        static let orderRequest = Schema.named(
            "OrderRequest",
            [
                "product": .text(FieldReader.skuCharactersMax), "term": .choice(Term.self),
                "quantity": .integer(1...OrderRequest.quantityMax),
                "customer": [
                    "external_id": .text(128), "email": .email.optional, "name": .text(200).optional,
                ],
            ])

        private static let price: Schema = [
            "line_total": .decimal, "setup_total": .decimal, "wholesale_total": .decimal, "currency": .string,
        ]

        static let placed = Schema.named(
            "PlacedOrder",
            [
                "order": [
                    "id": .string, "state": .choice(OrderState.self), "product": .string, "term": .choice(Term.self),
                    "quantity": .integer, "customer_external_id": .string, "created_at": .time,
                ],
                "services": .array(of: ["id": .string, "status": .choice(ServiceState.self)]),
            ] + price)

        static let quote = Schema.named(
            "Quote", ["product": .string, "term": .choice(Term.self), "quantity": .integer] + price)

        static let orderMembers: Schema =
            [
                "id": .string, "state": .choice(OrderState.self), "product": .string, "term": .choice(Term.self),
                "quantity": .integer, "customer_external_id": .string, "created_at": .time,
                "decided_at": .time.nullable,
            ] + price
        static let order = Schema.named("Order", orderMembers)

        static let serviceMembers: Schema = [
            "id": .string, "order_id": .string, "product": .string, "status": .choice(ServiceState.self),
            "term": .choice(Term.self), "customer_external_id": .string, "created_at": .time,
            "activated_at": .time.nullable, "renews_at": .time.nullable, "ends_at": .time.nullable,
        ]
        static let service = Schema.named("Service", serviceMembers)
        static let orderWithServices = orderMembers + ["services": .array(of: service)]

        private static let termPrice: Schema = ["wholesale": .decimal, "net": .decimal.nullable]
        static let product = Schema.named(
            "Product",
            [
                "product": .string, "name": .string, "fulfilment": .choice(Fulfilment.self),
                // Of the terms that are priced.
                "terms": .map(of: termPrice), "setup_fee": .decimal, "discount_rate": .decimal,
                "max_quantity": .integer.nullable, "currency": .string,
            ])

        static let customerMembers: Schema = [
            "id": .string, "external_id": .string.nullable, "email": .string.nullable, "name": .string.nullable,
            "created_at": .time,
        ]
        static let customer = Schema.named("Customer", customerMembers)

        static let balance = Schema.named(
            "Balance",
            [
                "balance": .decimal, "held": .decimal, "credit_limit": .decimal, "available": .decimal,
                "currency": .string,
            ])

        static let application: Schema =
            ["email": .email, "name": .text(200), "company": .text(200).optional, "password": .newPassword]
        static let applied: Schema = ["id": .string, "status": .resellerState, "email": .string]

        static let newKey: Schema = [
            "name": .text(100).optional, "scopes": .scopes(WholesaleOrders.scopes).optional,
            "mode": .book.optional, "expires_at": .time.optional,
        ]

        static let webhookRequest: Schema = ["url": .webhookURL, "events": .events(EventType.wholesale)]
        static let webhook = Schema.named(
            "Webhook", ["id": .string, "url": .string, "events": .array(of: .string), "enabled": .boolean])
        static let webhookSecret: Schema = ["ok": .boolean, "webhook_secret": .string]
    }
}
