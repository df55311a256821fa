import TenantApp
import TenantRegistry

/// A tenant's job in its lane: it records, looks and reads.
extension WebhookSender {
    /// What a job is to do.
    struct LaneTask: Sendable {
        var ended: [EndedDelivery] = []
        var recovered: Set<Int64> = []
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

    /// What a job has done.
    struct Done: Sendable {
        var readings: [Reading] = []
        var changes: [EndpointChange] = []
        /// Endpoints of which more waits for its time.
        var recovering: Set<Int64> = []
    }

    func submit(_ record: TenantRecord) {
        let id = record.id
        let work = state.withLock { state in
            guard let tenant = state.tenants[id] else { return LaneTask() }
            let work = LaneTask(
                ended: tenant.ended, recovered: tenant.recovered, looks: tenant.wantsLook && !state.isStopping)
            tenant.ended = []
            tenant.recovered = []
            if work.looks { tenant.wantsLook = false }
            return work
        }
        record.lane.submit(
            LaneJob(
                writes: !work.ended.isEmpty || !work.recovered.isEmpty,
                perform: { [self] (file: TenantStore) in
                    let done = try perform(work, in: file, id)
                    return { [self] _ in settle(work, done, of: id) }
                },
                fail: { [self] failure in failed(work, failure, of: id) }))
    }

    /// On the lane. May run twice where a batch is lost: what it takes of the slots it takes once.
    private func perform(_ work: LaneTask, in file: TenantStore, _ id: TenantID) throws -> Done {
        let tenant = file.transaction
        let incarnation = file.head.incarnation
        let results = work.ended.filter { $0.incarnation == incarnation }.map(\.result)
        var done = Done()
        if !results.isEmpty { done.changes = try tenant.record(results) }
        for endpoint in work.recovered
        where try tenant.hastenDeliveries(ofEndpoint: endpoint, limit: Self.hastenedMax) == Self.hastenedMax {
            done.recovering.insert(endpoint)
        }
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
        done.readings = try orders.map { order in
            let read = try tenant.claim(endpoint: order.endpoint, excluding: order.underWay, limit: order.limit)
            return Reading(order: order, deliveries: read, incarnation: incarnation)
        }
        // What is due by now is here already; the scheduler keeps what is due later.
        if work.looks, let next = try tenant.nextDelivery(after: tenant.now) { tenant.noteDue(.delivery, at: next) }
        return done
    }

    /// Behind the commit.
    private func settle(_ work: LaneTask, _ done: Done, of id: TenantID) {
        for change in done.changes { metrics.count(change.reason) }
        let moment = moment
        let advance = state.withLock { state in
            state.settle(work.ended, of: id)
            for reading in done.readings { state.take(reading, of: id, now: moment.now) }
            state.tenants[id]?.recovered.formUnion(done.recovering)
            state.tenants[id]?.hasJob = false
            return state.advance(moment)
        }
        send(advance)
        step(id)
    }

    /// Nothing was recorded or read. What ended stays in memory until the file takes it: a failure of ours uses up no
    /// attempt (H3).
    private func failed(_ work: LaneTask, _ failure: LaneFailure, of id: TenantID) {
        let moment = moment
        let isOver =
            switch failure {
            case .closed: true
            // Whose it is now sends for itself; where it came back meanwhile it is asked again.
            case .moved: !fleet.isServedHere(id)
            default: false
            }
        let advance = state.withLock { state in
            if isOver {
                state.forget(id)
                return state.advance(moment)
            }
            guard let tenant = state.tenants[id] else { return Advance() }
            tenant.ended = work.ended + tenant.ended
            tenant.recovered.formUnion(work.recovered)
            tenant.wantsLook = tenant.wantsLook || work.looks
            tenant.hasJob = false
            tenant.jobsFrom = moment.now + Self.pauseAfterFailureMilliseconds
            return Advance()
        }
        send(advance)
        step(id)
    }
}
