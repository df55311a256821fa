import CallKit
import HTTPCore
import TenantRegistry

/// End customers who redeemed codes, and their subscriptions (O11).
extension OperatorAdmin {
    static let subscribers: [Route] = [
        Route(
            .get, "/subscribers", "List end customers with their subscriptions", access: .administrator,
            parameters: .page(.mode, .query("email")), gives: .list(Schemas.subscriber)
        ) { call in
            let query = try call.query()
            let page = try Paging(query)
            let book = try query.mode(or: call.book)
            let email = query["email"]
            return .read { tenant in
                let rows =
                    if let email {
                        try tenant.subscriber(email: email, book: book).map { [$0] } ?? []
                    } else {
                        try tenant.subscribers(book: book, after: page.after, limit: page.fetch)
                    }
                return page.answer(rows, id: \.id) { subscriber, json in encode(subscriber, tenant, &json) }
            }
        },
        Route(
            .get, "/subscribers/{id}", "Read an end customer", access: .administrator, gives: .read(Schemas.subscriber)
        ) { call in
            .read { tenant in
                let subscriber = try tenant.knownSubscriber(call.parameters[0])
                return .json { json in encode(subscriber, tenant, &json) }
            }
        },
        Route(
            .get, "/subscribers/{id}/redemptions", "List what an end customer redeemed", access: .administrator,
            parameters: .page(), gives: .list(Schemas.redemption)
        ) { call in
            let page = try Paging(try call.query())
            return .read { tenant in
                let subscriber = try tenant.knownSubscriber(call.parameters[0])
                let rows = try tenant.redemptions(of: subscriber.id, before: page.before, limit: page.fetch)
                return page.answer(rows, id: \.id) { redemption, json in
                    json.field("product", redemption.sku)
                    json.field("days", redemption.days)
                    json.field("reseller", redemption.resellerPublicID)
                    json.field("batch", redemption.batchPublicID)
                    json.field("begins_at", redemption.begins.text)
                    json.field("ends_at", redemption.ends.text)
                    json.field("redeemed_at", redemption.at.text)
                }
            }
        },
    ]

    private static func encode(_ subscriber: Subscriber, _ tenant: TenantReader, _ json: inout JSONWriter) {
        json.field("id", subscriber.publicID)
        json.field("email", subscriber.email)
        json.object("subscription") { json in
            json.field("status", (subscriber.endsAt.map { $0 > tenant.now } ?? false) ? "active" : "ended")
            json.field("ends_at", subscriber.endsAt?.text)
        }
        json.field("created_at", subscriber.createdAt.text)
    }
}
