import CallKit
import HTTPCore
import TenantRegistry

/// What happens by itself, and what needs the operator.
extension OperatorAdmin {
    static let due: [Route] = [
        Route(
            .get, "/due", "List what falls due next, soonest first", access: .administrator,
            parameters: .page(
                .query("kind", .one(of: DueKind.allCases.map(\.name))), .until, Schemas.reseller),
            gives: .list(Schemas.dueItem), refuses: [404]
        ) { call in
            let query = try call.query()
            let list = DueList(
                kind: try query.dueKind("kind"), until: try query.time("until") ?? .latest,
                limit: try Paging.limit(query), seal: try CursorSeal(call))
            let place = try list.open(query["cursor"])
            let reseller = try query.id("reseller")
            return .read { tenant in
                try list.answer(tenant, behind: place, of: tenant.resellerID(filter: reseller))
            }
        },
        Route(
            .get, "/attention", "List what needs the operator", access: .administrator,
            gives: .read(Schemas.attention)
        ) { _ in
            .read { tenant in
                try .json(
                    Schemas.attention, AttentionSources.all.compactMap { try $0.line(tenant) }, in: tenant.currency)
            }
        },
        Route(
            .post, "/outbound/resume", "Release what has waited since the tenant was restored", access: .administrator,
            takes: Schemas.outboundResume.schema, gives: .done(Schemas.outboundResumed)
        ) { call in
            let release = ReleaseOutbound(keepsDeliveries: try call.read(Schemas.outboundResume) == .keep)
            return .flow { steps in
                var count = 0
                while true {
                    let (isDone, released) = try await steps.write { tenant, detail in
                        var released = 0
                        let isDone = try release.step(tenant, &detail, released: &released)
                        return (isDone, released)
                    }
                    count += released
                    if isDone { return .answer(.json { $0.field("deliveries", count) }) }
                }
            }
        },
    ]
}

/// The list of what comes next, over all kinds. A value.
private struct DueList: Sendable {
    let kind: DueKind?
    let until: Timestamp
    let limit: Int
    let seal: CursorSeal

    /// What was shown last: items are in the order of time, kind and id.
    struct Place: Sendable {
        let at: Timestamp
        let kind: Int
        let id: Int64
    }

    func open(_ cursor: String?) throws -> Place? {
        guard let cursor else { return nil }
        let bytes = try seal.open(cursor)
        guard let at = bytes.place(0), let kind = bytes.place(1), let id = bytes.place(2) else {
            throw Refusal.badQuery(.unknownCursor)
        }
        return Place(at: Timestamp(milliseconds: at), kind: Int(kind), id: id)
    }

    func answer(_ tenant: TenantReader, behind place: Place?, of resellerID: Int64?) throws -> Answer {
        var items: [DueItem] = []
        for work in DueWorks.all where kind == nil || work.kind == kind {
            let page = DuePage(
                after: after(place, work.kind), until: until, resellerID: resellerID, limit: limit + 1)
            items += try work.coming(tenant, page)
        }
        items.sort { ($0.at, $0.kind.rawValue, $0.id) < ($1.at, $1.kind.rawValue, $1.id) }
        return Paging.answer(Array(items.prefix(limit + 1)), limit: limit) { item in
            seal.seal([UInt8](places: item.at.milliseconds, Int64(item.kind.rawValue), item.id))
        } write: { item, json in
            OperatorAdmin.Schemas.dueItem.write(item, in: tenant.currency, to: &json)
        }
    }

    /// Where a kind goes on: those before the shown one's have been shown for its instant, those behind it have not.
    private func after(_ place: Place?, _ kind: DueKind) -> (at: Timestamp, id: Int64) {
        guard let place else { return (.earliest, .min) }
        if kind.rawValue == place.kind { return (place.at, place.id) }
        return (place.at, kind.rawValue < place.kind ? .max : .min)
    }
}

extension Query {
    fileprivate func dueKind(_ name: String) throws(Refusal) -> DueKind? {
        guard let text = self[name] else { return nil }
        guard let kind = DueKind.allCases.first(where: { $0.name == text }) else {
            let allowed = DueKind.allCases.map(\.name).joined(separator: ", ")
            throw .field("/\(name)", "choice", "must be one of \(allowed)")
        }
        return kind
    }
}

extension OperatorAdmin.Schemas {
    enum HeldDeliveries: String, CaseIterable, Sendable {
        case send, keep
    }
    static let outboundResume = Body(Field.choice("deliveries", HeldDeliveries.self).or(.send)).omittable
    static let outboundResumed: Schema = ["deliveries": .integer]

    static let dueItem = Shape<DueItem>(
        "DueItem",
        [
            .member("kind", as: .one(of: DueKind.allCases.map(\.name)), \.kind.name), .member("at", \.at),
            .member("object", \.object), .member("reseller", \.resellerPublicID), .member("mode", \.book),
            .member("amount", \.amount), .currency("currency"), .member("tries", \.tries),
        ])

    private static let attentionItem = Shape<AttentionItem>([
        .member("object", \.object), .member("since", \.at), .member("reseller", \.reseller), .member("note", \.note),
    ])
    private static let attentionLine = Shape<AttentionLine>(
        "AttentionLine",
        [
            .member("kind", \.kind), .member("count", \.count),
            .member("is_more") { $0.count >= AttentionSource.countMax }, .member("link", \.link),
            .list("items", attentionItem, \.items),
        ])
    static let attention = Shape<[AttentionLine]>([.list("data", attentionLine) { $0 }])
}
