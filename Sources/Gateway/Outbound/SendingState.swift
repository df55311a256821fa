import HTTPCore
import TenantApp
import TenantRegistry

/// One delivery on its way.
struct Flight {
    let key: EndpointKey
    var standing: WebhookSlots.Standing
    var isSlow = false
    let delivery: ClaimedDelivery
    let incarnation: Int64
    /// Which counts it as running.
    let tenant: TenantQueue
    let startedAt: Int64
    let at: Timestamp
}

/// A delivery that leaves now.
struct Start: Sendable {
    let flight: UInt64
    let delivery: ClaimedDelivery
    let address: WebAddress?
    let at: Timestamp
    /// What is known of its endpoint.
    let standing: WebhookSlots.Standing
}

/// What follows from a change of the state, to be done outside its lock.
struct Advance: Sendable {
    var starts: [Start] = []
    /// Tenants whose files are to be read for slots that were taken.
    var toRead: Set<TenantID> = []
    /// Somebody waits whom only the node's bound keeps waiting.
    var isShort = false
    /// When an endpoint's own limit lets the next call leave.
    var parkedUntil = Int64.max
}

/// Now, and who may be sent to now.
struct Moment: Sendable {
    /// Milliseconds of the clock that never goes back.
    let now: Int64
    let wall: Timestamp
    let fleet: Fleet

    /// Whether anything may leave, by what memory knows; the file was asked when it was read.
    func maySend(_ record: TenantRecord, resellerID: Int64) -> Bool {
        guard case .open = record.access(at: wall) else { return false }
        return fleet.roster.reseller(resellerID, of: record.id)?.projection.state != .terminated
    }
}

/// What `/metrics` says of the sender.
struct SendingFigures: Sendable {
    let inFlight: [(String, Int)]
    let ahead: Int
    let endpoints: Int
    let oldestSeconds: [(String, Int64)]
}

/// What the sender has in memory: who has something to send, what was read of it, what is on its way. Behind the
/// sender's lock.
struct SendingState {
    var slots: WebhookSlots
    var tenants: [TenantID: TenantQueue] = [:]
    var flights: [UInt64: Flight] = [:]
    /// In the order they started, for those that take long.
    var watched = Deque<(flight: UInt64, startedAt: Int64)>()
    private var lastFlight: UInt64 = 0
    /// Deliveries that were read and have not left.
    var ahead = 0
    /// When a tenant is to be stepped by the clock.
    var timers: [TenantID: Int64] = [:]
    var sweptAt: Int64 = 0
    var isStopping = false

    init(slots: WebhookSlots) { self.slots = slots }

    /// When the tenant's next job is to run; nil where there is nothing for it.
    func nextJob(of tenant: TenantQueue) -> Int64? {
        var time = Int64.max
        if !tenant.ended.isEmpty {
            let isFull = tenant.ended.count >= WebhookSender.gatheredMax || isStopping
            time = isFull ? 0 : tenant.endedSince + WebhookSender.gatherMilliseconds
        }
        if !isStopping {
            // With what ended, which brought it.
            if !tenant.recovered.isEmpty { time = min(time, tenant.endedSince + WebhookSender.gatherMilliseconds) }
            if tenant.wantsLook { time = min(time, tenant.looksFrom) }
            if tenant.reserved > 0 { time = 0 }
        }
        return time == .max ? nil : max(time, tenant.jobsFrom)
    }

    // MARK: Slots

    /// Gives slots to those whose turn it is, as long as there are some: a delivery that was read starts, or one is to
    /// be read.
    mutating func advance(_ moment: Moment) -> Advance {
        var result = Advance()
        if isStopping { return result }
        while let (key, standing) = slots.next(now: moment.now) {
            if let tenant = tenants[key.tenant], let queue = tenant.endpoints[key.endpoint] {
                give(standing, to: key, tenant, queue, moment, &result)
            } else {
                slots.unwant(key)
                slots.release(key, standing)
            }
        }
        result.isShort = slots.isShort
        result.parkedUntil = slots.parkedUntil
        return result
    }

