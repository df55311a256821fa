import Testing

@testable import TenantRegistry

/// What is remembered of reads that pages repeat by themselves (O6).
@Suite struct WatchedReadsTests {
    private static let start = Timestamp(milliseconds: 1_790_000_040_000)
    private let watched = WatchedReads()

    private func read(_ number: Int, of key: Int64 = 1) -> WatchedReads.Read {
        WatchedReads.Read(keyID: key, path: "/admin/keys/key_\(number)/limit/now")
    }

    @Test("O6 a read has its record for the rest of its minute: for whoever made it, and of what it was of")
    func minute() {
        #expect(!watched.has(read(1), at: Self.start))
        watched.note(read(1), at: Self.start)
        #expect(watched.has(read(1), at: Self.start.adding(milliseconds: 59_999)))
        #expect(!watched.has(read(1, of: 2), at: Self.start))
        #expect(!watched.has(read(2), at: Self.start))
        for other in [Self.start.adding(milliseconds: 60_000), Self.start.adding(milliseconds: -1)] {
            #expect(!watched.has(read(1), at: other))
        }
    }

    @Test("O6 a clock that steps back, and a minute that ends, have records of their own")
    func clock() {
        watched.note(read(1), at: Self.start)
        watched.note(read(1), at: Self.start.adding(seconds: -60))
        #expect(!watched.has(read(1), at: Self.start))
        #expect(watched.has(read(1), at: Self.start.adding(seconds: -60)))
    }

    @Test("O6 what is remembered is bounded, and what is forgotten is recorded once more")
    func bounded() {
        for number in 0..<WatchedReads.readsMax { watched.note(read(number), at: Self.start) }
        #expect(watched.has(read(0), at: Self.start))
        watched.note(read(WatchedReads.readsMax), at: Self.start)
        #expect(watched.has(read(WatchedReads.readsMax), at: Self.start))
        #expect(!watched.has(read(0), at: Self.start))
    }
}
