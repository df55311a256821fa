/// What the tenants of a node wrote since their snapshots, and since their files were brought home.
///
/// Appends count as they come. What came before this process, or at the node before, the log is asked for now and then
/// (`survey`), and how old the snapshots are with it.
extension ClusterMember {
    struct Tail {
        /// Since the last snapshot.
        var records = 0
        var bytes = 0
        /// No snapshot before so many of them: half of the file, as it was last seen.
        var bytesMin = 0
        /// The last snapshot is older than `ClusterBounds.snapshotSeconds`.
        var isOld = false
        var unhomed = 0
        var since: UInt64 = 0

        func isSnapshotDue(_ bounds: ClusterBounds) -> Bool {
            if isOld && records > 0 { return true }
            return (records >= bounds.snapshotRecords || bytes >= bounds.snapshotBytes) && bytes >= bytesMin
        }

        /// The most pressing comes first. Where busy ones are always due, those that are old still have their turn.
        func need(_ bounds: ClusterBounds) -> Int { records + (isOld ? bounds.snapshotRecords : 0) }

        /// What the log says of it. Of records that this process did not see each counts as a page.
        mutating func take(_ records: Int, isOld: Bool) {
            bytes = records == 0 ? 0 : bytes + max(0, records - self.records) * Self.bytesUnseen
            (self.records, self.isOld) = (records, isOld)
        }

        private static let bytesUnseen = 4_096
    }

    /// When the log is asked what was written since snapshots.
    struct Survey {
        var isUnderWay = false
        /// Tenants came, or the last one failed.
        var isWanted = true
        /// By the node's clock; nil: never.
        var last: UInt64?
        /// Who wants a snapshot and waits for the end of it.
        var waiters: [@Sendable () -> Void] = []
        /// The registry has changes, and its newest snapshot is old.
        var isRegistryOld = false
    }

    // MARK: What was appended

    func appended(_ tenant: TenantID, bytes: Int) {
        let now = clock.nanoseconds()
        state.withLock { state in
            var tail = state.tails[tenant] ?? Tail()
            if tail.unhomed == 0 { tail.since = now }
            tail.records += 1
            tail.unhomed += 1
            tail.bytes += bytes
            state.tails[tenant] = tail
            state.figures.records += 1
            state.figures.bytes += UInt64(bytes)
        }
    }

    func broughtHome(_ tenant: TenantID) { state.withLock { $0.tails[tenant]?.unhomed = 0 } }

    /// Tenants whose files lack something, for the sweeper.
    var behind: [BehindFile] {
        state.withLock { state in
            state.tails.compactMap { tenant, tail in
                tail.unhomed > 0 ? BehindFile(tenant: tenant, lsn: tail.since, records: tail.unhomed) : nil
            }
        }
    }

    // MARK: What the log knows of it

    enum SurveyTurn {
        /// The log is to be asked, and `endSurvey` follows.
        case begins
        /// `then` comes once it was asked.
        case waits
        /// What is known is new enough, or the log cannot be asked.
        case isOver
    }

    func beginSurvey(orWait then: @escaping @Sendable () -> Void) -> SurveyTurn {
        guard isServing else { return .isOver }
        let now = clock.nanoseconds()
        return state.withLock { state in
            if state.survey.isUnderWay {
                state.survey.waiters.append(then)
                return .waits
            }
            let pause = state.survey.isWanted ? bounds.surveySoonMilliseconds : bounds.surveyMilliseconds
            if let last = state.survey.last, now < last + pause * 1_000_000 { return .isOver }
            // What is asked before a snapshot is there would be taken for true behind it.
            guard state.snapshotting == nil else { return .isOver }
            (state.survey.isUnderWay, state.survey.isWanted, state.survey.last) = (true, false, now)
            return .begins
        }
    }

    /// Blocks.
    func survey() throws(SharedLogError) {
        let tails = try log.tails(of: name)
        state.withLock { state in
            state.survey.isRegistryOld = false
            var found: [TenantID: SharedTail] = [:]
            for tail in tails {
                let isOld = tail.ageSeconds >= bounds.snapshotSeconds
                if tail.tenant == .registry {
                    state.survey.isRegistryOld = isOld
                } else if state.owners[tail.tenant] == name {
                    found[tail.tenant] = tail
                    state.tails[tail.tenant, default: Tail()].take(Int(clamping: tail.records), isOld: isOld)
                }
            }
            for tenant in state.tails.keys where found[tenant] == nil {
                state.tails[tenant]?.take(0, isOld: false)
            }
        }
    }

    func endSurvey(succeeded: Bool) {
        let waiters = state.withLock { state in
            state.survey.isUnderWay = false
            if !succeeded { state.survey.isWanted = true }
            defer { state.survey.waiters = [] }
            return state.survey.waiters
        }
        for then in waiters { then() }
    }

    /// Whether the registry is to have a snapshot for its age; once for each time that the log said so.
    func takeRegistryOld() -> Bool {
        state.withLock { state in
            defer { state.survey.isRegistryOld = false }
            return state.survey.isRegistryOld
        }
    }
}

/// A file that lacks something of the log that it follows.
struct BehindFile {
    let tenant: TenantID
    /// Tells the first of what it lacks from another first.
    let lsn: UInt64
    let records: Int
}
