import Cryptography
import TenantRegistry

/// What a backup into a bucket and a pruning of it tell each other, since a bucket has no lock: two objects of fixed
/// names, which are got and never listed, for a list may lag (P11).
///
/// Invariant: a pruning says that it is there before it asks for manifests, and a backup asks for prunings once its
/// manifest is there. So either the pruning knows of the manifest, or the backup of the pruning, and takes its manifest
/// back: no manifest stays of which something was removed. One thread.
struct BackupMarks: Sendable {
    /// One of the two objects: whose work it is, and a sum, for a store may hand out half of it.
    struct Mark: Equatable {
        let isRunning: Bool
        let at: Timestamp
        /// Of a backup: the manifests that were written last. Of a pruning: a word that no other has.
        let words: [String]

        init(isRunning: Bool, at: Timestamp, words: [String]) {
            (self.isRunning, self.at, self.words) = (isRunning, at, words)
        }

        private static let running = "running"
        private static let ended = "ended"
        private static let sumBytes = 8

        private var fields: [String] {
            [isRunning ? Self.running : Self.ended, String(at.milliseconds)] + words
        }

        var bytes: [UInt8] { Array((fields + [Self.sum(of: fields)]).joined(separator: " ").utf8) }

        init?(_ bytes: [UInt8]) {
            var fields = String(decoding: bytes, as: UTF8.self).split(separator: " ").map(String.init)
            guard let sum = fields.popLast(), fields.count >= 2, sum == Self.sum(of: fields),
                [Self.running, Self.ended].contains(fields[0]), let at = Int64(fields[1])
            else { return nil }
            self.init(
                isRunning: fields[0] == Self.running, at: Timestamp(milliseconds: at),
                words: Array(fields.dropFirst(2)))
        }

        private static func sum(of fields: [String]) -> String {
            Hex.encode(Array(SHA256.hash(Array(fields.joined(separator: " ").utf8)).bytes.prefix(sumBytes)))
        }

        /// Whether its work may still go on: one that was cut off is waited for so long.
        func isUnderWay(at now: Timestamp, forSeconds seconds: Int64) -> Bool {
            isRunning && at > now.adding(seconds: -seconds)
        }
    }

    static let backupSeconds: Int64 = 86_400
    static let pruningSeconds: Int64 = 3_600
    private static let manifestsMax = 16

    private let store: any ObjectStore
    private let clock: any WallClock
    private let manifests: [String]
    /// Of prunings before.
    private let before: Mark?

    /// A backup begins. Throws where the place is being pruned.
    init(of store: any ObjectStore, _ clock: any WallClock) throws {
        self.store = store
        self.clock = clock
        manifests = try Self.mark(ArchivePlace.markOfBackup, in: store)?.words ?? []
        let mark = Mark(isRunning: true, at: clock.now(), words: manifests)
        _ = try store.put(ArchivePlace.markOfBackup, mark.bytes)
        before = try Self.mark(ArchivePlace.markOfPruning, in: store)
        if let before, before.isUnderWay(at: clock.now(), forSeconds: Self.pruningSeconds) {
            giveUp()
            throw ArchiveFailure.isPruned(store.place, since: before.at)
        }
    }

    /// Its manifest is there. Throws where it may not stay.
    func end(with manifest: String) throws {
        do {
            let words = Array((manifests + [manifest]).suffix(Self.manifestsMax))
            let mark = Mark(isRunning: false, at: clock.now(), words: words)
            _ = try store.put(ArchivePlace.markOfBackup, mark.bytes)
            if try Self.mark(ArchivePlace.markOfPruning, in: store) != before { throw ArchiveFailure.wasPruned }
        } catch {
            try store.remove(manifest)
            throw error
        }
    }

    /// It has no manifest, and will have none.
    func giveUp() {
        let mark = Mark(isRunning: false, at: clock.now(), words: manifests)
        _ = try? store.put(ArchivePlace.markOfBackup, mark.bytes)
    }

    /// Nil where there is none, or what is there is no mark, however often it is asked for.
    static func mark(_ name: String, in store: any ObjectStore) throws(StoreFailure) -> Mark? {
        for _ in 1...2 {
            guard let bytes = try store.get(name) else { return nil }
            if let mark = Mark(bytes) { return mark }
        }
        return nil
    }
}

/// The other side: a pruning of a bucket, which backups wait for. It renews its mark as it goes. One thread.
struct PruningMark {
    private let store: any ObjectStore
    private let clock: any WallClock
    private let word: String
    private var at: Timestamp

    private static let renewSeconds: Int64 = 600

    /// Throws where a backup is being written.
    init(in store: any ObjectStore, _ clock: any WallClock, _ random: any RandomSource) throws {
        self.store = store
        self.clock = clock
        word = Hex.encode(random.bytes(8))
        at = clock.now()
        // A backup that ends meanwhile is not to be told of a pruning that never was.
        try Self.judgeBackup(in: store, clock)
        let before = try store.get(ArchivePlace.markOfPruning)
        try put(isRunning: true)
        do {
            try Self.judgeBackup(in: store, clock)
        } catch {
            if let before {
                _ = try store.put(ArchivePlace.markOfPruning, before)
            } else {
                try store.remove(ArchivePlace.markOfPruning)
            }
            throw error
        }
    }

    private static func judgeBackup(in store: any ObjectStore, _ clock: any WallClock) throws {
        let mark = try BackupMarks.mark(ArchivePlace.markOfBackup, in: store)
        if let mark, mark.isUnderWay(at: clock.now(), forSeconds: BackupMarks.backupSeconds) {
            throw ArchiveFailure.isWritten(store.place, since: mark.at)
        }
    }

    private func put(isRunning: Bool) throws(StoreFailure) {
        let mark = BackupMarks.Mark(isRunning: isRunning, at: clock.now(), words: [word])
        _ = try store.put(ArchivePlace.markOfPruning, mark.bytes)
    }

    /// Before each step. Throws where it stood still for so long that a backup may have begun.
    mutating func renew() throws {
        let now = clock.now()
        guard at <= now, now < at.adding(seconds: BackupMarks.pruningSeconds / 2) else {
            throw StoreFailure.away("the pruning stood still since \(at.text)")
        }
        guard now >= at.adding(seconds: Self.renewSeconds) else { return }
        try put(isRunning: true)
        at = now
    }

    func end() { try? put(isRunning: false) }
}
