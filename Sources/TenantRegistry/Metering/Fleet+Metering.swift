import Synchronization

/// One round of figures at a time, and who waits for the next. Any thread.
final class Metering: Sendable {
    private struct State {
        var isRunning = false
        /// Called when a round that begins after they came has ended.
        var waiting: [@Sendable () -> Void] = []
        /// The month in which every tenant has a row.
        var month: Int64 = 0
    }

    private let state = Mutex(State())

    /// Whether the caller is to begin a round; else the one that runs is followed by another where `then` waits for it.
    fileprivate func begin(_ then: (@Sendable () -> Void)?) -> Bool {
        state.withLock { state in
            if state.isRunning, let then { state.waiting.append(then) }
            defer { state.isRunning = true }
            return !state.isRunning
        }
    }

    /// Who waits for the round that has to come next; nil where nobody does.
    fileprivate func end() -> [@Sendable () -> Void]? {
        state.withLock { state in
            guard !state.waiting.isEmpty else {
                state.isRunning = false
                return nil
            }
            defer { state.waiting = [] }
            return state.waiting
        }
    }

    fileprivate enum Entry { case first, another, same }

    /// Whether this month is a new one, or the first that is looked at.
    fileprivate func enters(_ month: Int64) -> Entry {
        state.withLock { state in
            defer { state.month = month }
            return state.month == month ? .same : state.month == 0 ? .first : .another
        }
    }
}

/// What tenants use of the node, by month (P9): from memory, where commits count it, into the registry; and where they
/// stand in their quotas, into the provider's log.
extension Fleet {
    /// How often it is done while nobody asks: what kill -9 leaves to be counted from the chains.
    package static let meteringSeconds = 10

    /// Has the registry follow. `isAsked`: somebody waits for figures that hold now, so that calls that only memory
    /// knows of are written first. Tenants that did nothing since cost a look at their flag.
    package func meter(isAsked: Bool = false, then: (@Sendable () -> Void)? = nil) {
        guard metering.begin(then) else { return }
        round(isAsked: isAsked) { [self] in
            then?()
            guard let waiting = metering.end() else { return }
            again(waiting)
        }
    }

    private func again(_ waiting: [@Sendable () -> Void]) {
        round(isAsked: true) { [self] in
            for then in waiting { then() }
            if let more = metering.end() { again(more) }
        }
    }

    private func round(isAsked: Bool, then: @escaping @Sendable () -> Void) {
        let month = clock.now().monthNumber
        let gathered = GatheredUsage(month: month)
        switch metering.enters(month) {
        case .first:
            for record in suspects {
                record.meter.wantLook()
                record.backlog.change()
            }
            fallthrough
        case .another:
            // A month in which a tenant does nothing is told of all the same.
            for record in roster.allTenants {
                // A cluster's file may lag behind what was committed.
                let measured = cluster == nil ? nil : record.meter.bytes
                gathered.take { $0.bytes.append((record.id, measured ?? data.tenantBytes(record.id))) }
            }
        case .same: break
        }
        let flushes = isAsked && !refusesWrites
        let left = Mutex(1)
        let done: @Sendable () -> Void = { [self] in
            let isLast = left.withLock { left in
                left -= 1
                return left == 0
            }
            if isLast { save(gathered.value, then) }
        }
        for record in roster.allTenants
        where isServedHere(record.id)
            && (record.meter.isDirty || record.backlog.isDirty || flushes && !record.readLog.isEmpty)
        {
            left.withLock { $0 += 1 }
            look(at: record, flushes: flushes) { [self] uses, bytes in
                gathered.take { gather(record, uses, bytes, into: &$0) }
                done()
            }
        }
        done()
    }

    /// What the file says of quotas and of its size; nothing where it cannot be asked.
    private func look(
        at record: TenantRecord, flushes: Bool,
        then: @escaping @Sendable (_ uses: [QuotaUse]?, _ bytes: Int64?) -> Void
    ) {
        record.lane.submit(
            LaneJob(
                writes: flushes,
                perform: { [self, schema] store in
                    if flushes { store.flushReads() }
                    if record.backlog.isStale { count(backlogOf: record, in: store.reader) }
                    let uses = try schema.meter.quotas(
                        store.reader, record.meter.countsRows(at: store.projectionEpoch))
                    let bytes = try store.bytes
                    return { [self] _ in
                        // Its opening may have shown rows that nobody counted.
                        guard let gap = record.meter.gap else { return then(uses, bytes) }
                        count(gap, of: record) { then(uses, bytes) }
                    }
                },
                fail: { _ in then(nil, nil) }))
    }

