import CallKit
import HTTPCore
import TenantRegistry

/// What a reseller has at a glance, and how many units of each product it holds (W6, U3).
extension WholesaleOrders {
    static let glances: [Route] = [
        Route(
            .get, "/overview", "Read what you have, what you spend and what is coming",
            access: .reseller(.partnerRead), parameters: [.mode], gives: .read(glance)
        ) { call in
            let book = try call.readBook()
            return .read { tenant in
                guard let reseller = try tenant.reseller(id: call.resellerID) else { throw Refusal.unknownCredential }
                let overview = try tenant.overview(of: reseller, book: book)
                let limit = KeyBodies.LimitNow(of: reseller, call)
                return .json(glance, Glance(overview: overview, limit: limit), in: tenant.currency)
            }
        },
        Route(
            .get, "/limit", "Read how much is left of the limit that all of your keys share",
            access: .reseller(.partnerRead), gives: .read(KeyBodies.limitNow)
        ) { call in
            .read { tenant in
                guard let reseller = try tenant.reseller(id: call.resellerID) else { throw Refusal.unknownCredential }
                return .json(KeyBodies.limitNow, KeyBodies.LimitNow(of: reseller, call), in: tenant.currency)
            }
        },
        Route(
            .get, "/holdings", "List how many units you hold of each product", access: .reseller(.partnerRead),
            parameters: .page(.mode), gives: .list(holding)
        ) { call in
            let (page, book) = (try Paging(call), try call.readBook())
            return .read { tenant in
                let rows = try tenant.heldUnits(
                    resellerID: call.resellerID, book: book, after: page.after, limit: page.fetch)
                return page.answer(rows, id: \.productID, holding, in: tenant.currency)
            }
        },
    ]

    private struct Glance: Sendable {
        let overview: Overview
        /// What all of its keys share, of both books.
        let limit: KeyBodies.LimitNow
    }

    private static let glance = Shape<Glance>(
        "Overview", [.part(overview, \.overview), .object("rate_limit", KeyBodies.limitNow, \.limit)])

    private static let overview: [Shape<Overview>.Member] =
        [
            .object("services", [ServiceState.pending, .active, .pastDue, .suspended].map(count)),
            .object(
                "renewals",
                [
                    .member("until", \.renewals.until), .member("count", \.renewals.count),
                    .member("amount", \.renewals.amount),
                ]),
            .member("spent", \.spent), .member("days_left", \.daysLeft), .currency("currency"),
            .list("days", day, \.days),
            .object(
                "steps",
                [
                    .member("has_key", \.steps.hasKey), .member("has_webhook", \.steps.hasWebhook),
                    .member("has_test_order", \.steps.hasTestOrder), .member("has_order", \.steps.hasOrder),
                ]),
        ]

    /// Of this state, counted up to `Overview.countMax`.
    private static func count(_ state: ServiceState) -> Shape<Overview>.Member {
        let name: StaticString =
            switch state {
            case .pending: "pending"
            case .active: "active"
            case .pastDue: "past_due"
            case .suspended: "suspended"
            case .cancelled: "cancelled"
            }
        return .member(name) { $0.services[state] ?? 0 }
    }

    private static let day = Shape<Overview.Day>([
        .member("day") { ReportPeriod.day.text(of: $0.day) },
        .member("spent") { Money(micros: $0.total.spent) }, .member("balance") { Money(micros: $0.total.balance) },
    ])

    private static let holding = Shape<HeldUnits>(
        "Holding",
        [.member("product", \.sku), .member("held", \.units), .member("max_quantity", \.maxQuantity)])
}
