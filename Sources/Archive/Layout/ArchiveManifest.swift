import CallKit
package import Cryptography
import HTTPCore
package import TenantRegistry

/// What one backup holds: the last object that it writes, so that a backup without one never was. The master key is in
/// it only where a passphrase seals it.
package struct ArchiveManifest: Sendable {
    package struct Tenant: Sendable, Equatable {
        package let id: TenantID
        package let slug: String
        /// The object that lists its pieces.
        package let index: String
        package let bytes: Int64
        /// Where its chain stood.
        package let head: String
        /// Where it stands in the node's log, and in which life of the file; nil where the backup has no log.
        package let mark: SnapshotMark?

        package init(id: TenantID, slug: String, index: String, bytes: Int64, head: String, mark: SnapshotMark? = nil) {
            self.id = id
            self.slug = slug
            self.index = index
            self.bytes = bytes
            self.head = head
            self.mark = mark
        }
    }

    package struct Failure: Sendable {
        package let slug: String
        package let reason: String

        package init(slug: String, reason: String) {
            self.slug = slug
            self.reason = reason
        }
    }

    package var startedAt: Timestamp
    package var endedAt: Timestamp
    package var tenants: [Tenant] = []
    package var failed: [Failure] = []
    /// Of the registry.
    package var index = ""
    /// Where the log goes on from here; nil in a backup of one moment.
    package var log: LogObjectPlace?

    package init(startedAt: Timestamp) {
        self.startedAt = startedAt
        endedAt = startedAt
    }

    private static let magic = Array("TGARCH\r\n".utf8)
    private static let version: UInt8 = 1
    /// Of one that is followed by a log: registry and tenants are not whole without it.
    private static let versionWithLog: UInt8 = 2
    /// Of the master key under a passphrase.
    private static let keyMagic = Array("TGMKEY\r\n".utf8)

    private var json: [UInt8] {
        JSONWriter.object { json in
            json.field("started_at", startedAt.milliseconds)
            json.field("ended_at", endedAt.milliseconds)
            json.field("registry", index)
            if let log { json.field("log", log.text) }
            json.array("tenants") { json in
                for tenant in tenants { json.object { tenant.write(to: &$0) } }
            }
            json.array("failed") { json in
                for failure in failed {
                    json.object { json in
                        json.field("slug", failure.slug)
                        json.field("reason", failure.reason)
                    }
                }
            }
        }
    }

    /// The master key as it stands in a manifest. Long: scrypt.
    package static func wrap(
        _ masterKey: [UInt8], _ passphrase: Passphrase, random: any RandomSource
    ) throws -> [UInt8] {
        var chunks = try SealedChunks(magic: keyMagic, version: version, passphrase: passphrase, random: random)
        return chunks.head + (try chunks.seal(masterKey, isLast: true))
    }

    /// Name and bytes: magic, version, the length of the wrapped master key and that key, then the rest sealed.
    package func sealed(under key: ArchiveKey, wrappedMasterKey: [UInt8]) throws -> (name: String, bytes: [UInt8]) {
        let version = log == nil ? Self.version : Self.versionWithLog
        let front = Self.magic + [version] + [UInt8](places: Int64(wrappedMasterKey.count)) + wrappedMasterKey
        // What stands in front is part of the name, and so of the seal.
        let mark = Hex.encode(Array(SHA256.hash(front).bytes.prefix(8)))
        let place = "\(ArchivePlace.manifests)/\(startedAt.compactText)-\(mark)"
        let (name, bytes) = try key.seal(json, at: place)
        return (name, front + bytes)
    }

    /// Whether a manifest was begun behind a moment, by its name: to the second.
    static func isNamed(_ name: String, behind moment: Timestamp) -> Bool {
        let bound = "\(ArchivePlace.manifests)/\(moment.compactText)"
        return name.prefix(bound.count) > bound
    }

    /// Where the node's clock is further ahead than that of whoever asks, one of the two is wrong.
    private static let aheadSeconds: Int64 = 3_600

    /// Whether it is from the future, if whoever asks has the time: it would be taken for the newest until then.
    package func isAhead(of now: Timestamp) -> Bool { startedAt > now.adding(seconds: Self.aheadSeconds) }

    /// The same of one, by its name.
    package static func isNamed(_ name: String, aheadOf now: Timestamp) -> Bool {
        isNamed(name, behind: now.adding(seconds: aheadSeconds))
    }

    /// What is told of one that is.
    package static func aheadText(of now: Timestamp) -> String {
        "is later than the clock here says (it is \(now.text) here)"
    }

    /// How a manifest is opened.
    package enum Opener: Sendable {
        case passphrase(Passphrase)
        case masterKey([UInt8])
    }

    /// The manifest, and the master key that the backup was made under. Long: scrypt. Throws `ArchiveFailure`.
    package static func open(
        _ bytes: [UInt8], _ name: String, by opener: Opener
    ) throws -> (manifest: ArchiveManifest, masterKey: [UInt8]) {
        guard bytes.starts(with: magic), bytes.count > magic.count + 9 else { throw ArchiveFailure.damaged(name) }
        guard [version, versionWithLog].contains(bytes[magic.count]) else { throw ArchiveFailure.newer }
        let start = magic.count + 9
        guard let count = Array(bytes[magic.count + 1..<start]).place(0), 0...Int64(bytes.count - start) ~= count else {
            throw ArchiveFailure.damaged(name)
        }
        let end = start + Int(count)
        let masterKey: [UInt8]
        switch opener {
        case .masterKey(let key): masterKey = key
        case .passphrase(let passphrase):
            masterKey = try unwrap(Array(bytes[start..<end]), name, passphrase)
        }
        let front = Hex.encode(Array(SHA256.hash(Array(bytes[..<end])).bytes.prefix(8)))
        guard name.contains("-\(front)-") else { throw ArchiveFailure.damaged(name) }
        let plaintext: [UInt8]
        do {
            plaintext = try ArchiveKey(of: masterKey).open(Array(bytes[end...]), name)
        } catch {
            if case .masterKey = opener { throw ArchiveFailure.wrongKey }
            throw error
        }
        return (try ArchiveManifest(reading: plaintext, name), masterKey)
    }

    /// Whether the master key is in it, under a passphrase.
    package static func hasMasterKey(_ bytes: [UInt8]) -> Bool {
        let start = magic.count + 9
        guard bytes.starts(with: magic), bytes.count > start else { return false }
        return Array(bytes[magic.count + 1..<start]).place(0).map { $0 > 0 } ?? false
    }

    private static func unwrap(_ wrapped: [UInt8], _ name: String, _ passphrase: Passphrase) throws -> [UInt8] {
        if wrapped.isEmpty { throw ArchiveFailure.needsMasterKey }
        do {
            var chunks = try SealedChunks(
                reading: Array(wrapped.prefix(SealedChunks.headBytes)), magic: keyMagic, version: version,
                passphrase: passphrase)
            return try chunks.open(Array(wrapped.dropFirst(SealedChunks.headBytes)), isLast: true)
        } catch SealedChunks.Failure.wrongPassphrase {
            throw ArchiveFailure.wrongPassphrase
        } catch {
            throw ArchiveFailure.damaged(name)
        }
    }

    private init(reading bytes: [UInt8], _ name: String) throws {
        let damaged = ArchiveFailure.damaged(name)
        guard let json = try? JSON.parse(bytes), let started = json["started_at"]?.whole,
            let ended = json["ended_at"]?.whole, case .string(let index)? = json["registry"],
            case .array(let tenants)? = json["tenants"], case .array(let failed)? = json["failed"]
        else { throw damaged }
        startedAt = Timestamp(milliseconds: started)
        endedAt = Timestamp(milliseconds: ended)
        self.index = index
        if case .string(let text)? = json["log"] {
            guard let place = LogObjectPlace(text) else { throw damaged }
            log = place
        }
        self.tenants = try tenants.map { try Tenant($0, name) }
        self.failed = try failed.map { row in
            guard case .string(let slug)? = row["slug"], case .string(let reason)? = row["reason"] else {
                throw damaged
            }
            return Failure(slug: slug, reason: reason)
        }
    }
}

