import Cryptography
import Foundation
import SQLite
import Synchronization
import TenantRegistry

/// What a node knows of its own archive, in `DATA/archive.sqlite`: a listing may lag, so it is not asked. It may be
/// lost: then the node begins a log of its own in the archive, with a snapshot of every tenant.
///
/// `@unchecked Sendable`: everything is touched under `lock`.
final class ArchiveLedger: @unchecked Sendable {
    /// Of one tenant.
    struct Entry {
        var snapshot: ArchiveManifest.Tenant?
        /// The archive is not told of the snapshot yet: the object that does is being made.
        var isUntold = false
        /// Name of the object with its keys; empty: none was written.
        var keys = ""
        /// They are on their way there; not written down. An erasure that is over has taken it along.
        var isKeeping = false
        /// Bytes of its frames since the snapshot, and where the last of them ended.
        var logged: Int64 = 0
        var lastLSN: UInt64 = 0
        /// It is gone from the node, and its keys are to go from the archive.
        var isErased = false
        /// When its snapshot was last restored for a trial; 0: never.
        var triedAt: Int64 = 0

        /// Whether a reader of the archive finds a copy of it there.
        var hasCopy: Bool { snapshot != nil && !isUntold && !isErased }

        /// Whether its copy needs nothing of the log up to this object.
        func lies(behind place: LogObjectPlace) -> Bool { (snapshot?.mark?.since).map { $0 > place } ?? false }
    }

    struct Standing {
        var node: String
        var log: LogID
        var generation: UInt32
        var place: NodeLog.Place?
        /// The last that was put, of this start.
        var object: LogObjectPlace?
    }

    private let lock = NSLock()
    private let connection: Connection
    private var entries: [TenantID: Entry] = [:]
    /// What is not written down yet.
    private var dirty: Set<TenantID> = []
    private var gone: [TenantID] = []
    /// Whose keys are to go.
    private var erased: Set<TenantID> = []
    /// Where the archive lies.
    private var address = ""
    private var standing = Standing(node: "", log: LogID(high: 0, low: 0), generation: 0)
    /// Where a process that starts now goes on from.
    private var noted: UInt64 = 0

    init(_ path: String) throws {
        connection = try Connection(path: path, flags: [.readWrite, .create])
        try connection.configureLive()
        try connection.execute(Self.schema)
        entries = try Self.read(connection)
        erased = Set(entries.filter(\.value.isErased).map(\.key))
    }

    /// The node's log is open. Where it is another than before, LSNs of snapshots mean nothing any more; erasures are
    /// still owed. Where the archive lies at another address than before, nothing of what is known is there.
    /// `formerly`: how an earlier program wrote this address down.
    func begin(_ log: LogID, at address: String, formerly: String? = nil, _ random: any RandomSource) throws {
        try locked {
            let isElsewhere = try isElsewhere(address, formerly)
            if isElsewhere { dropAll() }
            self.address = address
            let known = try connection.row(
                "SELECT node, log, generation, lsn, chain FROM standing WHERE id = 1"
            ) { row -> Standing in
                let (node, log) = (try row.text(), try row.blob())
                let (generation, lsn, chain) = (try row.int(), try row.int(), try row.blob())
                return Standing(
                    node: node, log: LogID(log), generation: UInt32(truncatingIfNeeded: generation),
                    place: Digest(bytes: chain).map { NodeLog.Place(lsn: UInt64(bitPattern: lsn), chain: $0) })
            }
            if let known, known.log == log, !isElsewhere {
                standing = known
            } else {
                standing = Standing(node: LogObjectPlace.node(random), log: log, generation: 0)
                dropSnapshots()
            }
            standing.generation += 1
        }
        try save()
    }

    /// Whether what is known is of another address. One that is not written down yet is this.
    private func isElsewhere(_ address: String, _ formerly: String?) throws -> Bool {
        let known = try connection.row("SELECT text FROM place WHERE id = 1") { try $0.text() }
        return known.map { $0 != address && $0 != formerly } ?? false
    }

