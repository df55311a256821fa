import Compression
import FaultDisk
import Foundation
import SQLite
import TestSeeds
import TestTenants
import Testing

/// What commits that went to a sink make of a file, whatever of its pages a power cut has left there.
@Suite(.serialized) struct ReplayTests {
    @Test(
        "B1 the commits after any mark make of the file what SQLite has, over any mixture of older and newer sectors",
        arguments: Effort.seeds(6, long: 2_000))
    func anyMixture(seed: UInt64) throws {
        let life = try FileLife(seed: seed)
        let steps = life.chance.pick(10...40)
        for _ in 0..<steps {
            try life.act()
            if life.chance.happens(oneIn: 3) { try life.compare() }
        }
        try life.compare()
    }

    @Test(
        "B1 G8 a replay that the disk ends, and that a power cut follows, is made again and ends at the same file",
        arguments: Effort.seeds(6, long: 600))
    func interrupted(seed: UInt64) throws {
        let life = try FileLife(seed: seed)
        for _ in 0..<life.chance.pick(3...20) { try life.act() }
        try life.compareInterrupted()
    }

    @Test("a file that is open is not replayed into, nor one that is missing")
    func lockedOrMissing() throws {
        let folder = try TestFolder()
        let connection = try Connection(path: folder.file("live.sqlite"))
        try connection.configureLive()
        let error = #expect(throws: SQLiteError.self) { try PageReplay(path: folder.file("live.sqlite")) }
        #expect(error?.isBusy == true)
        #expect(throws: SQLiteError.self) { try PageReplay(path: folder.file("missing.sqlite")) }
        #expect(!FileManager.default.fileExists(atPath: folder.file("missing.sqlite")))
        connection.closeEmptyingWAL()
        try PageReplay(path: folder.file("live.sqlite")).finish()
    }

    @Test("B1 a file that was cut short is refused, wherever: no replay fills it up with zeros")
    func cutShort() throws {
        try FileLife(seed: 11).compareCut()
    }

    @Test(
        "bytes that are no commit are refused, cut or changed at any place, and nothing beside the page is touched"
    )
    func noCommit() throws {
        let life = try FileLife(seed: 7)
        let isPacked = { (commit: [UInt8]) in commit.count >= 200 && commit.starts(with: Self.packedMark) }
        while !life.sink.commits.contains(where: isPacked) { try life.act() }
        let packed = try #require(life.sink.commits.first(where: isPacked))
        let path = life.folder.file("target.sqlite")
        try Data(count: 4_096).write(to: URL(fileURLWithPath: path))
        var chance = Seeded(state: Effort.seed)
        for commit in [packed, try unpacked(packed)] {
            for length in 0..<min(commit.count, 3_000) {
                #expect(throws: SQLiteError.self) { try apply([UInt8](commit[..<length]), to: path) }
            }
            #expect(throws: SQLiteError.self) { try apply(commit + [0], to: path) }
            for _ in 0..<500 {
                var changed = commit
                for _ in 0..<chance.pick(1...3) {
                    changed[chance.below(min(changed.count, 64))] = UInt8(chance.below(256))
                }
                // Never written: only read, whether it may be one or not.
                try? apply(changed, to: path)
            }
        }
        // One that claims to be longer than any block can give takes no memory.
        let endless: [UInt8] = Self.packedMark + Self.packedMark + packed[8...]
        #expect(throws: SQLiteError.self) { try apply(endless, to: path) }
    }

    private static let packedMark: [UInt8] = [0xFF, 0xFF, 0xFF, 0xFF]

    /// A commit as it was before it was packed.
    private func unpacked(_ packed: [UInt8]) throws -> [UInt8] {
        let count = packed[4..<8].reversed().reduce(0) { $0 << 8 | Int($1) }
        var out = [UInt8](repeating: 0, count: count)
        try packed[8...].withUnsafeBytes { block in
            try out.withUnsafeMutableBytes { try LZ4.decompress(block, to: $0) }
        }
        return out
    }

    @Test("B1 commits are logged packed; one that is not, as earlier programs wrote them, makes the same file")
    func packedOrNot() throws {
        let life = try FileLife(seed: 7)
        for _ in 0..<20 { try life.act() }
        #expect(life.sink.commits.contains { $0.starts(with: Self.packedMark) })
        let folder = try TestFolder()
        // One page, filled with zeros but for a run of 200 bytes at 16.
        let plain: [UInt8] =
            [1, 0, 0, 0, 1, 0, 0, 0] + [1, 0, 0, 0, 1, 1, 0] + [16, 0, 199, 0] + .init(repeating: 9, count: 200)
        var block = [UInt8](repeating: 0, count: 2 * plain.count)
        let length = try #require(
            plain.withUnsafeBytes { plain in block.withUnsafeMutableBytes { LZ4.compress(plain, to: $0) } })
        let packed = Self.packedMark + [UInt8(plain.count), 0, 0, 0] + block[..<length]
        #expect(packed.count < plain.count)
        var files: [Data] = []
        for (number, commit) in [plain, packed].enumerated() {
            let path = folder.file("\(number).sqlite")
            try Data(count: 4_096).write(to: URL(fileURLWithPath: path))
            let replay = try PageReplay(path: path)
            try commit.withUnsafeBytes { try replay.apply($0) }
            try replay.finish()
            files.append(try Data(contentsOf: URL(fileURLWithPath: path)))
        }
        #expect(files[0] == files[1] && files[0][16] == 9 && files[0][215] == 9 && files[0][216] == 0)
    }

    private func apply(_ commit: [UInt8], to path: String) throws {
        let replay = try PageReplay(path: path)
        try commit.withUnsafeBytes { bytes in try replay.apply(bytes) }
    }
}