extension ArchiveManifest.Tenant {
    fileprivate func write(to json: inout JSONWriter) {
        json.field("id", Hex.encode(id.bytes))
        json.field("slug", slug)
        json.field("index", index)
        json.field("bytes", bytes)
        json.field("head", head)
        guard let mark else { return }
        json.field("lsn", Int64(bitPattern: mark.lsn))
        json.field("incarnation", mark.incarnation)
        json.field("at", mark.at.milliseconds)
        json.field("since", mark.since.text)
    }

    var json: [UInt8] { JSONWriter.object { write(to: &$0) } }

    init(reading bytes: [UInt8], _ name: String) throws {
        guard let json = try? JSON.parse(bytes) else { throw ArchiveFailure.damaged(name) }
        try self.init(json, name)
    }

    fileprivate init(_ row: JSON, _ name: String) throws {
        guard case .string(let hex)? = row["id"], let id = Hex.decode(hex).flatMap({ TenantID(bytes: $0) }),
            case .string(let slug)? = row["slug"], case .string(let index)? = row["index"],
            let count = row["bytes"]?.whole, case .string(let head)? = row["head"]
        else { throw ArchiveFailure.damaged(name) }
        var mark: SnapshotMark?
        if let lsn = row["lsn"]?.whole, let incarnation = row["incarnation"]?.whole, let at = row["at"]?.whole,
            case .string(let text)? = row["since"], let since = LogObjectPlace(text)
        {
            mark = SnapshotMark(
                lsn: UInt64(bitPattern: lsn), incarnation: incarnation, at: Timestamp(milliseconds: at), since: since)
        }
        self.init(id: id, slug: slug, index: index, bytes: count, head: head, mark: mark)
    }
}

