package import CallKit
package import HTTPCore
import RateLimiter
package import TenantRegistry

/// The pull feed: events in the order of their commits, for those who cannot receive or who missed some (H4).
///
/// A cursor is a resting point: it stays good when nothing is new, over restarts, moves and restores, and nothing that
/// commits later is ever behind it. One lane commits a tenant's events, so their ids ascend as they commit.
package struct EventFeed: Sendable {
    /// What its routes ask for.
    package static let parameters: [Parameter] = [
        .limit, .query("after", Parameter.cursor.schema), .query("types", .matching("^[a-z_.]+(,[a-z_.]+)*$")),
        .query("wait", .integer(0...Int64(EventWaits.secondsMax))),
    ]

    /// What a page's elements look like; a surface adds what it says besides. Of every type: a reseller of several
    /// dialects has one feed.
    package static let element: Schema = [
        "id": .string, "type": .one(of: EventType.allCases.map(\.rawValue)), "timestamp": .time, "data": .object,
    ]

    private let types: Set<String>?
    private let after: EventPlace
    private let limit: Int
    /// Where there is nothing yet.
    private let waitSeconds: Int
    private let seal: CursorSeal

    /// `types`: those that the surface has.
    package init(_ call: Call, types known: [EventType]) throws(Refusal) {
        let query = try call.query()
        let seal = try CursorSeal(call, at: "after")
        self.seal = seal
        limit = try Paging.limit(query)
        waitSeconds = try query.integer("wait", in: 0...EventWaits.secondsMax) ?? 0
        types = try query["types"].map { text throws(Refusal) in
            let names = known.map(\.rawValue)
            let wanted = text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
            guard wanted.allSatisfy(names.contains) else {
                throw .field("/types", "choice", "must be names out of \(names.joined(separator: ", "))")
            }
            return Set(wanted)
        }
        after =
            try query["after"].map { text throws(Refusal) in
                let place = try seal.open(text)
                guard let id = place.place(0), let at = place.place(1) else {
                    throw .badQuery(.unknown(cursorAt: "after"))
                }
                return EventPlace(id: id, at: Timestamp(milliseconds: at))
            } ?? .beginning
    }

    package struct Slice: Sendable {
        package let events: [ToldEvent]
        /// Whether there is more behind it now. A page of few types may be short of events, or empty, and not the last.
        package let hasMore: Bool
        /// For `after`.
        package let cursor: String

        fileprivate var isAtRest: Bool { events.isEmpty && !hasMore }

        package func write(_ name: StaticString, to json: inout JSONWriter) {
            json.array(name) { json in for event in events { json.object { json in event.write(to: &json) } } }
        }
    }

    /// Answers with a page. Where that is empty and the caller waits, it is read anew as soon as there is an event of
    /// theirs, when their time is over, and when the tenant goes to another node (N4): the call follows it. Where there
    /// is no place to wait in it is refused: a caller that is answered at once with nothing asks again at once.
    func work(
        _ call: Call, _ read: @escaping @Sendable (TenantReader) throws -> (page: Slice, answer: Answer)
    ) -> Work {
        guard waitSeconds > 0 else { return .read { try read($0).answer } }
        let waits: EventWaits = call.services.shared()
        let (tenant, reseller) = (call.tenant, call.known.projection.resellerID)
        let clock = call.services.fleet.monotonic
        let (places, payer) = (call.services.fleet.budgets.eventWaits, call.payer)
        let begun = clock.nanoseconds()
        let (half, end) = (begun + UInt64(waitSeconds) * 500_000_000, begun + UInt64(waitSeconds) * 1_000_000_000)
        return .flow { steps in
            // Kept from one wait to the next, and free before the answer is on its way.
            let place = SharedRoom(places, payer)
            defer { withExtendedLifetime(place) {} }
            // The page that was empty before the last wait, and whether nothing came of that.
            var empty: Answer?
            var isOver = false
            while true {
                let seen = tenant.events.count(of: reseller)
                let (page, answer): (Slice, Answer)
                do {
                    // Whoever has waited in vain is judged once more: the key may have died meanwhile (G3). A node that
                    // may not show anything, as the nodes' log is away, shows no page of before either (N6, case 7).
                    (page, answer) = try await steps.read(read)
                } catch LaneFailure.moved {
                    // The call goes where its tenant went and waits there from the beginning, which is too long where
                    // half of its time is over: that caller asks again, and that node judges the next call.
                    guard let empty, isOver || clock.nanoseconds() >= half else { throw LaneFailure.moved }
                    return .answer(empty)
                }
                guard page.isAtRest, !isOver, clock.nanoseconds() < end else { return .answer(answer) }
                guard place.grow(to: 1) else { throw Refusal.unavailable(.eventWaitsFull) }
                empty = answer
                let hasCome: Bool = try await steps.callback { done in
                    waits.begin(for: tenant, reseller: reseller, since: seen, until: end) { done(.success($0)) }
                }
                isOver = !hasCome
            }
        }
    }

    /// `resellerID` nil: of all.
    package func page(_ tenant: TenantReader, resellerID: Int64?, book: Book) throws -> Slice {
        let (events, end, hasMore) = try tenant.events(
            EventFilter(resellerID: resellerID, book: book, types: types), after: after, limit: limit)
        return Slice(
            events: events, hasMore: hasMore, cursor: seal.seal([UInt8](places: end.id, end.at.milliseconds)))
    }
}

extension ToldEvent {
    /// Its id, and then its body's members as they were sent.
    package func write(to json: inout JSONWriter) {
        json.field("id", publicID)
        json.members(of: body)
    }
}