/// A file whose commits are kept, with all that its database file has been since its last mark.
private final class FileLife {
    private struct Mark {
        /// What the file was when it was synced, and after each checkpoint since.
        var images: [[UInt8]]
        /// Commits that were in it by then.
        let commits: Int
    }

    let folder: TestFolder
    let sink = KeptCommits()
    /// Where syncs cost nothing.
    private let disk: FaultDisk
    var chance: Seeded
    private let seed: UInt64
    private let path: String
    private var connection: Connection
    private var marks: [Mark] = []

    init(seed: UInt64) throws {
        self.seed = seed
        chance = Seeded(state: seed)
        folder = try TestFolder()
        disk = FaultDisk(folder.path)
        path = folder.file("live.sqlite")
        connection = try Connection(path: path, sink: sink)
        // Few pages, so that transactions write out what they have not committed.
        try connection.configureLive(cacheKiB: chance.pick([20, 40, 400]))
        try connection.execute("PRAGMA cache_spill=ON")
        try connection.execute("CREATE TABLE item0 (id INTEGER PRIMARY KEY, a TEXT, b BLOB)")
        try connection.checkpoint(.truncate)
        try connection.beginLogging()
        try mark()
    }

    /// Everything is in the file, as far as no later checkpoint is torn.
    private func mark() throws {
        try connection.checkpoint(chance.pick([.passive, .truncate]))
        try connection.syncFile()
        marks.append(Mark(images: [try bytes(path)], commits: sink.count))
    }

    private func bytes(_ path: String) throws -> [UInt8] { try [UInt8](Data(contentsOf: URL(fileURLWithPath: path))) }

    private func checkpoint() throws {
        try connection.checkpoint(chance.pick([.passive, .passive, .truncate]))
        let image = try bytes(path)
        for place in marks.indices { marks[place].images.append(image) }
    }

    func act() throws {
        switch chance.pick(1...30) {
        case 1...6: try checkpoint()
        case 7: try mark()
        case 8: try vacuum()
        case 9: try refused()
        case 10: try connection.execute("PRAGMA user_version=\(chance.pick(1...1_000))")
        case 11: try reopen()
        default: try transaction()
        }
    }

    private func vacuum() throws {
        if chance.happens(oneIn: 2) { try connection.execute("DELETE FROM item0 WHERE id % 3 > 0") }
        try connection.execute("VACUUM")
    }

    private func refused() throws {
        sink.refuses(chance.pick([.full, .failed]))
        _ = try? transaction()
        try? connection.rollback()
        sink.refuses(nil)
    }

    /// Thrown away and opened after a replay, as after a failed log.
    private func reopen() throws {
        connection.close()
        try replay(sink.commits[marks[marks.count - 1].commits...], into: path)
        let image = try bytes(path)
        for place in marks.indices { marks[place].images.append(image) }
        connection = try Connection(path: path, sink: sink)
        try connection.configureLive(cacheKiB: chance.pick([20, 40, 400]))
        try connection.execute("PRAGMA cache_spill=ON")
        try connection.beginLogging()
    }

    private func transaction() throws {
        try connection.beginImmediate()
        for _ in 0..<chance.pick(1...12) {
            if !chance.happens(oneIn: 6) {
                try statement()
                continue
            }
            try connection.execute("SAVEPOINT part")
            for _ in 0..<chance.pick(1...6) { try statement() }
            if chance.happens(oneIn: 2) { try connection.execute("ROLLBACK TO part") }
            try connection.execute("RELEASE part")
        }
        if chance.happens(oneIn: 8) { try connection.rollback() } else { try connection.commit() }
    }

    private func statement() throws {
        let tables = try connection.row("SELECT count(*) FROM sqlite_schema WHERE type = 'table'") { try $0.int() }
        let table = "item\(chance.below(Int(tables ?? 1)))"
        let bytes = chance.pick([3, 3, 20, 20, 200, 200, 3_000, 9_000])
        switch chance.pick(1...14) {
        case 1: try connection.execute("UPDATE \(table) SET a = a || 'y' WHERE id % \(chance.pick(1...9)) = 0")
        case 2: try connection.execute("DELETE FROM \(table) WHERE id % \(chance.pick(2...9)) = 0")
        case 3: try connection.execute("UPDATE \(table) SET b = zeroblob(\(bytes)) WHERE id % 5 = 1")
        case 4 where tables ?? 1 < 5:
            let table = "item\(tables ?? 1)"
            try connection.execute("CREATE TABLE \(table) (id INTEGER PRIMARY KEY, a TEXT, b BLOB)")
            try connection.execute("CREATE INDEX \(table)_a ON \(table) (a)")
        case 5: try connection.execute("DELETE FROM \(table)")
        default:
            for _ in 1...chance.pick(1...3) {
                try connection.run(
                    dynamic: "INSERT INTO \(table) (a, b) VALUES (hex(?1), ?2)",
                    [.blob(noise(bytes / 3)), .blob(noise(bytes))])
            }
        }
    }

