import Cryptography
import Testing

@testable import TenantRegistry

@Suite struct ReadLogTests {
    static let start = Timestamp(milliseconds: 1_790_000_000_000)

    private func read(_ number: Int, status: Int = 200, key: Int64 = 1, milliseconds: Int64 = 0) -> AuditRecord {
        var record = AuditRecord(
            at: Self.start.adding(milliseconds: milliseconds), action: "GET /test", status: status,
            requestID: RequestID(high: 0, low: UInt64(number)))
        record.keyID = key
        record.resellerID = key
        return record
    }

    private func records(_ batch: ReadLog.Batch) throws -> [AuditRecord] {
        try #require(AuditPacking.records(of: try AuditPacking.block(batch).payload))
    }

    @Test("G5 every read is in the block, in order")
    func order() throws {
        let log = ReadLog()
        let sent = (0..<300).map { read($0, milliseconds: Int64($0)) }
        for record in sent { #expect(log.append(record)) }
        let batch = try #require(log.drain())
        #expect(try records(batch) == sent)
        #expect(batch.count == 300)
        #expect(batch.firstAt == sent.first?.at)
        #expect(batch.lastAt == sent.last?.at)
        #expect(log.isEmpty)
        #expect(log.drain() == nil)
    }

    @Test(
        "G5 a flood of refusals is stored as counts, and the counts come to what was sent",
        arguments: [1, 20, 21, 5_000])
    func flood(sent: Int) throws {
        let log = ReadLog()
        for number in 0..<sent {
            #expect(log.append(read(number, status: 429, key: Int64(number % 2), milliseconds: Int64(number))))
            #expect(log.append(read(number, status: 200)))
        }
        let batch = try #require(log.drain())
        let stored = try records(batch)
        #expect(stored.count == batch.count)
        let refused = stored.filter(\.isRefusal)
        #expect(refused.reduce(0) { $0 + $1.count } == sent)
        #expect(stored.filter { !$0.isRefusal }.count == sent)
        // Twenty of each kind one by one, and one line for the rest.
        for key in Int64(0)...1 {
            let mine = refused.filter { $0.keyID == key }
            #expect(mine.reduce(0) { $0 + $1.count } == (sent + 1 - Int(key)) / 2)
            #expect(mine.count <= ReadLog.refusalsSeparateMax + 1)
        }
        #expect(batch.lastAt == stored.map(\.at).max())
        let usage = batch.usage.values.reduce(into: UsageCount()) { $0.add($1) }
        #expect(usage.requests == 2 * sent)
        #expect(usage.rateLimited == sent && usage.otherRefusals == 0)
    }

    @Test("G5 what a failed commit puts back comes before what came since")
    func putBack() throws {
        let log = ReadLog()
        for number in 0..<5 { #expect(log.append(read(number))) }
        let batch = try #require(log.drain())
        for number in 5..<8 { #expect(log.append(read(number, milliseconds: 9))) }
        log.putBack(batch)
        let merged = try #require(log.drain())
        #expect(try records(merged).map(\.requestID.low) == Array(0..<8))
        #expect(merged.firstAt == Self.start)
        #expect(merged.lastAt == Self.start.adding(milliseconds: 9))
        #expect(merged.usage.values.reduce(0) { $0 + $1.requests } == 8)
    }

    @Test("G5 of batches under way at once each is kept or comes back by itself")
    func severalUnderWay() throws {
        let log = ReadLog()
        let batches = try (0..<3).map { round in
            for number in 0..<4 { #expect(log.append(read(round * 4 + number))) }
            return try #require(log.drain())
        }
        log.kept(batches[0])
        #expect(!log.isSettled)
        for batch in batches[1...].reversed() { log.putBack(batch) }
        let merged = try #require(log.drain())
        #expect(try records(merged).map(\.requestID.low) == Array(4..<12))
        log.kept(merged)
        #expect(log.isSettled && log.fillBytes == 0)
    }

    @Test("G5 a full log refuses rather than drops, even where commits fail again and again")
    func bounded() throws {
        let log = ReadLog()
        var accepted = 0
        for _ in 0..<5 {
            while log.append(read(accepted)) { accepted += 1 }
            let batch = try #require(log.drain())
            #expect(batch.bytes.count <= 2 * ReadLog.bytesMax + 1_000)
            while log.append(read(accepted)) { accepted += 1 }
            log.putBack(batch)
        }
        let all = try #require(log.drain())
        log.kept(all)
        #expect(try records(all).map(\.requestID.low) == Array(0..<UInt64(accepted)))
        #expect(log.append(read(0)))
    }

    @Test("G5 refusals that are owed a line come to an end where commits fail for ever: their block can still be read")
    func owedRefusals() throws {
        let log = ReadLog()
        var number = 0
        while log.append(read(number, status: 429, key: Int64(number)), isOwed: true) {
            number += 1
            if number.isMultiple(of: 1_000), let batch = log.drain() { log.putBack(batch) }
            if number > 1_000_000 { break }
        }
        #expect(number < 1_000_000)
        let batch = try #require(log.drain())
        #expect(try records(batch).count == number)
    }

    @Test("G5 records that are due: by age, by size, and worth taking along by number")
    func due() throws {
        let log = ReadLog()
        #expect(!log.isDue(at: Self.start))
        #expect(log.append(read(0)))
        #expect(!log.isDue(at: Self.start.adding(milliseconds: 4_999)))
        #expect(log.isDue(at: Self.start.adding(milliseconds: 5_000)))
        #expect(!log.isWorthwhile(at: Self.start))
        for number in 1..<ReadLog.worthwhileCount { #expect(log.append(read(number))) }
        #expect(log.isWorthwhile(at: Self.start))
        var number = 0
        while !log.isBlockFull {
            #expect(log.append(read(number)))
            number += 1
        }
        #expect(log.isDue(at: Self.start))
    }

    @Test("G5 a block gives back the records that were packed into it", arguments: [UInt64(1), 2, 3, 4, 5])
    func roundTrip(seed: UInt64) throws {
        let random = SeededRandom(seed: seed)
        var batch = ReadLog.Batch()
        var sent: [AuditRecord] = []
        for _ in 0..<random.below(400) + 1 {
            var record = AuditRecord(
                at: Timestamp(milliseconds: Int64(random.below(250_000_000_000_000))),
                action: String(repeating: ["a", "ü", "/", "{id}"][Int(random.below(4))], count: Int(random.below(60))),
                status: Int(random.below(1_000)), requestID: RequestID(high: random.uint64(), low: random.uint64()),
                latencyMicroseconds: Int(random.below(1 << 32)), bytesIn: Int(random.below(1 << 32)),
                bytesOut: Int(random.below(1 << 32)))
            record.book = random.below(2) == 0 ? .live : .test
            record.keyID = Int64(bitPattern: random.uint64())
            record.accountID = Int64(bitPattern: random.uint64())
            record.resellerID = Int64(bitPattern: random.uint64())
            record.count = Int(random.below(1 << 32))
            sent.append(record)
            AuditPacking.append(record, to: &batch.bytes)
        }
        batch.count = sent.count
        #expect(try records(batch) == sent)
    }

    @Test("G5 what is no block is told apart from an empty one")
    func noBlock() {
        #expect(AuditPacking.records(of: []) == nil)
        #expect(AuditPacking.records(of: [1, 2, 3]) == nil)
    }

    @Test("G5 a head reads back from its text, and nothing else does")
    func headText() {
        let head = AuditHead(incarnation: 3, sequence: 12, hash: SHA256.hash([1]))
        #expect(AuditHead(text: head.text) == head)
        for text in ["", "1:2", "1:2:zz", "a:2:\(head.hash.hex)", "1:2:\(head.hash.hex):"] {
            #expect(AuditHead(text: text) == nil)
        }
    }

    @Test("O6 counts of writes wait as long as a record may, and come back with what a failed commit did not keep")
    func counts() throws {
        let log = ReadLog()
        let key = UsageKey(read(1))
        var one = UsageCount()
        one.add(read(1))
        log.count([key: one], at: Self.start)
        log.count([key: one], at: Self.start.adding(milliseconds: 900))
        #expect(!log.isEmpty && !log.isSettled && log.fillBytes == 0)
        #expect(!log.isWorthwhile(at: Self.start.adding(milliseconds: 999)))
        #expect(log.isWorthwhile(at: Self.start.adding(milliseconds: 1_000)))
        #expect(!log.isDue(at: Self.start.adding(milliseconds: 4_999)))
        #expect(log.isDue(at: Self.start.adding(milliseconds: 5_000)))
        let batch = try #require(log.drain())
        #expect(batch.count == 0 && batch.usage[key]?.requests == 2)
        // Until the batch is kept or lost the tenant is looked at.
        #expect(log.isEmpty && !log.isSettled)
        log.count([key: one], at: Self.start.adding(milliseconds: 2_000))
        log.putBack(batch)
        #expect(log.isDue(at: Self.start.adding(milliseconds: 5_000)))
        let again = try #require(log.drain())
        #expect(again.usage[key]?.requests == 3)
        log.kept(again)
        #expect(log.isSettled && log.drain() == nil)
    }
}