    /// Makes the archive there where it is not. Whether something is known of one, and it is not there any more: an
    /// empty disk or a new bucket is where it was. Then nothing of what is known is there, which is written down before
    /// the new one is made.
    func open(_ store: any ObjectStore, _ random: any RandomSource) throws -> Bool {
        let isLost = try knowsArchive(at: store) && store.get(ArchivePlace.format) == nil
        if isLost {
            // Where nothing may be written, as on a mount point that is the system's alone, nothing is lost.
            try Archive.mayBegin(store)
            try locked {
                dropAll()
                if standing.generation > 0 {
                    (standing, noted) = (
                        Standing(node: LogObjectPlace.node(random), log: standing.log, generation: 1), 0
                    )
                }
                // Its log begins anew, also where this process has not read yet how far it went.
                try connection.run("DELETE FROM standing")
            }
            try save()
        }
        _ = try Archive.forWriting(store)
        return isLost
    }

    /// At another address `begin` finds that nothing is there.
    private func knowsArchive(at store: any ObjectStore) throws -> Bool {
        try locked {
            if try isElsewhere(store.address, store.place) { return false }
            if entries.values.contains(where: { !$0.keys.isEmpty || $0.snapshot != nil }) { return true }
            // How far its log went.
            return try connection.exists("SELECT 1 FROM standing WHERE chain <> x''")
        }
    }

    private func dropAll() {
        for id in entries.keys { entries[id]?.keys = "" }
        dropSnapshots()
    }

    private func dropSnapshots() {
        for id in entries.keys { entries[id]?.snapshot = nil }
        dirty.formUnion(entries.keys)
    }

    private static let schema = """
        CREATE TABLE IF NOT EXISTS standing (
            id INTEGER PRIMARY KEY CHECK (id = 1), node TEXT NOT NULL, log BLOB NOT NULL, generation INTEGER NOT NULL,
            lsn INTEGER NOT NULL, chain BLOB NOT NULL
        ) STRICT;
        CREATE TABLE IF NOT EXISTS tenant (
            id BLOB PRIMARY KEY, snapshot BLOB, keys TEXT NOT NULL, logged INTEGER NOT NULL, last_lsn INTEGER NOT NULL,
            is_erased INTEGER NOT NULL, tried_at INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS place (id INTEGER PRIMARY KEY CHECK (id = 1), text TEXT NOT NULL) STRICT;
        CREATE TABLE IF NOT EXISTS copy (
            place TEXT NOT NULL, name TEXT NOT NULL, PRIMARY KEY (place, name)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX IF NOT EXISTS copy_by_name ON copy (name);
        CREATE TABLE IF NOT EXISTS copies_noted (
            id INTEGER PRIMARY KEY CHECK (id = 1), since TEXT NOT NULL
        ) STRICT;
        CREATE TABLE IF NOT EXISTS owner (name TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS stream (folder TEXT PRIMARY KEY, last TEXT NOT NULL) STRICT, WITHOUT ROWID;
        """

    private static func read(_ connection: Connection) throws -> [TenantID: Entry] {
        let rows = try connection.rows(
            "SELECT id, snapshot, keys, logged, last_lsn, is_erased, tried_at FROM tenant"
        ) { row -> (TenantID, Entry) in
            let id = try row.tenantID()
            var entry = Entry()
            entry.snapshot = try row.optionalBlob().flatMap {
                try? ArchiveManifest.Tenant(reading: $0, "archive.sqlite")
            }
            entry.keys = try row.text()
            entry.logged = try row.int()
            entry.lastLSN = UInt64(bitPattern: try row.int())
            entry.isErased = try row.bool()
            entry.triedAt = try row.int()
            return (id, entry)
        }
        return Dictionary(uniqueKeysWithValues: rows)
    }

    private func locked<Value>(_ body: () throws -> Value) rethrows -> Value {
        lock.lock()
        defer { lock.unlock() }
        return try body()
    }

    // MARK: Standing

    var node: String { locked { standing.node } }
    var generation: UInt32 { locked { standing.generation } }
    var place: NodeLog.Place? { locked { standing.place } }

