package import CallKit
import HTTPCore

/// What the catalogue says of each type of event: one entry each, of which every API's description is made (H7).
extension EventType {
    /// For people, in a line.
    private var summary: String {
        switch self {
        case .orderCreated: "An order was placed"
        case .orderCompleted: "A pending order was carried out; each of its services tells of itself"
        case .orderRejected: "A pending order was rejected; its hold was given back, and its services have ended"
        case .orderRefunded: "Something of an order was paid back to the balance"
        case .serviceActivated: "A service is active from now on; those of instant products from their order on"
        case .serviceRenewing: "A service will renew in three days"
        case .serviceRenewed: "A service was renewed, and its term was charged"
        case .servicePastDue: "The balance did not cover a renewal; it is tried again each day"
        case .serviceSuspended: "A service was suspended"
        case .serviceResumed: "A suspended service is active again"
        case .serviceCancelled: "A service has ended"
        case .serviceRepriced: "A service costs another price from its next term on"
        case .serviceUpdated:
            """
            Something else of a service has changed: its end was set or taken back, what it owed was paid, or a day \
            had no hour to charge
            """
        case .resellerSuspended: "Your account was suspended"
        case .balanceLow: "Your balance went below your threshold"
        case .portCreated: "A port was bought"
        case .portExpired: "A port's time was up; its slot is free"
        case .portRotated: "A port moved to another device"
        case .portRenewed: "A port has a later end"
        case .customerQuotaExceeded: "A port was refused: the customer has used all of its slots"
        case .codeRedeemed: "A code was redeemed"
        case .webhookEndpointDisabled: "An endpoint of yours is sent nothing more"
        case .webhookTest: "You asked for a test"
        }
    }

    /// What it says beside the object: the members that `emit`'s `extra` writes.
    private var extra: Schema? {
        switch self {
        case .orderRefunded: ["amount": .decimal, "refund": WholesaleOrders.Schemas.refund.schema]
        case .serviceRenewing: ["amount": .decimal, "is_covered": .boolean]
        case .serviceRenewed, .servicePastDue: ["amount": .decimal]
        case .serviceSuspended: ["amount": .decimal.omittable]
        case .serviceCancelled: ["reason": .string.optional]
        case .serviceRepriced: ["old_price": .decimal, "new_price": .decimal]
        case .balanceLow: ["balance": .decimal]
        case .webhookTest: ["test": .boolean]
        default: nil
        }
    }

    /// Members of an example that follow from the type.
    private var known: [String: JSON] {
        switch self {
        case .orderRejected:
            [
                "state": .string("rejected"), "ready_units": .int(0), "rejected_units": .int(1),
                "reason": .string("sold out"),
            ]
        case .orderCreated, .orderCompleted: ["state": .string("completed")]
        case .orderRefunded:
            [
                "state": .string("completed"),
                "refund": .object([
                    JSONMember(name: "id", value: .string("rfd_01m8h17qdd2xhrgmrsp4pgejzn")),
                    JSONMember(name: "amount", value: .string("5.00")),
                    JSONMember(name: "currency", value: .string("EUR")),
                    JSONMember(name: "reason", value: .string("the server was down for a week")),
                    JSONMember(name: "service_id", value: .null), JSONMember(name: "period", value: .null),
                    JSONMember(name: "refunded_at", value: .string("2026-03-22T10:30:00.000Z")),
                ]),
            ]
        case .servicePastDue: ["status": .string("past_due")]
        case .serviceSuspended, .resellerSuspended: ["status": .string("suspended")]
        case .serviceCancelled:
            [
                "status": .string("cancelled"), "renews_at": .null, "ends_at": .string("2026-03-22T10:30:00.000Z"),
                "reason": .null,
            ]
        case .portExpired: ["status": .string("expired")]
        case .webhookEndpointDisabled: ["state": .string("disabled"), "enabled": .bool(false)]
        case .webhookTest: ["state": .string("active"), "disabled_reason": .null, "disabled_at": .null]
        default: ["status": .string("active")]
        }
    }

    private static let exampleMembers: [String: JSON] = [
        "product": .string("vps-s"), "plan_id": .string("1month"), "term": .string("monthly"),
        "customer_external_id": .string("c-1"), "name": .string("A name"), "company": .string("A company"),
        "email": .string("ada@example.com"), "redeemed_by": .string("ada@example.com"), "currency": .string("EUR"),
        "url": .string("https://example.com/hook"), "displayName": .string("psx_a1b2c3_d4e5f6"),
        "proxyLogin": .string("user1a2b3c"), "serverIp": .string("203.0.113.7"), "httpPort": .int(10_001),
        "socksPort": .int(10_002), "days": .int(30), "ends_at": .null,
        "renews_at": .string("2026-04-22T10:30:00.000Z"), "rejected_units": .int(0), "reason": .null,
        "events": .array([.string("order.created")]),
        "order_id": .string("ord_01m8h17qdchwxpk82kca0rs9sc"), "customerId": .string("cus_01m8h17v381r39ed2nfw0zcby8"),
        "countryId": .string("germany_id"), "cityId": .null, "carrierId": .null, "externalId": .string("CRM-12345"),
        "code": .string("3f1c0a9be27d4c58a6b1d2e3f4051627"),
        "createdAt": .number(JSONNumber(1_774_175_400_000)), "expiresAt": .number(JSONNumber(1_776_767_400_000)),
    ]

    /// Its entry, where it is of such an object. `id`: how a public id of it begins.
    package func described<Object: EventObject>(of _: Object.Type, id: String) -> DescribedEvent {
        let name = JSON.string("\(id)_01m8h17qdd2xhrgmrsp4pgejzn")
        let data = extra.map { Object.told.schema.and($0) } ?? Object.told.schema
        return DescribedEvent(
            type: rawValue, summary: summary, data: data,
            known: Self.exampleMembers.merging(known) { _, own in own }.merging(["id": name, "_id": name]) { $1 })
    }
}
