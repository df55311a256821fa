import CallKit
import TenantRegistry

/// Sends again what was sent, or came to nothing, or was held back: everything that a filter finds, in order, each
/// endpoint's by itself (H4).
///
/// A slice at a time, so that no lane is held: what a slice has requeued the sender may take while the next one runs.
/// A value.
struct ReplayDeliveries: Sendable {
    /// Of one slice.
    static let rowsMax = 250
    /// Endpoints that have nothing to be sent again are passed by, so many in a slice.
    static let endpointsMax = 50

    private let filter: DeliveryFilter
    /// When it began: all become due then, so that ids decide who is first.
    private let at: Timestamp
    private var endpoints: [Int64]
    private var merge: DeliveryMerge?
    private(set) var count = 0

    /// Where nobody said which: all but what waits already.
    static let statesDefault: Set<DeliveryState> = [.delivered, .dead, .held]

    init(_ asked: DeliveryFilter, _ tenant: TenantReader) throws {
        var filter = asked
        if filter.states.isEmpty { filter.states = Self.statesDefault }
        if filter.types.isEmpty { filter.types = Set(EventType.allCases).subtracting([.webhookTest]) }
        at = tenant.now
        // What is queued from now on is news.
        let end = at.adding(milliseconds: 1)
        filter.until = filter.until.map { min($0, end) } ?? end
        self.filter = filter
        endpoints = try tenant.receivingEndpoints(filter).reversed()
    }

    var isOver: Bool { endpoints.isEmpty && merge == nil }

    /// The next slice. `requeue`: says whether the delivery was requeued; nil only counts.
    mutating func advance(_ tenant: TenantReader, _ requeue: ((_ id: Int64, _ at: Timestamp) throws -> Bool)?) throws {
        var (rows, places) = (0, 0)
        while rows < Self.rowsMax, places < Self.endpointsMax, !isOver {
            guard var merge else {
                var filter = filter
                filter.endpointID = endpoints.removeLast()
                merge = try tenant.deliveryMerge(filter, from: .oldest, isDescending: false)
                places += 1
                continue
            }
            let wanted = Self.rowsMax - rows
            let next = try tenant.next(&merge, limit: wanted)
            for place in next { count += try requeue?(place.id, at) ?? true ? 1 : 0 }
            rows += next.count
            self.merge = next.count < wanted ? nil : merge
        }
    }

    /// All of it, in steps of a call.
    func run(_ steps: Steps, isDry: Bool) async throws -> Int {
        var replay = self
        while !replay.isOver {
            let before = replay
            if isDry {
                replay = try await steps.read { tenant in
                    var next = before
                    try next.advance(tenant, nil)
                    return next
                }
            } else {
                replay = try await steps.stage { tenant in
                    var next = before
                    try next.advance(tenant) { id, at in try tenant.replay(id, at: at) }
                    return next
                }
            }
        }
        return replay.count
    }
}
