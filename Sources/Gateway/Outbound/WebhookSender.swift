import CallKit
import HTTPClient
import HTTPCore
import RateLimiter
import Synchronization
import TenantApp
import TenantRegistry

/// Sends webhooks (H3, H5): asks the files of those who have something due, hands it to the caller as slots get free,
/// and records what came of it.
///
/// What is due stands in the files, what is on its way in memory alone: a node that ends begins again where the rows
/// are. A tenant has one job in its lane at a time, which records what ended, looks for endpoints with something due,
/// and reads their deliveries. So nothing is read twice.
///
/// Any thread: `state` is behind its lock, which is held for moments. `wake` comes from lanes and the scheduler,
/// `ended` and `tick` from the caller's thread, the rest from lanes.
final class WebhookSender: OutboundWork, Sendable {
    let kind = DueKind.delivery

    /// Results are batched per tenant, up to this time or count.
    static let gatherMilliseconds: Int64 = 20
    static let gatheredMax = 64
    /// Deliveries that are read ahead for each slot of an endpoint that answers.
    static let aheadPerSlot = 32
    /// Of all endpoints together.
    static let aheadMax = 8_192
    /// One that was read waits no longer: its endpoint may be another by then.
    static let aheadMilliseconds: Int64 = 1_000
    /// In one job, so that it holds its lane for no longer than others wait for theirs.
    static let readMax = 256
    static let looksMax = 4_096
    /// Of an endpoint that answers again, in one job.
    static let hastenedMax = 500
    /// The next look waits a millisecond for so many endpoints that the last one found.
    static let endpointsPerMillisecond = 50
    static let pauseAfterFailureMilliseconds: Int64 = 1_000
    /// On a stop, for those on their way, and then for the files.
    private static let stopMilliseconds = 1_000
    private static let recordMilliseconds = 5_000
    private static let sweepMilliseconds: Int64 = 60_000

    let fleet: Fleet
    let metrics = WebhookMetrics()
    let state: Mutex<SendingState>
    private let allowsPrivateAddresses: Bool
    private let caller: WebhookCaller

    init(
        fleet: Fleet, allowsPrivateAddresses: Bool, nameServers: [NameServer], authorities: String?
    ) throws {
        self.fleet = fleet
        self.allowsPrivateAddresses = allowsPrivateAddresses
        let nodeMax = fleet.budgets.figures[.webhooksNode]
        state = Mutex(SendingState(slots: WebhookSlots(nodeMax: nodeMax)))
        caller = try WebhookCaller(callsMax: nodeMax, nameServers: nameServers, authorities: authorities)
        caller.start { [weak self] now in self?.tick(now) ?? .max }
    }

    // MARK: Waking

    func wake(_ record: TenantRecord) {
        state.withLock { state in
            if state.isStopping { return }
            let tenant = state.tenants[record.id] ?? TenantQueue(record)
            tenant.wantsLook = true
            state.tenants[record.id] = tenant
        }
        step(record.id)
    }

    /// Has the tenant's lane do what there is for it, now or when its time comes.
    func step(_ id: TenantID) {
        let now = WebhookCaller.monotonic()
        let (record, timer): (TenantRecord?, Int64?) = state.withLock { state in
            guard let tenant = state.tenants[id], !tenant.hasJob else { return (nil, nil) }
            guard let time = state.nextJob(of: tenant) else {
                if tenant.isIdle { state.tenants[id] = nil }
                return (nil, nil)
            }
            guard time <= now else {
                state.timers[id] = min(time, state.timers[id] ?? .max)
                return (nil, time)
            }
            tenant.hasJob = true
            return (tenant.record, nil)
        }
        if let timer { caller.tick(by: timer) }
        if let record { submit(record) }
    }

    /// On the caller's thread, when a timer has run out or calls may have become slow. Says when the next one is.
    private func tick(_ now: Int64) -> Int64 {
        let moment = moment
        let (due, advance, next) = state.withLock { state in
            let due = state.timers.filter { $0.value <= now }.map(\.key)
            for id in due { state.timers[id] = nil }
            if now - state.sweptAt >= Self.sweepMilliseconds {
                state.sweptAt = now
                state.slots.sweep(now: now)
            }
            // What counts as slow has given its share to others.
            let advances = state.watchSlow(now: now) || state.slots.parkedUntil <= now
            let advance = advances ? state.advance(moment) : Advance()
            let slow = state.watched.isEmpty ? Int64.max : now + WebhookSlots.slowMilliseconds / 10
            let parked: Int64 = state.isStopping ? .max : state.slots.parkedUntil
            return (due, advance, min(state.timers.values.min() ?? .max, slow, parked))
        }
        send(advance)
        for id in due { step(id) }
        return min(next, now + Self.sweepMilliseconds)
    }

    // MARK: Sending

    /// Starts what may go out now, and has the files of those asked whose turn it is.
    func send(_ advance: Advance) {
        var next: Advance? = advance
        while let advance = next {
            next = nil
            if advance.isShort { fleet.budgets.spent.count(.webhooksNode) }
            if advance.parkedUntil < .max { caller.tick(by: advance.parkedUntil) }
            var calls: [(WebhookCall, WebhookCaller.Then)] = []
            var unsent: [(UInt64, WebhookResult)] = []
            for start in advance.starts {
                if start.delivery.tries == 0 { metrics.firstAttempt(of: start.delivery, at: start.at) }
                if let call = call(start) {
                    calls.append((call, { [self] in send(ended([(start.flight, $0)])) }))
                } else {
                    let ending: WebhookResult.Ending = start.address == nil ? .unreadable : .addressRefused
                    unsent.append((start.flight, WebhookResult(ending, milliseconds: 0)))
                }
            }
            caller.send(calls)
            for id in advance.toRead { step(id) }
            if !unsent.isEmpty { next = ended(unsent) }
        }
    }

