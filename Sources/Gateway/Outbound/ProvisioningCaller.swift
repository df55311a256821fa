import CallKit
import HTTPClient
import RateLimiter
import Synchronization
import TenantApp
import TenantRegistry

/// Calls to tenants' provisioners (W13): what is due in a file is asked for, and what was answered is written there.
///
/// A thread of its own sends, so that neither payments nor webhooks wait for a provisioner, nor it for them. Which
/// calls are under way stands in memory alone: a restart asks again, under the same ids. One call a unit,
/// `tenantCallsMax` a tenant, of which provisioners that gave no answer last time have `silentCallsMax` together; each
/// call holds one of the node's places (`ProvisioningPlaces`). Any thread.
final class ProvisioningCaller: OutboundWork, Sendable {
    private static let connectMillisecondsMax = 10_000
    /// Beyond an attempt's own time, for its turn on the thread.
    private static let slackMilliseconds = 2_000
    private static let action = "provisioning.answered"

    let kind = DueKind.provisioning
    let metrics = ProvisioningMetrics()
    private let fleet: Fleet
    private let tenantCallsMax: Int
    /// So that one that is dead holds up no other of its tenant.
    private let silentCallsMax: Int
    private let places: ProvisioningPlaces
    private let caller: OutboundCaller
    private let allowsPrivateAddresses: Bool
    private let isStopping = Atomic<Bool>(false)

    /// What is going on for one tenant.
    private struct Desk {
        /// The file is being asked; `again`: something became due meanwhile.
        var isAsking = false
        var again = false
        /// By service, the provisioner that is asked.
        var underWay: [Int64: Int64] = [:]
        /// Provisioners that gave no answer last time.
        var silent: Set<Int64> = []
        /// Nil where nothing may be sent. It lasts as long as anything is due: a desk goes when a look finds nothing.
        var asking: ProvisioningAsking?

        var isDone: Bool { underWay.isEmpty && !isAsking && silent.isEmpty }
    }

    private let desks = Mutex<[TenantID: Desk]>([:])

    init(_ fleet: Fleet, allowsPrivateAddresses: Bool) throws {
        self.fleet = fleet
        self.allowsPrivateAddresses = allowsPrivateAddresses
        tenantCallsMax = fleet.budgets.figures[.provisioningTenant]
        silentCallsMax = max(1, tenantCallsMax / 2)
        places = ProvisioningPlaces(fleet.budgets)
        caller = try OutboundCaller(thread: "provisioning", groupRunningMax: tenantCallsMax)
    }

    /// Gives up what is under way, of which nothing is written: it is asked again after the start. Blocks.
    func close() {
        isStopping.store(true, ordering: .releasing)
        caller.close()
    }

    // MARK: What is due

    func wake(_ record: TenantRecord) {
        if isStopping.load(ordering: .acquiring) { return }
        let (known, isFull) = desks.withLock { desks -> (Desk?, Bool) in
            if desks[record.id]?.isAsking == true {
                desks[record.id]?.again = true
                return (nil, false)
            }
            let known = desks[record.id] ?? Desk()
            guard known.underWay.count < tenantCallsMax else {
                fleet.budgets.spent.count(.provisioningTenant)
                return (nil, true)
            }
            desks[record.id, default: Desk()].isAsking = true
            return (known, false)
        }
        if isFull { return passTurn(of: record) }
        guard let known else { return }
        record.lane.submit(
            LaneJob(
                writes: false,
                perform: { [self] store in
                    let due = try self.due(store.reader, beside: known)
                    return { _ in self.begin(due, of: record) }
                },
                // The scheduler asks again.
                fail: { [self] _ in begin(Due(asking: known.asking), of: record) }))
    }

    private struct Due: Sendable {
        var asking: ProvisioningAsking?
        var calls: [(task: ProvisioningTask, access: ProvisionerAccess?)] = []
        /// Of the test book: nothing of it leaves the house (X7).
        var rehearsals: [ProvisioningTask] = []
    }

