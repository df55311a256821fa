import CallKit
import HTTPCore
import TenantRegistry

/// Events of all resellers (H4).
extension OperatorAdmin {
    static let events: [Route] = [
        Route(
            .get, "/events", "Read the events of all resellers, oldest first", access: .administrator,
            parameters: EventFeed.parameters + [.mode, Schemas.reseller],
            gives: .read([
                "data": .array(of: ["reseller": .string, "mode": .book] + EventFeed.element),
                "has_more": .boolean, "next_cursor": .string,
            ]), refuses: [404]
        ) { call in
            let query = try call.query()
            let feed = try EventFeed(call, types: EventType.allCases)
            let book = try query.mode(or: call.book)
            let reseller = try query.id("reseller")
            return feed.work(call) { tenant in
                let page = try feed.page(tenant, resellerID: try tenant.resellerID(filter: reseller), book: book)
                let answer = Answer.json { json in
                    json.array("data") { json in
                        for event in page.events {
                            json.object { json in
                                json.field("reseller", event.resellerPublicID)
                                json.field("mode", book.name)
                                event.write(to: &json)
                            }
                        }
                    }
                    json.field("has_more", page.hasMore)
                    json.field("next_cursor", page.cursor)
                }
                return (page, answer)
            }
        }
    ]
}