    private mutating func give(
        _ standing: WebhookSlots.Standing, to key: EndpointKey, _ tenant: TenantQueue, _ queue: EndpointQueue,
        _ moment: Moment, _ result: inout Advance
    ) {
        let isHere = moment.fleet.maySend(for: key.tenant)
        let maySend = isHere && moment.maySend(tenant.record, resellerID: queue.endpoint.resellerID)
        if let first = queue.ahead.first,
            !maySend || moment.now - first.readAt > WebhookSender.aheadMilliseconds
                || first.changes != tenant.record.webhookChanges
        {
            ahead -= queue.dropAhead()
        }
        if !maySend { queue.isDue = false }
        if !isHere {
            // The rows say what is left to send, once they may be read again.
            tenant.wantsLook = true
            tenant.jobsFrom = moment.now + WebhookSender.pauseAfterFailureMilliseconds
            result.toRead.insert(key.tenant)
        }
        if let read = queue.popFirst() {
            ahead -= 1
            tenant.running += 1
            result.starts.append(start(read, of: key, tenant, queue, standing, moment))
        } else if queue.isDue {
            queue.reserve(standing)
            tenant.reserved += 1
            result.toRead.insert(key.tenant)
        } else {
            slots.unwant(key)
            slots.release(key, standing)
        }
        if !queue.hasMore { slots.unwant(key) }
        drop(queue, of: tenant)
    }

    private mutating func start(
        _ read: ReadDelivery, of key: EndpointKey, _ tenant: TenantQueue, _ queue: EndpointQueue,
        _ standing: WebhookSlots.Standing, _ moment: Moment
    ) -> Start {
        lastFlight += 1
        flights[lastFlight] = Flight(
            key: key, standing: standing, delivery: read.delivery, incarnation: read.incarnation, tenant: tenant,
            startedAt: moment.now, at: moment.wall)
        watched.append((lastFlight, moment.now))
        return Start(
            flight: lastFlight, delivery: read.delivery, address: queue.address(of: read.delivery), at: moment.wall,
            standing: standing)
    }

    /// A flight has ended: its slot is free, and what came of it waits to be recorded.
    mutating func finish(_ flight: Flight, _ attempt: AttemptResult, now: Int64) {
        let tenant = tenants[flight.key.tenant]
        let url = tenant?.endpoints[flight.key.endpoint]?.endpoint.url
        let isElsewhere = url.map { $0 != flight.delivery.url } ?? false
        let says: Bool? =
            isElsewhere || attempt.outcome == .interrupted ? nil : attempt.outcome == .delivered
        let recovers = slots.finish(
            flight.key, flight.standing, isSlow: flight.isSlow, succeeded: says,
            milliseconds: now - flight.startedAt, now: now)
        flight.tenant.running -= 1
        guard let tenant else { return }
        if recovers { tenant.recovered.insert(flight.key.endpoint) }
        if tenant.ended.isEmpty { tenant.endedSince = now }
        tenant.ended.append(
            EndedDelivery(endpoint: flight.key.endpoint, result: attempt, incarnation: flight.incarnation))
    }

    /// Counts those that have taken long as failing. True where there were any.
    mutating func watchSlow(now: Int64) -> Bool {
        var found = false
        while let (id, startedAt) = watched.first, now - startedAt >= WebhookSlots.slowMilliseconds {
            _ = watched.popFirst()
            guard var flight = flights[id] else { continue }
            flight.standing = slots.slow(flight.key, flight.standing)
            flight.isSlow = true
            flights[id] = flight
            found = true
        }
        return found
    }

    // MARK: A tenant's jobs

    /// Endpoints that have something due get in line.
    mutating func take(_ found: [DueEndpoint], of id: TenantID, _ moment: Moment) {
        guard let tenant = tenants[id] else { return }
        for endpoint in found {
            let key = EndpointKey(tenant: id, endpoint: endpoint.id)
            if let known = tenant.endpoints[endpoint.id] {
                if known.endpoint.url != endpoint.url { slots.beginAnew(key) }
                ahead -= known.update(endpoint)
            } else {
                tenant.endpoints[endpoint.id] = EndpointQueue(endpoint)
            }
            slots.want(
                key, concurrency: endpoint.concurrency, perSecond: endpoint.maxPerSecond,
                failures: endpoint.failuresInRow, now: moment.now)
        }
        tenant.looksFrom = moment.now + Int64(found.count / WebhookSender.endpointsPerMillisecond)
    }