    /// Another log begins in the archive: what there is of snapshots belongs to no place in it.
    func beginAnew(_ random: any RandomSource) {
        locked {
            standing = Standing(node: LogObjectPlace.node(random), log: standing.log, generation: 1)
            noted = 0
            dropSnapshots()
        }
    }

    /// The log was not followed all the way: what comes next goes with no snapshot that there is.
    func dropAllSnapshots() { locked { dropSnapshots() } }

    /// The archive has lost this object of the log: what came behind it goes only with a copy from behind it.
    func dropSnapshots(needing place: LogObjectPlace) {
        locked {
            for (id, entry) in entries where entry.snapshot != nil && !entry.lies(behind: place) {
                entries[id]?.snapshot = nil
                dirty.insert(id)
            }
        }
    }

    /// The archive has lost these objects with tenants' keys: they are written anew, with copies of what they open.
    func dropKeys(_ names: Set<String>) {
        locked {
            for (id, entry) in entries where names.contains(entry.keys) && !entry.isErased {
                entries[id]?.keys = ""
                entries[id]?.snapshot = nil
                dirty.insert(id)
            }
        }
    }

    /// Up to where the log may go: what comes after it is read again after a kill, though the archive may have it.
    var notedLSN: UInt64 { locked { noted } }

    /// Up to where the archive has the log, and the object that is the last of it.
    func reached(_ place: NodeLog.Place, with object: LogObjectPlace) {
        locked { (standing.place, standing.object) = (place, object) }
    }

    /// The last object of each start of the node, as it was written down: the next start goes on behind it. In order.
    func ends() throws -> [LogObjectPlace] {
        try locked {
            try connection.rows("SELECT last FROM stream ORDER BY last") { try $0.text() }
        }.compactMap { LogObjectPlace($0) }
    }

    /// Writes down what changed since the last time.
    func save() throws {
        try locked {
            try connection.beginImmediate()
            do {
                if standing.generation > 0 { try saveStanding() }
                if !address.isEmpty {
                    try connection.run("INSERT OR REPLACE INTO place (id, text) VALUES (1, ?1)", .text(address))
                }
                for id in dirty {
                    guard let entry = entries[id] else { continue }
                    try connection.run(
                        """
                        INSERT INTO tenant (id, snapshot, keys, logged, last_lsn, is_erased, tried_at)
                        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
                        ON CONFLICT DO UPDATE SET snapshot = excluded.snapshot, keys = excluded.keys,
                            logged = excluded.logged, last_lsn = excluded.last_lsn, is_erased = excluded.is_erased,
                            tried_at = excluded.tried_at
                        """,
                        .blob(id.bytes), entry.snapshot.map { .blob($0.json) } ?? .null, .text(entry.keys),
                        .integer(entry.logged), .integer(Int64(bitPattern: entry.lastLSN)),
                        .integer(entry.isErased ? 1 : 0), .integer(entry.triedAt))
                }
                for id in gone { try connection.run("DELETE FROM tenant WHERE id = ?1", .blob(id.bytes)) }
                try connection.commit()
            } catch {
                try? connection.rollback()
                throw error
            }
            (gone, dirty) = ([], [])
            try connection.checkpoint(.passive)
            noted = standing.place?.lsn ?? 0
        }
    }

    private func saveStanding() throws {
        try connection.run(
            """
            INSERT INTO standing (id, node, log, generation, lsn, chain) VALUES (1, ?1, ?2, ?3, ?4, ?5)
            ON CONFLICT DO UPDATE SET node = excluded.node, log = excluded.log, lsn = excluded.lsn,
                generation = excluded.generation, chain = excluded.chain
            """,
            .text(standing.node), .blob(standing.log.bytes), .integer(Int64(standing.generation)),
            .integer(Int64(bitPattern: standing.place?.lsn ?? 0)), .blob(standing.place?.chain.bytes ?? []))
        guard let object = standing.object else { return }
        try connection.run(
            "INSERT OR REPLACE INTO stream (folder, last) VALUES (?1, ?2)", .text(object.folder), .text(object.text))
    }