    /// Nothing where the tenant is suspended, or what goes out of it is held (P3).
    private func due(_ tenant: TenantReader, beside desk: Desk) throws -> Due {
        var due = Due()
        guard try tenant.sendsOutbound() else { return due }
        let asking = desk.asking?.goingOn(at: tenant.now) ?? ProvisioningAsking(from: tenant.now)
        due.asking = asking
        let underWay = Set(desk.underWay.keys)
        let room = tenantCallsMax - underWay.count
        var known: [Int64: ProvisionerAccess?] = [:]
        for var task in try chosen(tenant, beside: desk, room: room) {
            task.idleUntil = asking.since
            let access: ProvisionerAccess?
            if let found = known[task.productID] {
                access = found
            } else {
                access = try tenant.provisionerAccess(product: task.productID)
                known[task.productID] = access
            }
            due.calls.append((task, access))
        }
        due.rehearsals = try tenant.dueProvisionings(
            book: .test, excluding: underWay, limit: max(0, room - due.calls.count))
        return due
    }

    /// Longest due first: of provisioners that answer as many as there is room for; of those that do not, an equal part
    /// of their share each.
    private func chosen(_ tenant: TenantReader, beside desk: Desk, room: Int) throws -> [ProvisioningTask] {
        let underWay = Set(desk.underWay.keys)
        // One that was taken away meanwhile has no part.
        let silent = try desk.silent.filter { try tenant.provisioner(product: $0) != nil }
        var tasks = try tenant.dueProvisionings(book: .live, excluding: underWay, of: .allBut(silent), limit: room)
        if silent.isEmpty { return tasks }
        let each = max(1, silentCallsMax / silent.count)
        var waiting: [ProvisioningTask] = []
        for id in silent {
            let own = desk.underWay.values.count { $0 == id }
            waiting += try tenant.dueProvisionings(
                book: .live, excluding: underWay, of: .only(id), limit: each - own)
        }
        let left = silentCallsMax - desk.underWay.values.count { silent.contains($0) }
        tasks += waiting.sorted(by: Self.isDueBefore).prefix(max(0, left))
        return Array(tasks.sorted(by: Self.isDueBefore).prefix(room))
    }

    private static func isDueBefore(_ left: ProvisioningTask, _ right: ProvisioningTask) -> Bool {
        (left.dueAt, left.serviceID) < (right.dueAt, right.serviceID)
    }

    private func begin(_ due: Due, of record: TenantRecord) {
        let asksAgain = desks.withLock { desks in
            var desk = desks[record.id] ?? Desk()
            desk.isAsking = false
            desk.asking = due.asking
            for task in due.calls.map(\.task) + due.rehearsals { desk.underWay[task.serviceID] = task.provisionerID }
            defer { desk.again = false; desks[record.id] = desk.isDone ? nil : desk }
            return desk.again
        }
        for task in due.rehearsals { take(.ready(nil), news("rehearsed"), task, of: record) }
        for (task, access) in due.calls { call(task, access, of: record) }
        if asksAgain { wake(record) } else { passTurn(of: record) }
    }

    // MARK: A call

