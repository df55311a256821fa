import TenantApp
import TenantRegistry

/// A tenant's job in its lane: it records, looks and reads.
extension WebhookSender {
    /// What a job is to do.
    struct Work: Sendable {
        var ended: [EndedDelivery] = []
        var looks = false
    }

    /// Deliveries of one endpoint that are to be read.
    struct Order: Sendable {
        let endpoint: Int64
        let underWay: Set<Int64>
        let limit: Int
        let generation: Int
        let changes: Int
    }

    /// What was read for an order.
    struct Reading: Sendable {
        let order: Order
        let deliveries: [ClaimedDelivery]
        let incarnation: Int64
    }

    func submit(_ record: TenantRecord) {
        let id = record.id
        let work = state.withLock { state in
            guard let tenant = state.tenants[id] else { return Work() }
            let work = Work(ended: tenant.ended, looks: tenant.wantsLook && !state.isStopping)
            tenant.ended = []
            if work.looks { tenant.wantsLook = false }
            return work
        }
        record.lane.submit(
            LaneJob(
                writes: !work.ended.isEmpty,
                perform: { [self] (file: TenantStore) in
                    let (readings, changes) = try perform(work, in: file, id)
                    return { [self] _ in
                        for change in changes { metrics.count(change.reason) }
                        settle(work, readings, of: id)
                    }
                },
                fail: { [self] failure in failed(work, failure, of: id) }))
    }

    /// On the lane. May run twice where a batch is lost: what it takes of the slots it takes once.
    private func perform(_ work: Work, in file: TenantStore, _ id: TenantID) throws -> ([Reading], [EndpointChange]) {
        let tenant = file.transaction
        let incarnation = file.head.incarnation
        let results = work.ended.filter { $0.incarnation == incarnation }.map(\.result)
        let changes = results.isEmpty ? [] : try tenant.record(results)
        if work.looks {
            let found = try tenant.dueEndpoints(limit: Self.looksMax)
            let moment = moment
            // Turns of other tenants come up too: their files are read by jobs of their own.
            let advance = state.withLock { state in
                state.take(found, of: id, moment)
                return state.advance(moment)
            }
            send(advance)
        }
        let orders = state.withLock { $0.orders(of: id) }
        let readings = try orders.map { order in
            let read = try tenant.claim(endpoint: order.endpoint, excluding: order.underWay, limit: order.limit)
            return Reading(order: order, deliveries: read, incarnation: incarnation)
        }
        // What is due by now is here already; the scheduler keeps what is due later.
        if work.looks, let next = try tenant.nextDelivery(after: tenant.now) { tenant.noteDue(.delivery, at: next) }
        return (readings, changes)
    }

    /// Behind the commit.
    private func settle(_ work: Work, _ readings: [Reading], of id: TenantID) {
        let moment = moment
        let advance = state.withLock { state in
            state.settle(work.ended, of: id)
            for reading in readings { state.take(reading, of: id, now: moment.now) }
            state.tenants[id]?.hasJob = false
            return state.advance(moment)
        }
        send(advance)
        step(id)
    }

    /// Nothing was recorded or read. What ended stays in memory until the file takes it: a failure of ours uses up no
    /// attempt (H3).
    private func failed(_ work: Work, _ failure: LaneFailure, of id: TenantID) {
        let moment = moment
        let advance = state.withLock { state in
            if case .closed = failure {
                state.forget(id)
                return state.advance(moment)
            }
            guard let tenant = state.tenants[id] else { return Advance() }
            tenant.ended = work.ended + tenant.ended
            tenant.wantsLook = tenant.wantsLook || work.looks
            tenant.hasJob = false
            tenant.jobsFrom = moment.now + Self.pauseAfterFailureMilliseconds
            return Advance()
        }
        send(advance)
        step(id)
    }
}