    /// The rows of a gap, a stretch in each job.
    private func count(
        _ gap: ClosedRange<Int64>, from first: Int64? = nil, _ counted: MeterTallies = MeterTallies(),
        of record: TenantRecord, then: @escaping @Sendable () -> Void
    ) {
        record.lane.submit(
            LaneJob(
                writes: false,
                perform: { [schema] store in
                    let rows = MeteredRows(connection: store.connection, schema: schema.meter)
                    let (more, next) = try rows.count((first ?? gap.lowerBound)...gap.upperBound)
                    var tallies = counted
                    tallies.add(more)
                    return { [self, tallies] _ in
                        if let next { return count(gap, from: next, tallies, of: record, then: then) }
                        record.meter.fill(gap, with: tallies)
                        then()
                    }
                },
                fail: { [report] failure in
                    report("tenant \(record.id.text): its use is not counted yet: \(failure)")
                    then()
                }))
    }

    private func gather(
        _ record: TenantRecord, _ uses: [QuotaUse]?, _ bytes: Int64?, into save: inout UsageSave
    ) {
        if let tallies = record.meter.take(of: record.id) { save.tallies.append(tallies) }
        if let backlog = record.backlog.take(of: record.id) { save.backlogs.append(backlog) }
        if let bytes {
            save.bytes.append((record.id, bytes))
            record.meter.measured(bytes)
        }
        guard let uses else { return }
        for (kind, stand, news, use) in record.meter.look(uses, month: save.month) {
            let acts = news.map { level in
                ownAct(
                    level == 100 ? "tenant.quota_reached" : "tenant.quota_warning",
                    detail: #"{"quota":"\#(kind.rawValue)","level":\#(level),"used":\#(use.used),"most":\#(use.most)}"#)
            }
            save.quotas.append(
                QuotaSave(tenant: record.id, slug: record.slug, kind: kind, stand: stand, acts: acts))
        }
    }

    private func save(_ save: UsageSave, _ then: @escaping @Sendable () -> Void) {
        if save.isEmpty { return then() }
        registry.saveUsage(save) { [self] result in
            // Figures that no row takes do not hold back other tenants'.
            if case .failure(let error) = result, case .failed(let cause)? = error as? LaneFailure, cause.isConstraint,
                let halves = save.halves
            {
                return self.save(halves.0) { self.save(halves.1, then) }
            }
            if case .failure(let error) = result { report("registry: usage: \(error)") }
            let isSaved = if case .success = result { true } else { false }
            let elsewhere = Dictionary((try? result.get()) ?? [], uniquingKeysWith: { $1 })
            for tallies in save.tallies where isSaved {
                guard let meter = roster.tenant(id: tallies.tenant)?.meter else { continue }
                if let mark = elsewhere[tallies.tenant] {
                    meter.recount(from: mark, insteadOf: tallies)
                } else {
                    meter.saved(tallies)
                }
            }
            for kept in save.backlogs where isSaved { roster.tenant(id: kept.tenant)?.backlog.saved(kept.backlog) }
            for quota in save.quotas {
                let meter = roster.tenant(id: quota.tenant)?.meter
                if isSaved { meter?.keep(quota.stand, of: quota.kind) } else { meter?.wantLook() }
            }
            then()
        }
    }

    /// What memory has counted, without asking any file: at the end, when none is open any more.
    func saveTallies(then: @escaping @Sendable () -> Void) {
        var last = UsageSave(month: clock.now().monthNumber)
        last.tallies = roster.allTenants.compactMap { $0.meter.take(of: $0.id) }
        last.backlogs = roster.allTenants.compactMap { $0.backlog.take(of: $0.id) }
        save(last, then)
    }

    /// Tenants of this node that have used a quota so far, by quota: from four fifths on, and all of it (P9).
    package var quotaCounts: [(kind: QuotaKind, warned: Int, full: Int)] {
        var counts = Dictionary(uniqueKeysWithValues: QuotaKind.allCases.map { ($0, (warned: 0, full: 0)) })
        let now = clock.now()
        for record in roster.allTenants where isServedHere(record.id) {
            for (kind, level) in record.quotaLevels(at: now) {
                counts[kind]?.warned += 1
                if level == 100 { counts[kind]?.full += 1 }
            }
        }
        return QuotaKind.allCases.map { ($0, counts[$0]?.warned ?? 0, counts[$0]?.full ?? 0) }
    }
}

/// A round's figures as lanes give them. Any thread.
private final class GatheredUsage: Sendable {
    private let save: Mutex<UsageSave>

    init(month: Int64) { save = Mutex(UsageSave(month: month)) }

    var value: UsageSave { save.withLock { $0 } }
    func take(_ body: (inout UsageSave) -> Void) { save.withLock { body(&$0) } }
}
