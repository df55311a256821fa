import CallKit
import HTTPCore
import TenantRegistry

/// End customers who redeemed codes, and their subscriptions (O11).
extension OperatorAdmin {
    static let subscribers: [Route] = [
        Route(
            .get, "/subscribers", "List end customers with their subscriptions", access: .administrator,
            parameters: .page(.mode, .query("email", .email)), gives: .list(Schemas.subscriber)
        ) { call in
            let query = try call.query()
            let page = try Paging(call)
            let book = try query.mode(or: call.book)
            let email = try query.email("email")
            return .read { tenant in
                let rows =
                    if let email {
                        try tenant.subscriber(email: email, book: book).map { [$0] } ?? []
                    } else {
                        try tenant.subscribers(book: book, after: page.after, limit: page.fetch)
                    }
                let shown = rows.map { Schemas.SubscriberNow(subscriber: $0, at: tenant.now) }
                return page.answer(shown, id: \.subscriber.id, Schemas.subscriber, in: tenant.currency)
            }
        },
        Route(
            .get, "/subscribers/{id}", "Read an end customer", access: .administrator, gives: .read(Schemas.subscriber)
        ) { call in
            .read { tenant in
                let subscriber = try tenant.knownSubscriber(call.parameters[0])
                let shown = Schemas.SubscriberNow(subscriber: subscriber, at: tenant.now)
                return .json(Schemas.subscriber, shown, in: tenant.currency)
            }
        },
        Route(
            .post, "/subscribers/{id}/password-reset", "Make a link by which an end customer sets a new password",
            access: .administrator, idempotency: .accepted, gives: .made(PersonBodies.reset)
        ) { call in
            .write { tenant, detail in
                let subscriber = try tenant.knownSubscriber(call.parameters[0])
                let link = SubscriberLink(to: subscriber, in: tenant)
                detail.note("subscriber", subscriber.publicID)
                return .shownOnce(201) { json, isShown in
                    let url = isShown ? SubscriberPasswordPages.url(link, below: call.baseURL) : nil
                    let reset = PersonBodies.Reset(url: url, expiresAt: link.expiresAt)
                    PersonBodies.reset.write(reset, in: tenant.currency, to: &json)
                }
            }
        },
        Route(
            .get, "/subscribers/{id}/redemptions", "List what an end customer redeemed", access: .administrator,
            parameters: .page(), gives: .list(Schemas.redemption)
        ) { call in
            let page = try Paging(call)
            return .read { tenant in
                let subscriber = try tenant.knownSubscriber(call.parameters[0])
                let rows = try tenant.redemptions(of: subscriber.id, before: page.before, limit: page.fetch)
                return page.answer(rows, id: \.id, Schemas.redemption, in: tenant.currency)
            }
        },
    ]
}