    private func call(_ task: ProvisioningTask, _ access: ProvisionerAccess?, of record: TenantRecord) {
        // Whoever has the tenant by then asks for it, as after a restart.
        guard fleet.maySend(for: record.id) else { return leave(task, of: record) }
        guard let access else { return take(.unclear, news("no_provisioner"), task, of: record) }
        let isPlain = !access.url.hasPrefix("https://")
        // Configured while it was allowed, and the node was started without it since.
        guard let rule = OutboundRule.rule(isPlain: isPlain, allowsPrivateAddresses: allowsPrivateAddresses) else {
            return take(.unclear, news("address_refused"), task, of: record)
        }
        let isSilent = desks.withLock { $0[record.id]?.silent.contains(task.provisionerID) ?? false }
        // The node is full of calls: nothing was asked, so nothing is written. It is asked for again when a place comes
        // back, and when the scheduler says so.
        guard let place = places.enter(record, isSilent: isSilent) else { return leave(task, of: record) }
        let request = ProvisioningRequest(task, to: access)
        var call = OutboundCall(url: request.url, headers: request.headers(at: fleet.clock.now()), body: request.body)
        call.method = request.isPoll ? .get : .post
        call.addressRule = rule
        call.answerBytesMax = ProvisioningReading.answerBytesMax
        let milliseconds = Int(access.timeoutSeconds) * 1_000
        call.tryOnce(withinMilliseconds: milliseconds, connecting: Self.connectMillisecondsMax)
        call.totalMilliseconds = milliseconds + Self.slackMilliseconds
        let isTaken = caller.send(call, group: "\(record.id)") { [self] result in
            answered(result, task, at: access.url, of: record)
            giveBack(place)
        }
        if isTaken { return }
        leave(task, of: record)
        giveBack(place)
    }

    private func giveBack(_ place: ProvisioningPlaces.Place) {
        for record in places.leave(place) { wake(record) }
    }

    /// It was woken for a place, perhaps, and does not take one: whoever waits behind it does not wait for the
    /// scheduler.
    private func passTurn(of record: TenantRecord) {
        for next in places.pass(record.id) { wake(next) }
    }

    private func answered(
        _ result: Result<HTTPClientResponse, HTTPClientError>, _ task: ProvisioningTask, at url: String,
        of record: TenantRecord
    ) {
        if isStopping.load(ordering: .acquiring) { return }
        switch result {
        case .success(let response):
            note(task.provisionerID, isSilent: false, of: record)
            let (answer, news) = ProvisioningReading.read(
                status: response.status, body: response.body, of: task.verb, at: fleet.clock.now())
            take(answer, news, task, askedURL: url, of: record)
        case .failure(let error):
            note(task.provisionerID, isSilent: true, of: record)
            let outcome = ProvisioningReading.outcome(of: Outbound.failure(error))
            take(.unclear, news(outcome), task, askedURL: url, of: record)
        }
    }

    private func note(_ provisionerID: Int64, isSilent: Bool, of record: TenantRecord) {
        desks.withLock { desks in
            if isSilent {
                _ = desks[record.id, default: Desk()].silent.insert(provisionerID)
            } else {
                _ = desks[record.id]?.silent.remove(provisionerID)
            }
        }
    }

    private func news(_ outcome: String) -> ProvisioningNews {
        ProvisioningNews(at: fleet.clock.now(), outcome: outcome)
    }

    // MARK: What it comes to

    private func take(
        _ answer: ProvisioningAnswer, _ news: ProvisioningNews, _ task: ProvisioningTask, askedURL: String? = nil,
        of record: TenantRecord
    ) {
        metrics.count(answer)
        let taking = TakeProvisioningAnswer(
            serviceID: task.serviceID, n: task.n, answer: answer, news: news, askedURL: askedURL,
            idleUntil: task.idleUntil)
        let write = TenantWrite(record, of: fleet, warrant: .node) { [fleet] status, _ in
            AuditRecord(at: fleet.clock.now(), action: Self.action, status: status, requestID: .none)
        }
        // It writes its own audit row, where there is something to tell.
        write.step(.none) { tenant, _ in
            try taking.runByItself(tenant)
        } then: { [self] (outcome: TenantWrite.StepOutcome<Void>) in
            leave(task, of: record)
            // What could not be written is asked for again when the scheduler says so.
            if case .done = outcome { wake(record) }
        }
    }

    /// Units that a call is under way for.
    var underWayCount: Int { desks.withLock { $0.values.reduce(0) { $0 + $1.underWay.count } } }

    /// The desk stays until somebody has looked that nothing else is due.
    private func leave(_ task: ProvisioningTask, of record: TenantRecord) {
        desks.withLock { _ = $0[record.id]?.underWay.removeValue(forKey: task.serviceID) }
    }
}