/// A copy of the registry, as an object of the log tells of it.
struct RegistryPart {
    let index: String
    let since: UInt64

    init(index: String, since: UInt64) {
        self.index = index
        self.since = since
    }

    var json: [UInt8] {
        JSONWriter.object { json in
            json.field("index", index)
            json.field("since", Int64(bitPattern: since))
        }
    }

    init(reading bytes: [UInt8], _ name: String) throws {
        guard let json = try? JSON.parse(bytes), case .string(let index)? = json["index"],
            let since = json["since"]?.whole
        else { throw ArchiveFailure.damaged(name) }
        self.init(index: index, since: UInt64(bitPattern: since))
    }
}

/// The pieces of one file, in order.
package struct ArchiveIndex: Sendable {
    package let bytes: Int64
    package let pieces: [String]

    package init(bytes: Int64, pieces: [String]) {
        self.bytes = bytes
        self.pieces = pieces
    }

    package var json: [UInt8] {
        JSONWriter.object { json in
            json.field("bytes", bytes)
            json.array("pieces") { json in for piece in pieces { json.element(piece) } }
        }
    }

    package init(reading plaintext: [UInt8], _ name: String) throws {
        guard let json = try? JSON.parse(plaintext), let bytes = json["bytes"]?.whole,
            case .array(let names)? = json["pieces"]
        else { throw ArchiveFailure.damaged(name) }
        self.bytes = bytes
        pieces = try names.map { piece in
            guard case .string(let text) = piece, ArchivePlace.isName(text) else { throw ArchiveFailure.damaged(name) }
            return text
        }
    }
}

extension JSON {
    fileprivate var whole: Int64? { if case .number(let number) = self { number.integer() } else { nil } }
}

extension Timestamp {
    /// `20261128T151500Z`: sorts as it passes.
    fileprivate var compactText: String { text.prefix(19).filter { $0 != "-" && $0 != ":" } + "Z" }
}
