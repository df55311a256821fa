import Cryptography
import Foundation
import Glibc
import SQLite

/// A file of this node that follows what the nodes share: a tenant's, or the registry. On its lane, while it is closed.
///
/// Invariant: the file holds nothing that the log has not; up to its mark it holds everything, synced. So what the log
/// has behind the mark, played into it, makes it whole, whatever of that it held before. A mark says where in the
/// tenant's history it is by sequence and chain: one that the log does not know that way is of another history.
struct SharedFile: Sendable {
    let path: String
    let tenant: TenantID
    /// Records and snapshots are sealed under it.
    let key: [UInt8]

    static let markSuffix = ".mark"
    /// A file that is being made of a snapshot and records.
    static let fetchedSuffix = ".fetched"
    /// One that is further than the log, kept for whoever decides.
    static let aheadSuffix = ".ahead"

    /// All that may lie beside a file.
    static let suffixes = [markSuffix, markSuffix + ".new", fetchedSuffix, aheadSuffix, copySuffix]
    /// What a snapshot is made of.
    static let copySuffix = ".snapshot"

    // MARK: The mark

    private static let magic = Array("TGMARK1\0".utf8)

    /// Nil: there is none, or none that can be read; the file is then fetched anew.
    var mark: SharedPlace? {
        guard let data = FileManager.default.contents(atPath: path + Self.markSuffix).map(Array.init),
            data.count == Self.magic.count + 8 + Digest.byteCount * 2, data.starts(with: Self.magic)
        else { return nil }
        let body = Array(data[..<(data.count - Digest.byteCount)])
        guard SHA256.hash(body).bytes == Array(data[body.count...]) else { return nil }
        let sequence = body[Self.magic.count...].prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        return Digest(bytes: Array(body.suffix(Digest.byteCount))).map { SharedPlace(sequence: sequence, chain: $0) }
    }

    /// The file has everything up to there, synced. A mark that is lost with the power is an older one: more is played.
    func write(mark: SharedPlace) throws {
        var bytes = Self.magic
        bytes += (0..<8).map { UInt8(truncatingIfNeeded: mark.sequence >> (56 - 8 * UInt64($0))) }
        bytes += mark.chain.bytes
        bytes += SHA256.hash(bytes).bytes
        let new = path + Self.markSuffix + ".new"
        DataDirectory.remove(new)
        try DataDirectory.writeNew(bytes, to: new, isSynced: false)
        try DataDirectory.rename(new, to: path + Self.markSuffix)
    }

    /// The file is about to become another: nothing is ever played into it by its present mark. Durable.
    func removeMark() throws {
        DataDirectory.remove(path + Self.markSuffix)
        try DataDirectory.synchronise(folder: folder)
    }

    var folder: String { (path as NSString).deletingLastPathComponent }

    // MARK: Making it whole

    /// Whether all of it is to be fetched, whatever the log says.
    var isAbsent: Bool { mark == nil || DataDirectory.size(of: path) == nil }

    /// Makes the file what the log says it is at this head. Throws a `SharedLogError` where the log cannot be read, a
    /// `TenantFileError` where the file is further than the log. Gives whether it was so already. `willFetch`: before
    /// all of it is fetched.
    @discardableResult
    func complete(
        _ head: SharedHead, from log: any SharedLog, willFetch: () throws -> Void = {}
    ) throws -> Bool {
        if let mark, DataDirectory.size(of: path) != nil {
            guard mark.sequence <= head.sequence else {
                keepAside()
                throw Self.ahead(mark, head)
            }
            if try follows(mark, head, log) {
                do {
                    return try play(from: mark, head, log)
                } catch let error as SharedLogError {
                    // What it lacks is not to be had one by one; perhaps as a whole.
                    guard case .damaged = error else { throw error }
                }
            }
        }
        try willFetch()
        try fetch(head, from: log)
        return false
    }

    /// Whether the file as of its mark is on the way to the head.
    private func follows(_ mark: SharedPlace, _ head: SharedHead, _ log: any SharedLog) throws -> Bool {
        guard mark.sequence >= head.resetAt else { return false }
        let known = mark.sequence == head.sequence ? head.chain : try log.chain(of: tenant, at: mark.sequence)
        // What the file had there is not what the log has: it is of a history that the database was taken back from.
        if let known, known != mark.chain { keepAside() }
        return known == mark.chain
    }

    /// Gives whether there was nothing to play.
    private func play(from mark: SharedPlace, _ head: SharedHead, _ log: any SharedLog) throws -> Bool {
        guard mark.sequence < head.sequence else { return true }
        try replay(try PageReplay(path: path), from: mark, head, log)
        try write(mark: SharedPlace(sequence: head.sequence, chain: head.chain))
        return false
    }

    func replay(
        _ pages: PageReplay, from place: SharedPlace, _ head: SharedHead, _ log: any SharedLog
    ) throws {
        let chain = try log.records(
            of: tenant, after: place.sequence, chain: place.chain, upTo: head.sequence, key: key
        ) { record in
            try record.payload.withUnsafeBytes { try pages.apply($0) }
        }
        guard chain == head.chain else { throw SharedLogError.damaged("the chain of \(tenant.text) ends elsewhere") }
        try pages.finish()
    }

