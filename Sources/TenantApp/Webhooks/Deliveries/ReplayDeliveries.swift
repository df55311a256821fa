import CallKit
import Synchronization
import TenantRegistry

/// Sends again what was sent, or came to nothing, or was held back: everything that a filter finds, in order, each
/// endpoint's by itself (H4).
///
/// A slice at a time, so that no lane is held: what a slice has requeued the sender may take while the next one runs.
/// A value.
struct ReplayDeliveries: Sendable {
    /// Of one slice.
    static let rowsMax = 150
    /// Endpoints that have nothing to be sent again are passed by, so many in a slice.
    static let endpointsMax = 50

    private let filter: DeliveryFilter
    /// When it began: all become due then, so that ids decide who is first.
    private let at: Timestamp
    private var endpoints: [Int64]
    private var current: (endpoint: Int64, merge: DeliveryMerge)?
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

    var isOver: Bool { endpoints.isEmpty && current == nil }

    /// The next slice. `requeue`: says whether the delivery was requeued; nil only counts.
    mutating func advance(_ tenant: TenantReader, _ requeue: ((_ id: Int64, _ at: Timestamp) throws -> Bool)?) throws {
        var (rows, places) = (0, 0)
        while rows < Self.rowsMax, places < Self.endpointsMax, !isOver {
            guard let (endpoint, known) = current else {
                var filter = filter
                let endpoint = endpoints.removeLast()
                filter.endpointID = endpoint
                current = (endpoint, try tenant.deliveryMerge(filter, from: .oldest, isDescending: false))
                places += 1
                continue
            }
            // It may have been paused or removed since the last slice.
            guard try tenant.webhookEndpoint(id: endpoint)?.isActive ?? false else {
                current = nil
                continue
            }
            var merge = known
            let wanted = Self.rowsMax - rows
            let next = try tenant.next(&merge, limit: wanted)
            for place in next { count += try requeue?(place.id, at) ?? true ? 1 : 0 }
            rows += next.count
            current = next.count < wanted ? nil : (endpoint, merge)
        }
    }

    /// Counts all of it, in steps of a call.
    func count(_ steps: Steps) async throws -> Int {
        var replay = self
        while !replay.isOver {
            let before = replay
            replay = try await steps.read { tenant in
                var next = before
                try next.advance(tenant, nil)
                return next
            }
        }
        return replay.count
    }

    /// Sends all of it, in steps of a call. `id`: of the replay's row, which says how far it is meanwhile.
    func send(_ steps: Steps, as id: Int64) async throws -> Int {
        var replay = self
        while !replay.isOver {
            let before = replay
            replay = try await steps.stage { tenant in
                var next = before
                try next.advance(tenant) { delivery, at in try tenant.replay(delivery, at: at, of: id) }
                try tenant.addToReplay(id, next.count - before.count)
                tenant.store.backlogChanges()
                return next
            }
        }
        return replay.count
    }
}

/// Replays under way: one of each reseller at a time, and one of the operator's, since each takes turns in the lane for
/// as long as it lasts. Any thread.
final class RunningReplays: ProcessState {
    private struct Caller: Hashable {
        let tenant: TenantID
        let reseller: Int64
    }

    fileprivate struct Row: Hashable {
        let tenant: TenantID
        let id: Int64
    }

    /// A replay is under way for as long as somebody has its mark.
    final class Mark: Sendable {
        private let running: RunningReplays
        private let row: Row

        fileprivate init(_ row: Row, _ running: RunningReplays) {
            self.row = row
            self.running = running
            running.rows.withLock { $0[row, default: 0] += 1 }
        }

        deinit {
            running.rows.withLock { rows in
                let left = (rows[row] ?? 1) - 1
                rows[row] = left == 0 ? nil : left
            }
        }
    }

    private let callers = Mutex<Set<Caller>>([])
    /// With how many marks: what is written may be written twice.
    private let rows = Mutex<[Row: Int]>([:])

    init() {}

    /// Whether this node sends the replay of that row, whoever asked for it.
    func isUnderWay(_ id: Int64, of tenant: TenantID) -> Bool {
        rows.withLock { $0[Row(tenant: tenant, id: id)] != nil }
    }

    func mark(_ id: Int64, of tenant: TenantID) -> Mark { Mark(Row(tenant: tenant, id: id), self) }

    /// `reseller`: 0 for operators. Throws where one is under way.
    func run<Value: Sendable>(
        of tenant: TenantID, reseller: Int64, _ body: @Sendable () async throws -> Value
    ) async throws -> Value {
        let caller = Caller(tenant: tenant, reseller: reseller)
        guard callers.withLock({ $0.insert(caller).inserted }) else { throw Refusal.crowded(.replayUnderWay) }
        defer { callers.withLock { _ = $0.remove(caller) } }
        return try await body()
    }
}
