package import Cryptography
package import RateLimiter
import Synchronization

/// A tenant as the whole process knows it: its profile, its lane, its bucket, its answers kept ready, its read log.
/// Any thread; each part guards itself.
package final class TenantRecord: Sendable {
    package let id: TenantID
    package let slug: String
    package let blueprint: String
    package let secretKey: [UInt8]
    package let signingKey: SigningKey
    package let readLog = ReadLog()
    package let watchedReads = WatchedReads()
    package let answers = AnswerCache()
    package let counters = TenantCounters()
    package let traffic = TrafficHours()
    package let events = EventSignal()
    let meter = TenantMeter()
    let backlog = TenantBacklog()
    /// When the file is to be asked for what falls due; the board's.
    let due = DueStand()
    private let webhookCell = Atomic<Int>(0)
    private let touched: TouchedTenants
    /// It stands in `touched`.
    let isTouched = Atomic<Bool>(false)
    private let profileCell: Mutex<TenantProfile>
    private let bucketCell: Mutex<Bucket?>
    private let laneCell = Mutex<Lane<TenantStore>?>(nil)

    init(
        profile: TenantProfile, secretKey: [UInt8], signingKey: SigningKey, touched: TouchedTenants, now: UInt64
    ) {
        self.touched = touched
        id = profile.id
        slug = profile.slug
        blueprint = profile.blueprint
        self.secretKey = secretKey
        self.signingKey = signingKey
        bucketCell = Mutex(profile.limit.map { Bucket($0, now: now) })
        counters.start(month: profile.requestsMonth, count: profile.requestsCount, last: profile.lastRequestAt)
        profileCell = Mutex(profile)
    }

    package var profile: TenantProfile { profileCell.withLock { $0 } }
    package var bucket: Bucket? { bucketCell.withLock { $0 } }
    package var lane: Lane<TenantStore> {
        laneCell.withLock { lane in
            guard let lane else { preconditionFailure("the fleet gives every tenant its lane before it is found") }
            return lane
        }
    }

    func attach(_ lane: Lane<TenantStore>) { laneCell.withLock { $0 = lane } }

    /// Takes over a changed profile: the limit's level is kept, rescaled.
    func update(_ change: (inout TenantProfile) -> Void, now: UInt64) {
        let limit = profileCell.withLock { profile in
            change(&profile)
            return profile.limit
        }
        bucketCell.withLock { bucket in bucket = Bucket.changed(bucket, to: limit, now: now) }
    }

    /// When the scheduler asks the file next; nil where nothing waits in it.
    package var dueAt: Timestamp? { due.hour.time }

    /// How often it has changed where webhooks go and what signs them, since the node started.
    package var webhookChanges: Int { webhookCell.load(ordering: .acquiring) }
    func noteWebhookChange() { webhookCell.add(1, ordering: .releasing) }

    /// Quotas of which four fifths or all are used, as they were last looked at. None of a tenant whose access has
    /// ended or that has moved: nothing of it is used any more, and a quota keeps nobody out.
    package func quotaLevels(at now: Timestamp) -> [(kind: QuotaKind, level: Int64)] {
        switch access(at: now) {
        case .open, .refused(.suspended):
            return meter.stands.filter { $0.value.level > 0 }.map { ($0.key, $0.value.level) }
        case .refused, .unknown: return []
        }
    }

    /// Of its file, as the registry is told; nil where nobody has looked since it is served here.
    package var measuredBytes: Int64? { meter.bytes }

    /// A call of it comes: the clock looks at it in its next round.
    package func touch() { if !isTouched.load(ordering: .relaxed) { touched.take(self) } }

    /// Counts a request against the month's quota; false past it.
    package func countRequest(at now: Timestamp) -> Bool {
        touch()
        return counters.admit(at: now, monthlyMax: profileCell.withLock { $0.quotas.requestsMonthlyMax })
    }

    /// Takes back a request that was counted then: it is no call of anybody's by itself.
    package func giveBackRequest(of then: Timestamp) { counters.giveBack(of: then) }

    /// Whether requests of resellers and operators are served now.
    package func access(at now: Timestamp) -> TenantAccess { profileCell.withLock { $0.access(at: now) } }
}
