package import CallKit
import HTTPCore
import TenantRegistry

/// What wholesale orders take and give: read, written and described from here.
extension WholesaleOrders {
    package enum Schemas {
        // MARK: Orders and services

        /// For whom an order is, as the order says it.
        private struct Buyer: Sendable {
            let externalID: String
            let email: String?
            let name: String?
        }

        static let customerEmail = Field.email("email")
        static let customerName = Field.text("name", 1...200)

        private static let buyer: Body<Buyer> = {
            let externalID = Field.id("external_id", 128)
            let email = customerEmail.optional
            let name = customerName.optional
            return Body(externalID, email, name) { fields, reading in
                let externalID = externalID.read(&fields, reading)
                let email = email.read(&fields, reading)
                let name = name.read(&fields, reading)
                guard let externalID, let email, let name else { return nil }
                return Buyer(externalID: externalID, email: email, name: name)
            }
        }()

        static let orderRequest: Body<OrderRequest> = {
            let sku = Field.id("product", FieldReader.skuCharactersMax)
            let term = Field.choice("term", Term.self)
            let quantity = Field.integer("quantity", 1...OrderRequest.quantityMax)
            let customer = Field.object("customer", buyer)
            let reference = Field.id("reference", OrderRequest.referenceCharactersMax).optional
            return Body(sku, term, quantity, customer, reference) { fields, reading in
                let sku = sku.read(&fields, reading)
                let term = term.read(&fields, reading)
                let quantity = quantity.read(&fields, reading)
                let customer = customer.read(&fields, reading)
                let reference = reference.read(&fields, reading)
                guard let sku, let term, let quantity, let customer, let reference else { return nil }
                return OrderRequest(
                    sku: sku, term: term, quantity: quantity, customerExternalID: customer.externalID,
                    customerEmail: customer.email, customerName: customer.name, reference: reference)
            }.named("OrderRequest")
        }()

        static let hourly: [Shape<HourlyPrice?>.Member] = [
            .omittable("hourly_total") { hourly -> Money? in hourly?.total },
            .omittable("first_day") { hourly -> Money? in hourly?.firstDay },
        ]
        private static let price: [Shape<OrderPrice>.Member] = [
            .member("line_total", \.line), .member("setup_total", \.setup), .member("wholesale_total", \.total),
            .part(hourly, \.hourly), .currency("currency"),
        ]

        struct NewService: Sendable {
            let id: String
            let state: ServiceState
        }
        struct Placed {
            let request: OrderRequest
            let result: PlaceOrder.Result
            let at: Timestamp

            var services: [NewService] {
                let state: ServiceState = result.state == .completed ? .active : .pending
                return result.serviceIDs.map { NewService(id: $0, state: state) }
            }
        }
        static let placed = Shape<Placed>(
            "PlacedOrder",
            [
                .object(
                    "order",
                    [
                        .member("id", \.result.orderID), .member("state", \.result.state),
                        .member("product", \.request.sku), .member("term", \.request.term),
                        .member("quantity", \.request.quantity),
                        .member("customer_external_id", \.request.customerExternalID),
                        .member("reference", \.request.reference), .member("created_at", \.at),
                    ]), .list("services", Shape([.member("id", \.id), .member("status", \.state)]), \.services),
                .part(price, \.result.price),
            ])

        struct Quoted {
            let request: OrderRequest
            let price: OrderPrice
        }
        static let quote = Shape<Quoted>(
            "Quote",
            [
                .member("product", \.request.sku), .member("term", \.request.term),
                .member("quantity", \.request.quantity), .part(price, \.price),
            ])

        private static let totals: [Shape<Order>.Member] = [
            .member("line_total", \.lineTotal), .member("setup_total", \.setupTotal),
            .member("wholesale_total", \.total), .currency("currency"),
        ]
        package static let orderMembers: [Shape<Order>.Member] = [
            .member("id", \.publicID), .member("state", \.state), .member("product", \.sku), .member("term", \.term),
            .member("quantity", \.quantity), .member("customer_external_id", as: .string, \.customerExternalID),
            .member("reference", \.reference), .part(totals, isDescribedLast: true) { $0 },
            .member("refunded", \.refunded), .member("created_at", \.createdAt),
            .member("decided_at", \.decidedAt), .member("ready_units", \.readyUnits),
            .member("rejected_units", \.rejectedUnits), .member("reason", \.reason), .member("revision", \.revision),
        ]
        static let order = Shape<Order>("Order", orderMembers)

        package static let serviceMembers: [Shape<Service>.Member] = [
            .member("id", \.publicID), .member("order_id", \.orderPublicID), .member("product", \.sku),
            .member("status", \.state), .member("term", \.term),
            .member("customer_external_id", as: .string, \.customerExternalID), .member("created_at", \.createdAt),
            .member("activated_at", \.activatedAt), .member("renews_at", \.renewsAt), .member("ends_at", \.endsAt),
            .member("period", \.period), .member("term_price", \.nextPrice), .member("discount_rate", \.rate),
            .member("past_due_since", \.pastDueSince), .member("suspended_by", \.suspendedBy),
            .member("revision", \.revision),
        ]
        static let service = Shape<Service>("Service", serviceMembers)

        /// With what only its own GET shows: no list, no event has it (O10).
        package struct WholeService: Sendable {
            package let service: Service
            /// Nil where no provisioner makes it.
            package let provisioning: ProvisioningState.Shown?
            package let details: ServiceDetails?
        }
        package static let detailMembers: [Shape<WholeService>.Member] = [
            .member("provisioning_state", \.provisioning), .member("details", \.details),
        ]
        static let serviceWithDetails = Shape<WholeService>(
            "ServiceWithDetails", [.part(serviceMembers, \.service)] + detailMembers)

        package struct WholeOrder: Sendable {
            package let order: Order
            package let services: [Service]
            /// The newest ones.
            package let refunds: [Refund]
            /// Nil for terms that are paid in advance.
            package let hourly: HourlyPrice?
        }
        package static let refundMembers: [Shape<Refund>.Member] = [
            .member("id", \.publicID), .member("amount", \.amount), .currency("currency"), .member("reason", \.reason),
            .member("service_id", \.servicePublicID), .member("period", \.period), .member("refunded_at", \.at),
        ]
        package static let refund = Shape<Refund>("Refund", refundMembers)
        static let orderWithServices = Shape<WholeOrder>([
            .part(orderMembers, \.order), .part(hourly, \.hourly), .list("services", service, \.services),
            .list("refunds", refund, \.refunds),
        ])

        // MARK: Catalogue, customers, balance

        struct TermPrice: Sendable {
            let wholesale: Money
            /// What one unit costs: rounded as one line is; an hourly price exactly, since it accrues.
            let net: Money?
        }
        private static let termPrice = Shape<TermPrice>([
            .member("wholesale", \.wholesale), .member("net", \.net),
        ])
        static let product = Shape<OfferedProduct>(
            "Product",
            [
                .member("product", \.row.sku), .member("name", \.row.name), .member("fulfilment", \.row.fulfilment),
                // Of the terms that are priced.
                .map("terms", termPrice, \.terms), .member("setup_fee") { $0.row.price.setupFee ?? .zero },
                .member("discount_rate", \.rate), .member("max_quantity", \.row.price.maxQuantity),
                .currency("currency"),
            ])

        package static let customerMembers: [Shape<Customer>.Member] = [
            .member("id", \.publicID), .member("external_id", \.externalID), .member("email", \.email),
            .member("name", \.name), .member("created_at", \.createdAt),
        ]
        static let customer = Shape<Customer>("Customer", customerMembers)

        static let posting = Shape<StatedPosting>(
            "Posting", [.member("posting", \.publicID), .part(OperatorAdmin.Schemas.postingMembers, \.posting)])
        static let balance = Shape<Balances>(
            "Balance",
            [
                .member("balance", \.balance), .member("held", \.held), .member("credit_limit", \.creditLimit),
                .member("available", \.available), .currency("currency"), .member("standing", \.standing),
            ])

        // MARK: Accounts

        static let applied = Shape<Reseller>([
            .member("id", \.publicID), .member("status", \.state), .member("email", \.email),
        ])

        static let newKey = Body(
            Field.text("name", 1...100).optional,
            Field.scopes("scopes", WholesaleOrders.scopes).or(WholesaleOrders.scopes.bits),
            Field.mode("mode").or(.live), Field.expiry("expires_at").optional
        ).map { MintOwnKey.Request(name: $0, scopes: $1, book: $2, expiresAt: $3) }.omittable

        static let webhookRequest = Body(Field.webhookURL("url"), Field.events("events", EventType.wholesale))
            .map { url, events in SetDefaultWebhook(url: url, events: events) }
        static let webhookSecret = Shape<WebhookBodies.Rotated>([
            .ok, .omittable("webhook_secret", \.secret), .alreadyShown,
            .member("previous_valid_until", \.previousValidUntil),
        ])
    }
}
