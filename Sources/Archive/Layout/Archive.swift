import Cryptography
import Glibc
import TenantRegistry

/// An archive: objects by their names in a store, written once (0040, B3).
///
/// Invariant: an object has its name only when all of it is written, and a manifest is written when everything that it
/// names is durable.
package final class Archive: Sendable {
    package let store: any ObjectStore
    private let lock: Int32
    /// Of a backup on its way into a bucket.
    private let marks: BackupMarks?

    private init(_ store: any ObjectStore, lock: Int32 = -1, marks: BackupMarks? = nil) {
        self.store = store
        self.lock = lock
        self.marks = marks
    }

    deinit { if lock >= 0 { DataDirectory.unlock(lock) } }

    /// Opens it to write a backup; makes one where the folder is missing or empty. One backup at a time is written into
    /// a folder; objects are on the disk when the manifest is.
    package static func forBackup(_ address: ArchiveAddress, _ open: (ArchiveAddress) throws -> any ObjectStore) throws
        -> Archive
    {
        guard case .folder(let path) = address else {
            let store = try open(address)
            _ = try forWriting(store)
            if try !store.list("\(ArchivePlace.log)/", after: "").isEmpty { throw ArchiveFailure.isLive(store.place) }
            return Archive(store, marks: try BackupMarks(of: store, SystemClock()))
        }
        try prepare(path)
        if DataDirectory.size(of: "\(path)/\(ArchivePlace.log)") != nil { throw ArchiveFailure.isLive(path) }
        return Archive(FolderStore(path, syncsLate: true), lock: try takeLock(path))
    }

    /// Opens it to remove what no backup needs (`BackupPruning`); makes none. No backup is written into a folder
    /// meanwhile.
    package static func forPruning(_ address: ArchiveAddress, _ open: (ArchiveAddress) throws -> any ObjectStore) throws
        -> Archive
    {
        let archive = try forReading(open(address))
        guard case .folder(let path) = address else { return archive }
        return Archive(archive.store, lock: try takeLock(path))
    }

    private static func takeLock(_ path: String) throws -> Int32 {
        let lock = Glibc.open("\(path)/\(ArchivePlace.format)", O_RDWR | O_CLOEXEC)
        if lock >= 0, flock(lock, LOCK_EX | LOCK_NB) == 0 { return lock }
        if lock >= 0 { close(lock) }
        throw DataDirectory.Failure.unusable(path, "another backup is being written there, or it is being pruned")
    }

    /// Opens it for a node that writes into it as it goes; makes one where there is none.
    package static func forWriting(_ store: any ObjectStore) throws -> Archive {
        if let folder = store as? FolderStore { try prepare(folder.path) }
        if let text = try store.get(ArchivePlace.format) {
            try judge(text, store.place)
        } else {
            _ = try store.put(ArchivePlace.format, Array(ArchivePlace.formatText.utf8))
        }
        return Archive(store)
    }

    package static func forReading(_ store: any ObjectStore) throws -> Archive {
        guard let text = try store.get(ArchivePlace.format) else { throw ArchiveFailure.noArchive(store.place) }
        try judge(text, store.place)
        return Archive(store)
    }

    /// Throws where there is none and none can be made.
    static func mayBegin(_ store: any ObjectStore) throws {
        guard let folder = store as? FolderStore else { return }
        umask(0o077)
        try PrivateFiles.judge(sealed: folder.path)
        try makeEmpty(folder.path)
    }

    private static func prepare(_ path: String) throws {
        umask(0o077)
        try PrivateFiles.judge(sealed: path)
        let format = "\(path)/\(ArchivePlace.format)"
        if let text = try DataDirectory.contents(of: format) { return try judge(text, path) }
        try makeEmpty(path)
        try DataDirectory.writeNew(Array(ArchivePlace.formatText.utf8), to: format)
        try DataDirectory.synchronise(folder: path)
    }

    /// A folder of the owner's alone, with nothing in it.
    private static func makeEmpty(_ path: String) throws {
        try DataDirectory.makeFolder(path)
        guard try FolderStore.entries(of: path).isEmpty else { throw ArchiveFailure.noArchive(path) }
    }

    private static func judge(_ text: [UInt8], _ place: String) throws {
        guard text.elementsEqual(ArchivePlace.formatText.utf8) else {
            throw String(decoding: text, as: UTF8.self).hasPrefix("tollgate-archive ")
                ? ArchiveFailure.newer : ArchiveFailure.noArchive(place)
        }
    }

    // MARK: Writing

    /// The last object: everything before it is durable when it gets its name.
    package func putManifest(_ name: String, _ bytes: [UInt8]) throws {
        let folder = store as? FolderStore
        try folder?.synchronise()
        _ = try store.put(name, bytes)
        try folder?.synchronise()
        try marks?.end(with: name)
    }

    /// The backup will have no manifest.
    package func giveUpBackup() { marks?.giveUp() }

    // MARK: Removing

    /// What no manifest names any more; after a power cut it may be there again.
    func removeUnneeded(_ name: String) throws(StoreFailure) {
        if let folder = store as? FolderStore { try folder.removeLate(name) } else { try store.remove(name) }
    }

    // MARK: Reading

    /// Names of the manifests, the newest last.
    package func manifests() throws -> [String] { try store.all("\(ArchivePlace.manifests)/") }

    /// `name`: of a manifest, with or without its folder; the newest where it is nil. Long: scrypt.
    package func open(
        _ name: String?, by opener: ArchiveManifest.Opener
    ) throws -> (manifest: ArchiveManifest, masterKey: [UInt8]) {
        let wanted = name.map { $0.hasPrefix("\(ArchivePlace.manifests)/") ? $0 : "\(ArchivePlace.manifests)/\($0)" }
        guard let name = try wanted ?? manifests().last else { throw ArchiveFailure.noManifest }
        let came = try bytes(of: name)
        do {
            return try ArchiveManifest.open(came, name, by: opener)
        } catch {
            // It may have been damaged on its way.
            let again = try bytes(of: name)
            if again == came { throw error }
            return try ArchiveManifest.open(again, name, by: opener)
        }
    }

    package func bytes(of name: String) throws -> [UInt8] {
        guard ArchivePlace.isName(name) else { throw ArchiveFailure.damaged(name) }
        guard let bytes = try store.get(name) else { throw ArchiveFailure.missing(name) }
        return bytes
    }

    /// What the object holds; fetched once more where it does not open, since it may have been damaged on its way.
    package func object(_ name: String, under key: ArchiveKey) throws -> [UInt8] {
        if let plaintext = try? key.open(try bytes(of: name), name) { return plaintext }
        return try key.open(try bytes(of: name), name)
    }

    /// Puts a file together that was cut: each piece opened, so that it is the one that was written, at its place.
    package func assemble(_ index: String, under key: ArchiveKey, to target: String) throws {
        let list = try ArchiveIndex(reading: try object(index, under: key), index)
        let owner = ArchivePlace.owner(of: index)
        DataDirectory.remove(target)
        let file = Glibc.open(target, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw DataDirectory.Failure.unusable(target, String(cString: strerror(errno))) }
        defer { close(file) }
        var written: Int64 = 0
        for (number, name) in list.pieces.enumerated() {
            guard name.hasPrefix(ArchivePlace.pages(of: owner, number) + "-") else {
                throw ArchiveFailure.damaged(index)
            }
            var rest = try object(name, under: key)[...]
            written += Int64(rest.count)
            while !rest.isEmpty {
                let count = rest.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
                if count < 0 && errno == EINTR { continue }
                guard count > 0 else {
                    throw DataDirectory.Failure.unusable(target, String(cString: strerror(errno)))
                }
                rest = rest.dropFirst(count)
            }
        }
        guard written == list.bytes else { throw ArchiveFailure.damaged(index) }
    }
}