    private func call(_ start: Start) -> WebhookCall? {
        call(
            start.delivery, to: start.delivery.url, start.address, at: start.at, reuses: start.standing == .proven,
            keeps: start.standing != .failing)
    }

    private func call(
        _ delivery: ClaimedDelivery, to url: String, _ address: WebAddress?, at now: Timestamp, reuses: Bool,
        keeps: Bool
    ) -> WebhookCall? {
        guard let address,
            let rule = OutboundRule.rule(isPlain: address.isPlain, allowsPrivateAddresses: allowsPrivateAddresses)
        else { return nil }
        let headers = WebhookSignature.headers(
            id: delivery.eventPublicID, at: now, secrets: delivery.secrets, body: delivery.body)
        return WebhookCall(
            address: address, url: url, headers: headers.map { "\($0.name): \($0.value)" }, body: delivery.body,
            addressRule: rule, reuses: reuses, keeps: keeps)
    }

    /// What somebody who waits asks of the network: sent once, beside the slots, and in no statistics (H4).
    var probe: WebhookProbe {
        WebhookProbe(
            send: { [weak self] url, delivery, then in
                guard let self else { return false }
                let now = fleet.clock.now()
                let address = WebAddress(parsing: url)
                let done: WebhookCaller.Then = { then(AttemptResult(delivery, at: now, $0)) }
                if let call = call(delivery, to: url, address, at: now, reuses: false, keeps: false) {
                    caller.send([(call, done)])
                } else {
                    done(WebhookResult(address == nil ? .unreadable : .addressRefused, milliseconds: 0))
                }
                return true
            },
            resolve: { [weak self] name, then in
                guard let self else { return then(nil) }
                caller.find(name, then: then)
            })
    }

    /// What follows when these have ended. On the caller's thread, or where calls could not be made.
    private func ended(_ results: [(flight: UInt64, result: WebhookResult)]) -> Advance {
        let moment = moment
        let (ended, advance) = state.withLock { state in
            var ended: [(delivery: ClaimedDelivery, outcome: AttemptOutcome, tenant: TenantID)] = []
            for (id, result) in results {
                guard let flight = state.flights.removeValue(forKey: id) else { continue }
                let attempt = AttemptResult(flight.delivery, at: flight.at, result)
                state.finish(flight, attempt, now: moment.now)
                ended.append((flight.delivery, attempt.outcome, flight.key.tenant))
            }
            return (ended, state.advance(moment))
        }
        for one in ended {
            metrics.count(one.outcome)
            if one.outcome == .delivered { metrics.delivered(one.delivery, at: moment.wall) }
        }
        for tenant in Set(ended.map(\.tenant)) { step(tenant) }
        return advance
    }

    var moment: Moment { Moment(now: WebhookCaller.monotonic(), wall: fleet.clock.now(), fleet: fleet) }

    // MARK: For metrics

    var figures: SendingFigures {
        let now = fleet.clock.now()
        return state.withLock { state in
            let oldest = state.oldestDue
            return SendingFigures(
                inFlight: WebhookSlots.Standing.allCases.map { ("\($0)", state.slots.running($0)) },
                ahead: state.ahead, endpoints: state.slots.waiting,
                oldestSeconds: WebhookSlots.Standing.allCases.map { standing in
                    ("\(standing)", max(0, now.milliseconds - (oldest[standing] ?? now.milliseconds)) / 1_000)
                })
        }
    }

    // MARK: Stopping

    /// No more is begun; those on their way have a moment, then they are given up; what came of all is recorded.
    /// Blocks.
    func stop() {
        state.withLock { $0.isStopping = true }
        wait(milliseconds: Self.stopMilliseconds) { $0.flights.isEmpty }
        caller.close()
        let tenants = state.withLock { Array($0.tenants.keys) }
        for id in tenants { step(id) }
        wait(milliseconds: Self.recordMilliseconds) {
            $0.tenants.values.allSatisfy { $0.ended.isEmpty && !$0.hasJob }
        }
    }

    private func wait(milliseconds: Int, until isDone: (borrowing SendingState) -> Bool) {
        for _ in 0..<milliseconds / 5 {
            if state.withLock({ isDone($0) }) { return }
            pause(milliseconds: 5)
        }
    }
}

extension AttemptResult {
    init(_ delivery: ClaimedDelivery, at: Timestamp, _ result: WebhookResult) {
        var status: Int?
        let outcome: AttemptOutcome
        switch result.ending {
        case .answered(let code):
            status = code
            outcome = Self.outcome(ofStatus: code)
        case .dns: outcome = .dns
        case .refused: outcome = .refused
        case .reset: outcome = .reset
        case .tls: outcome = .tls
        case .timedOut: outcome = .timedOut
        case .tooLong: outcome = .tooLong
        case .addressRefused: outcome = .addressRefused
        case .unreadable: outcome = .unreadable
        case .interrupted: outcome = .interrupted
        }
        self.init(
            deliveryID: delivery.id, at: at, milliseconds: Int64(result.milliseconds), outcome: outcome,
            status: status, answer: result.excerpt, address: result.address,
            retryAfter: result.retryAfter.flatMap { RetryAfter(parsing: $0) }, url: delivery.url)
    }
}
