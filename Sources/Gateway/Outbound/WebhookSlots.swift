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
/// never the last quarter. Within a share tenants take turns, then the endpoints of a tenant, and a tenant has at most
/// half of what the others leave. So neither one endpoint nor one tenant nor thousands that hang hold up one that
/// answers.
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
    private static let keptMax = 65_536

    private struct Stand {
        var concurrency: Int
        var window = 1
        var failures: Int
        var isProven = false
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
    package private(set) var running = 0

    package init(nodeMax: Int) { self.nodeMax = nodeMax }

    // MARK: What there is to send

    /// The endpoint has something to send. `failures` in a row, as its file has them.
    package mutating func want(_ key: EndpointKey, concurrency: Int, failures: Int, now: Int64) {
        var stand = stands[key] ?? Stand(concurrency: concurrency, failures: failures)
        stand.concurrency = concurrency
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

    /// It has nothing to send any more.
    package mutating func unwant(_ key: EndpointKey) { stands[key]?.isWanted = false }

    /// How many of its deliveries may be read ahead: none of an endpoint that does not answer.
    package func aheadMax(_ key: EndpointKey, perSlot: Int) -> Int {
        guard let stand = stands[key], stand.standing == .proven else { return 0 }
        return min(stand.window, stand.concurrency) * perSlot
    }

    private mutating func queue(_ key: EndpointKey) {
        guard let stand = stands[key], stand.isWanted, !stand.isQueued, stand.hasRoom else { return }
        stands[key]?.isQueued = true
        let place = stand.standing.rawValue
        if lines[place].endpoints[key.tenant] == nil { lines[place].tenants.append(key.tenant) }
        lines[place].endpoints[key.tenant, default: Deque()].append(key.endpoint)
    }

    // MARK: Slots

    /// Takes a slot for the endpoint whose turn it is; nil where none may send. The standing is what the slot counts
    /// as: hand it to whatever ends it.
    package mutating func next() -> (key: EndpointKey, standing: Standing)? {
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

    /// A call ended. `succeeded`: 2xx or not; nil where it says nothing of the endpoint. Returns whether it was the
    /// first 2xx after `failuresMax` failures or more.
    @discardableResult
    package mutating func finish(
        _ key: EndpointKey, _ standing: Standing, isSlow: Bool, succeeded: Bool?, milliseconds: Int64, now: Int64
    ) -> Bool {
        giveBack(key, standing)
        guard var stand = stands[key] else { return false }
        let recovers = succeeded == true && stand.failures >= Self.failuresMax
        if isSlow { stand.slow -= 1 }
        stand.usedAt = now
        switch succeeded {
        case true:
            stand.failures = 0
            stand.hangs = false
            stand.isProven = true
            stand.window = min(stand.window + 1, max(stand.concurrency, 1))
        case false:
            stand.failures += 1
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
            stand.running > 0 || stand.isWanted || stand.isQueued
                || !isFull && now - stand.usedAt < Self.keptMilliseconds
        }
    }

    // MARK: For metrics

    package func standing(_ key: EndpointKey) -> Standing { stands[key]?.standing ?? .unproven }
    package func running(_ standing: Standing) -> Int { lines[standing.rawValue].running }
    package var waiting: Int { stands.values.count { $0.isWanted } }
}
