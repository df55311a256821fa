package import TenantRegistry

/// An endpoint among those of all tenants.
package struct EndpointKey: Hashable, Sendable {
    package let tenant: TenantID
    package let endpoint: Int64

    package init(tenant: TenantID, endpoint: Int64) {
        self.tenant = tenant
        self.endpoint = endpoint
    }
}

/// Which endpoint may send next, and how many of its deliveries at once (H5). Knows nothing of what is sent.
///
/// An endpoint begins with one slot and gets one more by each 2xx, up to its concurrency; after `failuresMax` failures
/// in a row it has one until the next 2xx. The node's slots are shared by what is known of an endpoint: those that
/// answer may use all, those of which nothing is known a quarter, those that fail or hang a half, and both together
/// never the last quarter. An endpoint with a limit of its own gets as many calls as it has for a second at once, and
/// then one after the other; in between it is parked, in no line. Within a share tenants take turns, then the endpoints
/// of a tenant, and a tenant has at most half of what the others leave. So neither one endpoint nor one tenant nor
/// thousands that hang hold up one that answers.
///
/// A value; one thread at a time.
package struct WebhookSlots {
    package enum Standing: Int, CaseIterable, Sendable {
        /// Its last answer was 2xx.
        case proven
        /// Nothing is known of it, or it has failed less than `failuresMax` times in a row.
        case unproven
        /// It fails, or lets calls hang.
        case failing
    }

    package static let failuresMax = 5
    /// A call that takes longer is taken for one that hangs, until it ends.
    package static let slowMilliseconds: Int64 = 1_000
    /// What is known of an endpoint that sends nothing is forgotten after so long.
    private static let keptMilliseconds: Int64 = 600_000
    /// One that fails and answers by turns recovers so often at the most.
    private static let recoveryMilliseconds: Int64 = 1_000
    private static let second: Int64 = 1_000_000
    private static let keptMax = 65_536

    private struct Stand {
        var concurrency: Int
        /// Calls a second.
        var perSecond: Int?
        /// When a call would come that finds its limit unused, in microseconds (GCRA).
        var arrival: Int64 = 0
        /// It is in no line until then.
        var parkedUntil: Int64?
        var window = 1
        var failures: Int
        var isProven = false
        /// It failed since it recovered last.
        var hasFailed = false
        var recoveredAt: Int64?
        /// Its last call hung and failed.
        var hangs = false
        var running = 0
        var slow = 0
        var isWanted = false
        var isQueued = false
        var usedAt: Int64 = 0

        var standing: Standing {
            if failures >= failuresMax || hangs || slow > 0 { return .failing }
            return isProven && failures == 0 ? .proven : .unproven
        }

        var hasRoom: Bool { running < (failures >= failuresMax ? 1 : min(window, concurrency)) }

        private var spacing: Int64 { perSecond.map { second / Int64($0) } ?? 0 }

        /// Until when its limit forbids a call, in milliseconds; nil: it does not.
        func waitsUntil(_ now: Int64) -> Int64? {
            guard perSecond != nil else { return nil }
            let time = arrival - second + spacing
            return time > now * 1_000 ? (time + 999) / 1_000 : nil
        }

        mutating func spend(_ now: Int64) { arrival = max(arrival, now * 1_000) + spacing }
        mutating func giveBack() { arrival -= spacing }
    }

    /// Those of one standing that have something to send and room of their own.
    private struct Line {
        var tenants = Deque<TenantID>()
        var endpoints: [TenantID: Deque<Int64>] = [:]
        /// Tenants that have their share.
        var full: [TenantID] = []
        var running = 0
        var runningByTenant: [TenantID: Int] = [:]
    }

    private let nodeMax: Int
    private var stands: [EndpointKey: Stand] = [:]
    private var lines = Standing.allCases.map { _ in Line() }
    private var parked: Set<EndpointKey> = []
    /// When the first of those that are parked gets in line; `Int64.max` where none is. Ask for a slot then.
    package private(set) var parkedUntil = Int64.max
    package private(set) var running = 0

    package init(nodeMax: Int) { self.nodeMax = nodeMax }

    // MARK: What there is to send

    /// The endpoint has something to send. `failures` in a row, as its file has them.
    package mutating func want(
        _ key: EndpointKey, concurrency: Int, perSecond: Int? = nil, failures: Int, now: Int64
    ) {
        var stand = stands[key] ?? Stand(concurrency: concurrency, failures: failures)
        stand.concurrency = concurrency
        if stand.perSecond != perSecond {
            stand.perSecond = perSecond
            stand.parkedUntil = nil
            parked.remove(key)
        }
        stand.isWanted = true
        stand.usedAt = now
        // It was enabled again: its file knows nothing bad of it any more.
        if failures == 0, stand.running == 0, stand.failures >= Self.failuresMax {
            stand.failures = 0
            stand.hangs = false
        }
        stands[key] = stand
        queue(key)
    }

    /// It leads elsewhere now: nothing is known of what is there.
    package mutating func beginAnew(_ key: EndpointKey) {
        stands[key]?.window = 1
        stands[key]?.failures = 0
        stands[key]?.isProven = false
        stands[key]?.hangs = false
    }

    /// It has nothing to send any more.
    package mutating func unwant(_ key: EndpointKey) { stands[key]?.isWanted = false }

    /// How many of its deliveries may be read ahead: none of an endpoint that does not answer.
    package func aheadMax(_ key: EndpointKey, perSlot: Int) -> Int {
        guard let stand = stands[key], stand.standing == .proven else { return 0 }
        return min(min(stand.window, stand.concurrency) * perSlot, stand.perSecond ?? .max)
    }

    private mutating func queue(_ key: EndpointKey) {
        guard let stand = stands[key], stand.isWanted, !stand.isQueued, stand.hasRoom, stand.parkedUntil == nil else {
            return
        }
        stands[key]?.isQueued = true
        let place = stand.standing.rawValue
        if lines[place].endpoints[key.tenant] == nil { lines[place].tenants.append(key.tenant) }
        lines[place].endpoints[key.tenant, default: Deque()].append(key.endpoint)
    }

    private mutating func park(_ key: EndpointKey, until time: Int64) {
        stands[key]?.parkedUntil = time
        parked.insert(key)
        parkedUntil = min(parkedUntil, time)
    }

    /// Those whose time has come get in line.
    private mutating func unpark(_ now: Int64) {
        guard now >= parkedUntil else { return }
        let due = parked.filter { (stands[$0]?.parkedUntil ?? 0) <= now }
        parked.subtract(due)
        parkedUntil = parked.reduce(.max) { min($0, stands[$1]?.parkedUntil ?? .max) }
        for key in due {
            stands[key]?.parkedUntil = nil
            queue(key)
        }
    }

    // MARK: Slots

    /// Takes a slot for the endpoint whose turn it is; nil where none may send. The standing is what the slot counts
    /// as: hand it to whatever ends it.
    package mutating func next(now: Int64) -> (key: EndpointKey, standing: Standing)? {
        unpark(now)
        var place = 0
        while let standing = Standing(rawValue: place) {
            guard hasRoom(for: standing), let key = popFirst(standing) else {
                place += 1
                continue
            }
            stands[key]?.isQueued = false
            guard let stand = stands[key], stand.isWanted, stand.hasRoom else { continue }
            // What is known of it is another thing than when it got in line.
            guard stand.standing == standing else {
                queue(key)
                place = min(place, stand.standing.rawValue)
                continue
            }
            if let time = stand.waitsUntil(now) {
                park(key, until: time)
                continue
            }
            stands[key]?.spend(now)
            stands[key]?.running += 1
            running += 1
            count(key.tenant, in: standing, by: 1)
            queue(key)
            return (key, standing)
        }
        return nil
    }

    /// Whether somebody waits whom only the node's bound keeps waiting.
    package var isShort: Bool {
        Standing.allCases.contains { !hasRoom(for: $0) && !lines[$0.rawValue].tenants.isEmpty }
    }

    private func hasRoom(for standing: Standing) -> Bool {
        let unknownMax = max(1, nodeMax * 3 / 4)
        return switch standing {
        case .proven: running < nodeMax
        case .unproven: lines[standing.rawValue].running < max(1, nodeMax / 4) && running < unknownMax
        case .failing: lines[standing.rawValue].running < max(1, nodeMax / 2) && running < unknownMax
        }
    }

    /// Half of what the others leave, and at least one.
    private func hasRoom(_ tenant: TenantID, in standing: Standing) -> Bool {
        let line = lines[standing.rawValue]
        let mine = line.runningByTenant[tenant, default: 0]
        let whole = standing == .proven ? nodeMax : standing == .unproven ? nodeMax / 4 : nodeMax / 2
        return mine < max(1, (whole - (line.running - mine)) / 2)
    }

    private mutating func popFirst(_ standing: Standing) -> EndpointKey? {
        let place = standing.rawValue
        while let tenant = lines[place].tenants.popFirst() {
            guard hasRoom(tenant, in: standing) else {
                lines[place].full.append(tenant)
                continue
            }
            guard let endpoint = lines[place].endpoints[tenant]?.popFirst() else { continue }
            if lines[place].endpoints[tenant]?.isEmpty == true {
                lines[place].endpoints[tenant] = nil
            } else {
                lines[place].tenants.append(tenant)
            }
            return EndpointKey(tenant: tenant, endpoint: endpoint)
        }
        return nil
    }

    /// A call ended. `succeeded`: 2xx or not; nil where it says nothing of the endpoint. Returns whether the endpoint
    /// recovers: it was the first 2xx after failures, and the last recovery is `recoveryMilliseconds` ago.
    @discardableResult
    package mutating func finish(
        _ key: EndpointKey, _ standing: Standing, isSlow: Bool, succeeded: Bool?, milliseconds: Int64, now: Int64
    ) -> Bool {
        giveBack(key, standing)
        guard var stand = stands[key] else { return false }
        var recovers = false
        if isSlow { stand.slow -= 1 }
        stand.usedAt = now
        switch succeeded {
        case true:
            let isDue = stand.recoveredAt.map { now - $0 >= Self.recoveryMilliseconds } ?? true
            if isDue, stand.hasFailed || stand.failures > 0 {
                recovers = true
                stand.hasFailed = false
                stand.recoveredAt = now
            }
            stand.failures = 0
            stand.hangs = false
            stand.isProven = true
            stand.window = min(stand.window + 1, max(stand.concurrency, 1))
        case false:
            stand.failures += 1
            stand.hasFailed = true
            stand.hangs = milliseconds > Self.slowMilliseconds
            if stand.failures >= Self.failuresMax { stand.window = 1 }
            if stand.hangs { stand.window = max(1, stand.window / 2) }
        default: break
        }
        stands[key] = stand
        queue(key)
        return recovers
    }

    /// A slot was taken for nothing.
    package mutating func release(_ key: EndpointKey, _ standing: Standing) {
        giveBack(key, standing)
        stands[key]?.giveBack()
        queue(key)
    }

    /// A call has taken long already: it counts as one of a failing endpoint from now on, and makes its endpoint one.
    /// Returns what its slot counts as now.
    package mutating func slow(_ key: EndpointKey, _ standing: Standing) -> Standing {
        stands[key]?.slow += 1
        count(key.tenant, in: standing, by: -1)
        count(key.tenant, in: .failing, by: 1)
        return .failing
    }

    private mutating func giveBack(_ key: EndpointKey, _ standing: Standing) {
        running -= 1
        stands[key]?.running -= 1
        count(key.tenant, in: standing, by: -1)
    }

    private mutating func count(_ tenant: TenantID, in standing: Standing, by number: Int) {
        let place = standing.rawValue
        lines[place].running += number
        let left = lines[place].runningByTenant[tenant, default: 0] + number
        lines[place].runningByTenant[tenant] = left == 0 ? nil : left
        guard number < 0, !lines[place].full.isEmpty else { return }
        // What the others leave has grown.
        let full = lines[place].full
        lines[place].full = []
        for tenant in full { lines[place].tenants.append(tenant) }
    }

    // MARK: Memory

    /// Forgets endpoints that have sent nothing for long.
    package mutating func sweep(now: Int64) {
        let isFull = stands.count > Self.keptMax
        stands = stands.filter { _, stand in
            stand.running > 0 || stand.isWanted || stand.isQueued || stand.parkedUntil != nil
                || !isFull && now - stand.usedAt < Self.keptMilliseconds
        }
    }

    // MARK: For metrics

    /// It waits for its own limit, and for nobody else.
    package func isParked(_ key: EndpointKey) -> Bool { parked.contains(key) }
    package func standing(_ key: EndpointKey) -> Standing { stands[key]?.standing ?? .unproven }
    package func running(_ standing: Standing) -> Int { lines[standing.rawValue].running }
    package var waiting: Int { stands.values.count { $0.isWanted } }
}
