import SharedLogs
import TenantRegistry
import TestTenants
import Testing

/// The log in memory does what every shared log has to, and fails as it is told to.
@Suite(.apart) struct SharedLogTests {
    @Test("N2 N3 the log in memory keeps each promise of a shared log", arguments: SharedLogCheck.allCases)
    func conformance(check: SharedLogCheck) throws {
        let store = MemoryLogStore()
        try conforms(check) { store.link() }
    }

    private let key = [UInt8](repeating: 7, count: 32)
    private let store = MemoryLogStore()
    private let tenant = TenantID(high: 1, low: 2)

    private func name(_ text: String) throws -> NodeName { try #require(NodeName(text)) }

    private func opened(_ link: MemorySharedLog) throws -> any SharedStream {
        if store.head(of: tenant) == nil { try link.create(tenant, owner: try name("a")) }
        return try link.open(tenant, as: try name("a"), key: key)
    }

    private func append(_ stream: any SharedStream, _ byte: UInt8) -> Promise<SharedVerdict> {
        let promise = Promise<SharedVerdict>()
        _ = [byte].withUnsafeBytes { stream.append($0) { promise.succeed($0) } }
        return promise
    }

    /// What a fault does: the verdict, whether it landed, whether it does in the end, and whether the stream goes on.
    private static let faults: [(AppendFault, SharedVerdict, landed: Bool, lands: Bool, goesOn: Bool)] = [
        (.refused, .refused, false, false, false),
        (.answerLost, .appended, true, true, true),
        (.requestLost, .absent, false, false, false),
        (.late, .absent, false, false, false),
        (.unknownLanded, .unknown, true, true, false),
        (.unknownAbsent, .unknown, false, false, false),
        (.unknownLate, .unknown, false, true, false),
        (.slow, .appended, true, true, true),
    ]

    @Test("N2 each fault of an append comes out as its verdict says, what travels included", arguments: 0..<8)
    func faults(place: Int) throws {
        let (fault, verdict, landed, lands, goesOn) = Self.faults[place]
        let link = store.link()
        defer { link.close() }
        let stream = try opened(link)
        link.faults.next([nil, fault])
        #expect(try append(stream, 1).value() == .appended)
        #expect(try append(stream, 2).value() == verdict)
        #expect((store.head(of: tenant)?.sequence == 2) == landed)
        store.deliverLate()
        #expect((store.head(of: tenant)?.sequence == 2) == lands)
        #expect((try append(stream, 3).value() == .appended) == goesOn)
        #expect(store.arrivals.landed == (fault == .unknownLate ? 1 : 0))
    }

    @Test("N2 an append that arrives after its tenant was opened anew is refused")
    func arrivesAfterOpening() throws {
        let link = store.link()
        defer { link.close() }
        let stream = try opened(link)
        link.faults.next([.unknownLate])
        #expect(try append(stream, 1).value() == .unknown)
        _ = try opened(link)
        store.deliverLate()
        #expect(store.arrivals == MemoryLogStore.Arrivals(refused: 1, landed: 0))
        #expect(store.head(of: tenant)?.sequence == 0)
    }

    @Test("N2 while appends are held nothing is durable, and nobody is told")
    func held() throws {
        let link = store.link()
        defer { link.close() }
        let stream = try opened(link)
        link.faults.hold(.landing)
        let first = append(stream, 1)
        #expect(store.head(of: tenant)?.sequence == 0)
        #expect(link.standing.appended == 0)
        link.faults.hold(.telling)
        while store.head(of: tenant)?.sequence == 0 { pause(milliseconds: 1) }
        link.faults.release()
        #expect(try first.value() == .appended)
    }

    @Test("N2 an append waits for a log that is away, and is unknown where that takes too long")
    func away() throws {
        let link = store.link(LogFaults(patienceMilliseconds: 20))
        defer { link.close() }
        let stream = try opened(link)
        link.faults.isAway = true
        #expect(throws: SharedLogError.away("no connection")) { try link.head(of: tenant) }
        #expect(try append(stream, 1).value() == .unknown)
        #expect(!link.isReachable)
        link.faults.isAway = false
        #expect(try append(try opened(link), 1).value() == .appended)
        #expect(link.isReachable)
    }

    @Test("N3 a frozen node's append waits, and is refused once another has the tenant")
    func frozen() throws {
        let (link, other) = (store.link(), store.link())
        defer { for link in [link, other] { link.close() } }
        let stream = try opened(link)
        link.faults.freeze()
        let waiting = append(stream, 1)
        #expect(try other.claim([tenant], of: try name("a"), seen: nil, by: try name("b")) == [tenant])
        link.faults.thaw()
        #expect(try waiting.value() == .refused)
        #expect(store.head(of: tenant)?.sequence == 0)
    }

    @Test("N2 a node that crashes at any step lands what it had landed, and no more")
    func crashes() throws {
        for step in 1...10 {
            let store = MemoryLogStore()
            let link = store.link()
            try link.create(tenant, owner: try name("a"))
            let stream = try link.open(tenant, as: try name("a"), key: key)
            let faults = link.faults
            faults.atStep(step) { faults.crash() }
            let told = try (0..<5).map { append(stream, $0) }.map { try $0.value() }
            let landed = store.head(of: tenant)?.sequence ?? 0
            #expect(landed == UInt64(step / 2))
            #expect(told.count { $0 == .appended } == (step - 1) / 2)
            link.close()
        }
    }

    @Test("N2 a restore notices a record that is damaged or missing, and a snapshot that is")
    func damage() throws {
        let link = store.link()
        defer { link.close() }
        let stream = try opened(link)
        for byte in 1...5 as ClosedRange<UInt8> { #expect(try append(stream, byte).value() == .appended) }
        var pieces = [[UInt8]](repeating: [1], count: 3)
        try stream.putSnapshot(at: stream.settled) { pieces.popLast() }
        let picture = store.picture
        store.damage(tenant, at: 3)
        #expect(try readAll(link) == nil)
        store.goBack(to: picture)
        #expect(try readAll(link) == 5)
        store.lose(tenant, at: 4)
        #expect(try readAll(link) == nil)
        store.damageSnapshots(of: tenant)
        let snapshot = try #require(try link.snapshots(of: tenant).first)
        #expect(throws: SharedLogError.self) { try link.read(snapshot, of: tenant, key: key) { _ in } }
    }

    /// How many records there are; nil: they are damaged.
    private func readAll(_ link: MemorySharedLog) throws -> Int? {
        var count = 0
        do {
            _ = try link.records(of: tenant, after: 0, chain: .zero, upTo: 5, key: key) { _ in count += 1 }
            return count
        } catch SharedLogError.damaged { return nil }
    }
}