    /// Makes a file of its own of what the log has, for whoever reads it. Throws as `complete` does.
    func fetch(from log: any SharedLog) throws {
        guard let head = try log.head(of: tenant) else { throw SharedLogError.unknown }
        try fetch(head, from: log)
    }

    /// Makes a file of its own of what the log had of it at that place. Throws as `complete` does.
    func fetch(upTo place: SharedPlace, from log: any SharedLog) throws {
        let head = SharedHead(owner: nil, epoch: 0, sequence: place.sequence, chain: place.chain, resetAt: 0)
        try fetch(head, from: log)
    }

    /// The newest snapshot that can be read whole, and the records behind it.
    private func fetch(_ head: SharedHead, from log: any SharedLog) throws {
        if mkdir(folder, 0o700) == 0 {
            try DataDirectory.synchronise(folder: (folder as NSString).deletingLastPathComponent)
        }
        var reason = SharedLogError.damaged("\(tenant.text) has no snapshot")
        for snapshot in try log.snapshots(of: tenant) where snapshot.sequence >= head.resetAt {
            // Put since, by whoever has the tenant.
            if snapshot.sequence > head.sequence { continue }
            do {
                return try fetch(snapshot, head, log)
            } catch let error as SharedLogError {
                guard case .damaged = error else { throw error }
                reason = error
            }
        }
        throw reason
    }

    private func fetch(_ snapshot: SharedSnapshot, _ head: SharedHead, _ log: any SharedLog) throws {
        let new = path + Self.fetchedSuffix
        DataDirectory.remove(new)
        defer { DataDirectory.remove(new) }
        try download(snapshot, log, to: new)
        if snapshot.sequence < head.sequence {
            try replay(
                PageReplay(path: new), from: SharedPlace(sequence: snapshot.sequence, chain: snapshot.chain), head,
                log)
        }
        try removeMark()
        // What was there besides is of no use any more.
        for suffix in ["-wal", PackedFile.suffix] { DataDirectory.remove(path + suffix) }
        try DataDirectory.rename(new, to: path)
        try DataDirectory.synchronise(folder: folder)
        try write(mark: SharedPlace(sequence: head.sequence, chain: head.chain))
    }

    func download(_ snapshot: SharedSnapshot, _ log: any SharedLog, to new: String) throws {
        let file = open(new, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw DataDirectory.Failure.unusable(new, String(cString: strerror(errno))) }
        defer { close(file) }
        var bytes: UInt64 = 0
        try log.read(snapshot, of: tenant, key: key) { piece in
            guard DataDirectory.write(piece, to: file) else { throw LaneFailure.storageFull }
            bytes += UInt64(piece.count)
        }
        guard bytes == snapshot.bytes else { throw SharedLogError.damaged("a snapshot of \(tenant.text) is short") }
        guard fsync(file) == 0 else { throw DataDirectory.Failure.unusable(new, String(cString: strerror(errno))) }
    }

    /// It says what no log knows: a database was taken back to an older moment. Nobody but a person can say which of
    /// the two is to be (case 17).
    @discardableResult
    private func keepAside() -> Bool {
        DataDirectory.remove(path + Self.aheadSuffix)
        guard link(path, path + Self.aheadSuffix) == 0 else { return false }
        return (try? DataDirectory.synchronise(folder: folder)) != nil
    }

    private static func ahead(_ mark: SharedPlace, _ head: SharedHead) -> TenantFileError {
        .damaged(
            "its file is at \(mark.sequence), the cluster's log at \(head.sequence): the database was taken back; "
                + "tollgate tenant adopt decides")
    }

    // MARK: Giving it to the log

    /// The file, closed and synced, is what the log knows of the tenant from here on. Nobody has it open: a descriptor
    /// of ours that is closed would take SQLite's locks along.
    func reset(to stream: any SharedStream) throws -> SharedPlace {
        let place = try Self.reading(path) { next in try stream.reset(next) }
        try write(mark: place)
        return place
    }

    private static let pieceBytes = 1 << 20

    /// Reads a file piece by piece.
    static func reading<Value>(_ path: String, _ body: (() throws -> [UInt8]?) throws -> Value) throws -> Value {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw DataDirectory.Failure.unusable(path, String(cString: strerror(errno))) }
        defer { close(file) }
        return try body {
            var piece = [UInt8](repeating: 0, count: pieceBytes)
            var count = piece.withUnsafeMutableBytes { Glibc.read(file, $0.baseAddress, $0.count) }
            while count < 0 && errno == EINTR {
                count = piece.withUnsafeMutableBytes { Glibc.read(file, $0.baseAddress, $0.count) }
            }
            guard count >= 0 else { throw DataDirectory.Failure.unusable(path, String(cString: strerror(errno))) }
            if count == 0 { return nil }
            piece.removeSubrange(count...)
            return piece
        }
    }
}
