import CallKit
import HTTPClient
import Synchronization
import TenantApp
import TenantRegistry

/// Calls to tenants' provisioners (W13): what is due in a file is asked for, and what was answered is written there.
///
/// A thread of its own sends, so that neither payments nor webhooks wait for a provisioner, nor it for them. Which
/// calls are under way stands in memory alone: a restart asks again, under the same ids. One call a unit,
/// `tenantCallsMax` a tenant. Any thread.
final class ProvisioningCaller: OutboundWork, Sendable {
    static let tenantCallsMax = OutboundCaller.groupRunningMax
    private static let connectMillisecondsMax = 10_000
    /// Beyond an attempt's own time, for its turn on the thread.
    private static let slackMilliseconds = 2_000
    private static let action = "provisioning.answered"

    let kind = DueKind.provisioning
    let metrics = ProvisioningMetrics()
    private let fleet: Fleet
    private let caller: OutboundCaller
    private let allowsPrivateAddresses: Bool
    private let isStopping = Atomic<Bool>(false)

    /// What is going on for one tenant.
    private struct Desk {
        /// The file is being asked; `again`: something became due meanwhile.
        var isAsking = false
        var again = false
        var underWay: Set<Int64> = []
    }

    private let desks = Mutex<[TenantID: Desk]>([:])

    init(_ fleet: Fleet, allowsPrivateAddresses: Bool) throws {
        self.fleet = fleet
        self.allowsPrivateAddresses = allowsPrivateAddresses
        caller = try OutboundCaller(thread: "provisioning")
    }

    /// Gives up what is under way, of which nothing is written: it is asked again after the start. Blocks.
    func close() {
        isStopping.store(true, ordering: .releasing)
        caller.close()
    }

    // MARK: What is due

    func wake(_ record: TenantRecord) {
        if isStopping.load(ordering: .acquiring) { return }
        let underWay = desks.withLock { desks -> Set<Int64>? in
            if desks[record.id]?.isAsking == true {
                desks[record.id]?.again = true
                return nil
            }
            let known = desks[record.id]?.underWay ?? []
            guard known.count < Self.tenantCallsMax else { return nil }
            desks[record.id, default: Desk()].isAsking = true
            return known
        }
        guard let underWay else { return }
        record.lane.submit(
            LaneJob(
                writes: false,
                perform: { [self] store in
                    let due = try self.due(store.reader, excluding: underWay)
                    return { _ in self.begin(due, of: record) }
                },
                // The scheduler asks again.
                fail: { [self] _ in begin(Due(), of: record) }))
    }

    private struct Due: Sendable {
        var calls: [(task: ProvisioningTask, access: ProvisionerAccess?)] = []
        /// Of the test book: nothing of it leaves the house (X7).
        var rehearsals: [ProvisioningTask] = []
    }

    /// Nothing where the tenant is suspended, or what goes out of it is held (P3).
    private func due(_ tenant: TenantReader, excluding underWay: Set<Int64>) throws -> Due {
        var due = Due()
        guard try tenant.sendsOutbound() else { return due }
        let room = Self.tenantCallsMax - underWay.count
        var known: [Int64: ProvisionerAccess?] = [:]
        for task in try tenant.dueProvisionings(book: .live, excluding: underWay, limit: room) {
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

    private func begin(_ due: Due, of record: TenantRecord) {
        let asksAgain = desks.withLock { desks in
            var desk = desks[record.id] ?? Desk()
            desk.isAsking = false
            desk.underWay.formUnion(due.calls.map(\.task.serviceID) + due.rehearsals.map(\.serviceID))
            defer { desk.again = false; desks[record.id] = desk.underWay.isEmpty ? nil : desk }
            return desk.again
        }
        for task in due.rehearsals { take(.ready(nil), news("rehearsed"), task, of: record) }
        for (task, access) in due.calls { call(task, access, of: record) }
        if asksAgain { wake(record) }
    }

    // MARK: A call

    private func call(_ task: ProvisioningTask, _ access: ProvisionerAccess?, of record: TenantRecord) {
        guard let access else { return take(.unclear, news("no_provisioner"), task, of: record) }
        let isPlain = !access.url.hasPrefix("https://")
        // Configured while it was allowed, and the node was started without it since.
        guard let rule = OutboundRule.rule(isPlain: isPlain, allowsPrivateAddresses: allowsPrivateAddresses) else {
            return take(.unclear, news("address_refused"), task, of: record)
        }
        let request = ProvisioningRequest(task, to: access)
        var call = OutboundCall(url: request.url, headers: request.headers(at: fleet.clock.now()), body: request.body)
        call.method = request.isPoll ? .get : .post
        call.addressRule = rule
        call.answerBytesMax = ProvisioningReading.answerBytesMax
        let milliseconds = Int(access.timeoutSeconds) * 1_000
        call.tryOnce(withinMilliseconds: milliseconds, connecting: Self.connectMillisecondsMax)
        call.totalMilliseconds = milliseconds + Self.slackMilliseconds
        let isTaken = caller.send(call, group: "\(record.id)") { [self] result in
            answered(result, task, of: record)
        }
        // The node is full of calls: nothing was asked, so nothing is written. The scheduler asks again.
        if !isTaken { leave(task, of: record) }
    }

    private func answered(
        _ result: Result<HTTPClientResponse, HTTPClientError>, _ task: ProvisioningTask, of record: TenantRecord
    ) {
        if isStopping.load(ordering: .acquiring) { return }
        switch result {
        case .success(let response):
            let (answer, news) = ProvisioningReading.read(
                status: response.status, body: response.body, of: task.verb, at: fleet.clock.now())
            take(answer, news, task, of: record)
        case .failure(let error): take(.unclear, news(Self.outcome(error)), task, of: record)
        }
    }

    /// What went wrong describes the network that the node stands in: one word of it is told (H6).
    private static func outcome(_ error: HTTPClientError) -> String {
        switch error {
        case .timedOut: "timed_out"
        case .responseTooLong: "too_long"
        case .untrusted: "untrusted"
        default: "unanswered"
        }
    }

    private func news(_ outcome: String) -> ProvisioningNews {
        ProvisioningNews(at: fleet.clock.now(), outcome: outcome)
    }

    // MARK: What it comes to

    private func take(
        _ answer: ProvisioningAnswer, _ news: ProvisioningNews, _ task: ProvisioningTask, of record: TenantRecord
    ) {
        metrics.count(answer)
        let taking = TakeProvisioningAnswer(serviceID: task.serviceID, n: task.n, answer: answer, news: news)
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

    private func leave(_ task: ProvisioningTask, of record: TenantRecord) {
        desks.withLock { desks in
            guard var desk = desks[record.id] else { return }
            desk.underWay.remove(task.serviceID)
            desks[record.id] = desk.underWay.isEmpty && !desk.isAsking ? nil : desk
        }
    }
}
