import Foundation
import RateLimiter
import Testing

@Suite struct LevelFiles {
    private let snapshot = LevelSnapshot(
        wallMilliseconds: 1_774_175_400_000,
        entries: [
            LevelSnapshot.Entry(ownerHigh: 1, ownerLow: .max, kind: 3, id: -5, debtNanoseconds: 17),
            LevelSnapshot.Entry(ownerHigh: .max, ownerLow: 0, kind: 255, id: .max, debtNanoseconds: 1 << 59),
        ])

    /// A path in a folder of its own.
    private func withPath(_ body: (String) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try body(folder.appendingPathComponent("levels").path)
    }

    @Test("a snapshot reads back as it was written")
    func roundTrip() throws {
        #expect(try LevelSnapshot(decoding: snapshot.encoded()) == snapshot)
        let empty = LevelSnapshot(wallMilliseconds: -1, entries: [])
        #expect(try LevelSnapshot(decoding: empty.encoded()) == empty)
    }

    @Test("no cut and no flipped bit goes unnoticed")
    func damage() throws {
        let bytes = snapshot.encoded()
        for count in 0..<bytes.count {
            #expect(throws: LevelSnapshot.Damage.self) { try LevelSnapshot(decoding: Array(bytes[..<count])) }
        }
        for bit in 0..<bytes.count * 8 {
            var flipped = bytes
            flipped[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(throws: LevelSnapshot.Damage.self) { try LevelSnapshot(decoding: flipped) }
        }
        #expect(throws: LevelSnapshot.Damage.wrongLength) { try LevelSnapshot(decoding: bytes + [0]) }
        #expect(throws: LevelSnapshot.Damage.unknownFormat) {
            try LevelSnapshot(decoding: [UInt8](repeating: 0, count: 64))
        }
    }

    @Test("G2 levels come back with the time that has passed")
    func saved() throws {
        try withPath { path in
            try LevelFile.save(LevelSnapshot(wallMilliseconds: 0, entries: []), to: path)
            try LevelFile.save(snapshot, to: path)
            let loaded = LevelFile.load(from: path, wallMilliseconds: snapshot.wallMilliseconds + 2500)
            #expect(loaded.outcome == .whole && loaded.entries == snapshot.entries)
            #expect(loaded.elapsedNanoseconds == 2_500_000_000)
            let earlier = LevelFile.load(from: path, wallMilliseconds: snapshot.wallMilliseconds - 1)
            #expect(earlier.outcome == .whole && earlier.elapsedNanoseconds == 0)
            #expect(LevelFile.load(from: path, wallMilliseconds: .max).elapsedNanoseconds == .max)
            #expect(!FileManager.default.fileExists(atPath: path + ".new"))
        }
    }

    @Test("G2 a file that is missing, short, damaged or unreadable starts empty and says so")
    func unusable() throws {
        try withPath { path in
            let missing = LevelFile.load(from: path, wallMilliseconds: 0)
            #expect(missing.outcome == .missing && missing.entries.isEmpty)
            for bytes in [[], [1, 2, 3], Array(snapshot.encoded().dropLast()), Array(snapshot.encoded().reversed())] {
                #expect(FileManager.default.createFile(atPath: path, contents: Data(bytes)))
                let loaded = LevelFile.load(from: path, wallMilliseconds: 0)
                guard case .damaged = loaded.outcome else {
                    Issue.record("\(loaded.outcome)")
                    continue
                }
                #expect(loaded.entries.isEmpty && loaded.elapsedNanoseconds == 0)
            }
            try FileManager.default.removeItem(atPath: path)
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
            guard case .damaged = LevelFile.load(from: path, wallMilliseconds: 0).outcome else {
                Issue.record("a folder was read as levels")
                return
            }
            #expect(throws: LevelFile.Failure.self) { try LevelFile.save(snapshot, to: path) }
            #expect(throws: LevelFile.Failure.self) { try LevelFile.save(snapshot, to: path + "/no/such") }
        }
    }

    @Test("G2 a restart forgives nothing: buckets stand as they stood, less the time between")
    func restart() throws {
        let policy = try policy(100, 100, 50)
        let before = Bucket(policy, now: 1000 * second)
        _ = before.take(cost: 30, now: 1000 * second)
        let entry = LevelSnapshot.Entry(
            ownerHigh: 0, ownerLow: 0, kind: 0, id: 1, debtNanoseconds: before.debtNanoseconds(now: 1000 * second))
        try withPath { path in
            try LevelFile.save(LevelSnapshot(wallMilliseconds: 5000, entries: [entry]), to: path)
            let loaded = LevelFile.load(from: path, wallMilliseconds: 9000)
            let after = Bucket(policy, now: 3 * second)
            after.restore(
                debtNanoseconds: try #require(loaded.entries.first).debtNanoseconds, elapsed: loaded.elapsedNanoseconds,
                now: 3 * second)
            #expect(after.peek(cost: 0, now: 3 * second).remaining == 24)
        }
    }
}