    /// What is to be read now: for slots that were taken, then ahead for endpoints that answer.
    func orders(of id: TenantID) -> [WebhookSender.Order] {
        guard let tenant = tenants[id], !isStopping else { return [] }
        var left = WebhookSender.readMax
        var counts: [Int64: Int] = [:]
        for (endpoint, queue) in tenant.endpoints where left > 0 && !queue.reserved.isEmpty {
            let count = min(queue.reserved.count, left)
            counts[endpoint] = count
            left -= count
        }
        var room = max(0, WebhookSender.aheadMax - ahead)
        for (endpoint, queue) in tenant.endpoints where left > 0 && room > 0 && queue.isDue {
            let most = slots.aheadMax(
                EndpointKey(tenant: id, endpoint: endpoint), perSlot: WebhookSender.aheadPerSlot)
            // Half of it gone is worth a look.
            guard queue.ahead.count * 2 <= most else { continue }
            let count = min(most - queue.ahead.count, room, left)
            counts[endpoint, default: 0] += count
            left -= count
            room -= count
        }
        return counts.compactMap { endpoint, limit in
            guard limit > 0, let queue = tenant.endpoints[endpoint] else { return nil }
            return WebhookSender.Order(
                endpoint: endpoint, underWay: queue.underWay, limit: limit, generation: queue.generation,
                changes: tenant.record.webhookChanges)
        }
    }

    /// Results are in the file: their deliveries may be read again when they are due.
    mutating func settle(_ ended: [EndedDelivery], of id: TenantID) {
        guard let tenant = tenants[id] else { return }
        for one in ended {
            guard let queue = tenant.endpoints[one.endpoint] else { continue }
            queue.underWay.remove(one.result.deliveryID)
            drop(queue, of: tenant)
        }
    }

    /// What was read waits for slots, those first that were taken for it.
    mutating func take(_ reading: WebhookSender.Reading, of id: TenantID, now: Int64) {
        let order = reading.order
        guard let tenant = tenants[id], let queue = tenant.endpoints[order.endpoint] else { return }
        if reading.deliveries.count < order.limit { queue.isDue = false }
        if queue.generation == order.generation {
            for delivery in reading.deliveries {
                queue.append(
                    ReadDelivery(
                        delivery: delivery, readAt: now, changes: order.changes, incarnation: reading.incarnation))
            }
            ahead += reading.deliveries.count
        } else {
            queue.isDue = true
        }
        let key = EndpointKey(tenant: id, endpoint: order.endpoint)
        let reserved = queue.takeReserved()
        tenant.reserved -= reserved.count
        if !queue.hasMore { slots.unwant(key) }
        for standing in reserved { slots.release(key, standing) }
        drop(queue, of: tenant)
    }

    private func drop(_ queue: EndpointQueue, of tenant: TenantQueue) {
        if queue.isIdle { tenant.endpoints[queue.endpoint.id] = nil }
    }

    /// The tenant is no more, or another node's.
    mutating func forget(_ id: TenantID) {
        guard let tenant = tenants.removeValue(forKey: id) else { return }
        timers[id] = nil
        for queue in tenant.endpoints.values {
            let key = EndpointKey(tenant: id, endpoint: queue.endpoint.id)
            ahead -= queue.dropAhead()
            slots.unwant(key)
            for standing in queue.takeReserved() { slots.release(key, standing) }
        }
    }

    // MARK: For metrics

    /// Since when the oldest has been due that has not been answered, by what is known of its endpoint; without those
    /// that their own limit holds back.
    var oldestDue: [WebhookSlots.Standing: Int64] {
        var oldest: [WebhookSlots.Standing: Int64] = [:]
        for (id, tenant) in tenants {
            for (endpoint, queue) in tenant.endpoints {
                let key = EndpointKey(tenant: id, endpoint: endpoint)
                if slots.isParked(key) { continue }
                let standing = slots.standing(key)
                oldest[standing] = min(oldest[standing] ?? .max, queue.endpoint.nextAt.milliseconds)
            }
        }
        return oldest
    }
}
