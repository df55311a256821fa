import HTTPClient
import HTTPCore
import TenantApp
import TenantRegistry

/// A delivery that leaves now.
struct Start: Sendable {
    let flight: UInt64
    let delivery: ClaimedDelivery
    let url: String
    let address: WebAddress?
    let at: Timestamp
}

/// What follows from a change of the state, to be done outside its lock.
struct Advance: Sendable {
    var starts: [Start] = []
    /// Tenants whose files are to be read for slots that were taken.
    var toRead: Set<TenantID> = []
    /// Somebody waits whom only the node's bound keeps waiting.
    var isShort = false
}

extension WebhookSender.State {
    /// When the tenant's next job is to run; nil where there is nothing for it.
    func nextJob(of tenant: TenantQueue) -> Int64? {
        var time = Int64.max
        if !tenant.results.isEmpty {
            let isFull = tenant.results.count >= WebhookSender.gatheredMax || isStopping
            time = isFull ? 0 : tenant.resultsSince + WebhookSender.gatherMilliseconds
        }
        if !isStopping {
            if tenant.wantsLook { time = min(time, tenant.looksFrom) }
            if tenant.endpoints.values.contains(where: { !$0.reserved.isEmpty }) { time = 0 }
        }
        return time == .max ? nil : max(time, tenant.jobsFrom)
    }

    /// Gives slots to those whose turn it is, as long as there are some: a delivery that was read starts, or one is to
    /// be read.
    mutating func advance(now: Int64, judge: WebhookSender.Judge) -> Advance {
        var result = Advance()
        if isStopping { return result }
        while let (key, standing) = slots.next() {
            guard let tenant = tenants[key.tenant], tenant.endpoints[key.endpoint] != nil else {
                slots.unwant(key)
                slots.release(key, standing)
                continue
            }
            give(slot: standing, to: key, now: now, judge: judge, &result)
        }
        result.isShort = slots.isShort
        return result
    }

    private mutating func give(
        slot standing: WebhookSlots.Standing, to key: EndpointKey, now: Int64, judge: WebhookSender.Judge,
        _ result: inout Advance
    ) {
        guard var queue = tenants[key.tenant]?.endpoints[key.endpoint], let record = tenants[key.tenant]?.record
        else { return }
        defer { tenants[key.tenant]?.endpoints[key.endpoint] = queue }
        let mayLeave = judge(record, queue.endpoint.resellerID)
        if let first = queue.first, !mayLeave || now - first.readAt > WebhookSender.aheadMilliseconds
            || queue.epoch != record.webhookChanges {
            ahead -= queue.dropAhead()
        }
        if !mayLeave { queue.isDue = false }
        if let read = queue.popFirst() {
            ahead -= 1
            tenants[key.tenant]?.running += 1
            result.starts.append(start(read.delivery, of: key, queue, standing, now: now))
        } else if queue.isDue {
            queue.reserved.append(standing)
            result.toRead.insert(key.tenant)
        } else {
            slots.unwant(key)
            slots.release(key, standing)
        }
        if !queue.isDue, queue.first == nil { slots.unwant(key) }
    }

    private mutating func start(
        _ delivery: ClaimedDelivery, of key: EndpointKey, _ queue: EndpointQueue, _ standing: WebhookSlots.Standing,
        now: Int64
    ) -> Start {
        lastFlight += 1
        let at = wallClock.now()
        flights[lastFlight] = WebhookSender.Flight(
            key: key, standing: standing, delivery: delivery, startedAt: now, at: at)
        watched.append((lastFlight, now))
        return Start(
            flight: lastFlight, delivery: delivery, url: queue.endpoint.url, address: queue.address, at: at)
    }

    /// A flight has ended: its slot is free, and what came of it waits to be recorded.
    mutating func finish(_ flight: WebhookSender.Flight, _ attempt: AttemptResult, now: Int64) {
        let says: Bool? = attempt.outcome == .interrupted ? nil : attempt.outcome == .delivered
        slots.finish(
            flight.key, flight.standing, isSlow: flight.isSlow, succeeded: says,
            milliseconds: now - flight.startedAt, now: now)
        guard var tenant = tenants.removeValue(forKey: flight.key.tenant) else { return }
        if tenant.results.isEmpty { tenant.resultsSince = now }
        tenant.results.append(attempt)
        tenant.running -= 1
        tenants[flight.key.tenant] = tenant
    }

    /// Counts those that have taken long as failing. True where there were any.
    mutating func watchSlow(now: Int64) -> Bool {
        var found = false
        while let (id, startedAt) = watched.popFirst() {
            guard now - startedAt >= WebhookSlots.slowMilliseconds else {
                watched.prepend((id, startedAt))
                break
            }
            guard var flight = flights[id] else { continue }
            flight.standing = slots.slow(flight.key, flight.standing)
            flight.isSlow = true
            flights[id] = flight
            found = true
        }
        return found
    }
}