    private func noise(_ count: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < count { withUnsafeBytes(of: chance.next()) { bytes += $0 } }
        return bytes
    }

    // MARK: Replays

    /// From a mark of any age, over sectors of any age since.
    func compare() throws {
        let mark = chance.pick(marks)
        let target = folder.file("replayed.sqlite")
        try Data(mixture(of: mark.images)).write(to: URL(fileURLWithPath: target))
        try replay(sink.commits[mark.commits...], into: target)
        try expectSame(target)
    }

    func compareInterrupted() throws {
        let mark = chance.pick(marks)
        let broken = try TestFolder()
        let disk = FaultDisk(broken.path)
        let target = broken.file("replayed.sqlite")
        try Data(mixture(of: mark.images)).write(to: URL(fileURLWithPath: target))
        let calls: Set<DiskCall> = chance.pick([[.write], [.read], [.truncate], [.sync], Set(DiskCall.allCases)])
        disk.set(FaultPlan(calls, .ioError, at: chance.pick(1...12), count: 1))
        if (try? replay(sink.commits[mark.commits...], into: target)) == nil, chance.happens(oneIn: 2) {
            var pieces = Seeded(state: chance.next())
            let after = folder.file("cut")
            try disk.image { try $0.copyAfterPowerCut(to: after) { pieces.pick([.whole, .torn, .none]) } }
            try FileManager.default.removeItem(atPath: target)
            try FileManager.default.copyItem(atPath: after + "/replayed.sqlite", toPath: target)
        }
        disk.set(nil)
        try replay(sink.commits[mark.commits...], into: target)
        try expectSame(target)
    }

    /// The file as it was at a mark, less some pages at its end.
    func compareCut() throws {
        for _ in 0..<8 { try transaction() }
        try mark()
        let mark = marks[marks.count - 1]
        while sink.count < mark.commits + 3 { try transaction() }
        let whole = mark.images[0]
        let target = folder.file("replayed.sqlite")
        let pagesAll = whole.count / Connection.pageBytes
        #expect(pagesAll > 10)
        for pages in 1..<pagesAll {
            let cut = Array(whole[..<(pages * Connection.pageBytes)])
            try Data(cut).write(to: URL(fileURLWithPath: target))
            let error = #expect(throws: SQLiteError.self) { try replay(sink.commits[mark.commits...], into: target) }
            #expect(error?.isCorrupt == true)
            #expect(try bytes(target) == cut)
        }
    }

    private func mixture(of images: [[UInt8]]) -> [UInt8] {
        let sectorBytes = 512
        var mixed = [UInt8](repeating: 0, count: chance.pick(images).count)
        for start in stride(from: 0, to: mixed.count, by: sectorBytes) {
            let image = chance.pick(images)
            guard start < image.count else { continue }
            let end = min(start + sectorBytes, mixed.count, image.count)
            mixed[start..<end] = image[start..<end]
        }
        return mixed
    }

    private func replay(_ commits: ArraySlice<[UInt8]>, into path: String) throws {
        let replay = try PageReplay(path: path)
        for commit in commits { try commit.withUnsafeBytes { bytes in try replay.apply(bytes) } }
        try replay.finish()
    }

    /// By SQLite's own copies of the two, which read the pages and nothing else.
    private func expectSame(_ target: String) throws {
        let replayed = try Connection(path: target, flags: [.readWrite])
        try replayed.configureLive()
        // First: SQLite goes through as many pages as a file says it has.
        try #require(try replayed.pageCount == connection.pageCount, "\(Effort.replay(seed))")
        try #require(try replayed.integrityCheck() == [], "\(Effort.replay(seed))")
        let copies = try [copy(connection, "expected.sqlite"), copy(replayed, "found.sqlite")]
        try #require(copies[0] == copies[1], "\(Effort.replay(seed))")
        replayed.closeEmptyingWAL()
        // And where the live file has everything itself, it is that file.
        guard chance.happens(oneIn: 4) else { return }
        try checkpoint()
        try #require(try bytes(target) == bytes(path), "\(Effort.replay(seed))")
    }

    private func copy(_ source: Connection, _ name: String) throws -> [UInt8] {
        let target = folder.file(name)
        try? FileManager.default.removeItem(atPath: target)
        let backup = try source.backup(to: target)
        while try backup.step(pages: 1_000) != .done {}
        return try bytes(target)
    }
}