    // MARK: Copies

    /// From this object on each copy that the log tells of is noted: of its node for good, however often that starts.
    func noteCopies(from place: LogObjectPlace) throws {
        try locked {
            let since = try connection.row("SELECT since FROM copies_noted WHERE id = 1") { try $0.text() }
            if since.flatMap({ LogObjectPlace($0) })?.node == place.node { return }
            try connection.run("DELETE FROM copy")
            try connection.run("INSERT OR REPLACE INTO copies_noted VALUES (1, ?1)", .text(place.text))
        }
    }

    /// Nil where none is.
    var copiesNotedFrom: LogObjectPlace? {
        locked {
            let since = try? connection.row("SELECT since FROM copies_noted WHERE id = 1") { try $0.text() }
            return since.flatMap { LogObjectPlace($0) }
        }
    }

    /// On the disk when this returns: the object at this place tells of these copies, by their indexes.
    func note(copies names: [String], at place: LogObjectPlace) throws {
        try locked {
            for name in names {
                try connection.run("INSERT OR IGNORE INTO copy VALUES (?1, ?2)", .text(place.text), .text(name))
            }
        }
    }

    /// Those of an owner that the log tells of from an object on.
    func copies(of owner: String, from place: LogObjectPlace) throws -> [String] {
        let start = "\(owner)/"
        return try locked {
            // `0` is what comes behind `/`.
            try connection.rows(
                "SELECT name FROM copy WHERE name > ?1 AND name < ?2 AND place >= ?3", .text(start),
                .text("\(owner)0"), .text(place.text)
            ) { try $0.text() }
        }
    }

    /// Whose copies and logs in the archive are this node's, for good and on the disk: `tenants/UUID`, `log/NODE`.
    /// These, those of copies that the log told of, and what was noted before. Manifests that named them may be gone.
    func note(owners: Set<String>) throws -> Set<String> {
        try locked {
            let told = try connection.rows("SELECT name FROM copy") { try ArchivePlace.owner(of: $0.text()) }
            let known = Set(try connection.rows("SELECT name FROM owner") { try $0.text() })
            let all = known.union(owners).union(told)
            if all == known { return known }
            try connection.beginImmediate()
            do {
                for owner in all.subtracting(known) {
                    try connection.run("INSERT INTO owner VALUES (?1)", .text(owner))
                }
                try connection.commit()
            } catch {
                try? connection.rollback()
                throw error
            }
            return all
        }
    }

    /// What lies before this object is gone from the archive, or is to go.
    func forget(before place: LogObjectPlace) throws {
        try locked {
            try connection.run("DELETE FROM copy WHERE place < ?1", .text(place.text))
            try connection.run("DELETE FROM stream WHERE last < ?1", .text(place.text))
        }
    }

    func close() {
        try? save()
        locked { connection.closeEmptyingWAL() }
    }

    // MARK: Tenants

    func entry(_ id: TenantID) -> Entry? { locked { entries[id] } }
    var all: [TenantID: Entry] { locked { entries } }

    func change<Value>(_ id: TenantID, _ body: (inout Entry) -> Value) -> Value {
        locked {
            dirty.insert(id)
            return body(&entries[id, default: Entry()])
        }
    }

    /// On the disk when this returns: whatever happens from here on, its keys go from the archive.
    func owe(erasureOf id: TenantID) throws {
        change(id) { entry in
            entry.isErased = true
            entry.snapshot = nil
        }
        locked { _ = erased.insert(id) }
        try save()
    }

    var owed: Set<TenantID> { locked { erased } }

    /// Its keys are gone from the archive.
    func forget(_ id: TenantID) {
        locked {
            entries[id] = nil
            erased.remove(id)
            gone.append(id)
        }
    }
}

extension LogID {
    fileprivate init(_ bytes: [UInt8]) {
        let halves = TenantID(bytes: bytes)
        self.init(high: halves?.high ?? 0, low: halves?.low ?? 0)
    }

    fileprivate var bytes: [UInt8] { TenantID(high: high, low: low).bytes }
}
