import HTTPClient
import HTTPCore
import TenantApp
import TenantRegistry

/// A delivery that was read from its file and is to go out when a slot is free.
struct ReadDelivery {
    let delivery: ClaimedDelivery
    /// By the clock that never goes back.
    let readAt: Int64
    /// What the tenant's count of changes was.
    let changes: Int
    let incarnation: Int64
}

/// What came of an attempt, on its way into the file.
struct EndedDelivery: Sendable {
    let endpoint: Int64
    let result: AttemptResult
    /// Of the file that it was read from: in one that was restored since, its id may be another's.
    let incarnation: Int64
}

/// What is known of an endpoint while it has something to send, and its deliveries that were read ahead. Memory only: a
/// restart reads them again. Behind the sender's lock.
final class EndpointQueue {
    private(set) var endpoint: DueEndpoint
    private(set) var address: WebAddress?
    /// The file may have more that is due.
    var isDue = true
    private(set) var ahead = Deque<ReadDelivery>()
    /// Slots that were taken for deliveries that are still to be read.
    private(set) var reserved: [WebhookSlots.Standing] = []
    /// Read, on their way, or ended and not recorded: not to be read again.
    var underWay: Set<Int64> = []
    /// Deliveries that are read while this is one number are dropped where it is another when they come.
    private(set) var generation = 0

    init(_ endpoint: DueEndpoint) {
        self.endpoint = endpoint
        address = WebAddress(parsing: endpoint.url)
    }

    /// The endpoint may lead elsewhere since it was looked at.
    func address(of delivery: ClaimedDelivery) -> WebAddress? {
        delivery.url == endpoint.url ? address : WebAddress(parsing: delivery.url)
    }

    var isIdle: Bool { !isDue && ahead.isEmpty && reserved.isEmpty && underWay.isEmpty }
    var hasMore: Bool { isDue || !ahead.isEmpty }

    func append(_ read: ReadDelivery) {
        ahead.append(read)
        underWay.insert(read.delivery.id)
    }

    func popFirst() -> ReadDelivery? { ahead.popFirst() }
    func reserve(_ standing: WebhookSlots.Standing) { reserved.append(standing) }

    func takeReserved() -> [WebhookSlots.Standing] {
        defer { reserved = [] }
        return reserved
    }

    /// As a look has found it. Returns how many deliveries are dropped that were read for another URL.
    func update(_ found: DueEndpoint) -> Int {
        let isElsewhere = found.url != endpoint.url
        endpoint = found
        isDue = true
        guard isElsewhere else { return 0 }
        address = WebAddress(parsing: found.url)
        return dropAhead()
    }

    /// Forgets what was read ahead; it is read again when its turn comes. Returns how many there were.
    func dropAhead() -> Int {
        let count = ahead.count
        while let read = ahead.popFirst() { underWay.remove(read.delivery.id) }
        generation += 1
        if count > 0 { isDue = true }
        return count
    }
}

/// A tenant whose deliveries are being sent: what its lane is to be asked and told next. Behind the sender's lock.
final class TenantQueue {
    let record: TenantRecord
    var endpoints: [Int64: EndpointQueue] = [:]
    /// Ended, and not in the file yet.
    var ended: [EndedDelivery] = []
    var endedSince: Int64 = 0
    /// Endpoints that answer again: what waits for its time is to be sent now.
    var recovered: Set<Int64> = []
    /// A job of this tenant waits or runs: there is one at a time.
    var hasJob = false
    /// The file is to be asked which endpoints have something due.
    var wantsLook = false
    /// Looks cost by the endpoints that they find, so many of them are not asked for at every commit.
    var looksFrom: Int64 = 0
    /// The lane had no room, or could not write: not before then.
    var jobsFrom: Int64 = 0
    /// On their way now.
    var running = 0
    /// Slots of all its endpoints that were taken for deliveries still to be read.
    var reserved = 0

    init(_ record: TenantRecord) { self.record = record }

    var isIdle: Bool {
        !hasJob && !wantsLook && ended.isEmpty && recovered.isEmpty && running == 0
            && endpoints.values.allSatisfy(\.isIdle)
    }
}
