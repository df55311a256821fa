import Cryptography
import Foundation
import Glibc
import Synchronization
import TenantRegistry

/// An archive in a folder: objects by their names, written once. One process writes at a time; others may read.
///
/// Invariant: an object has its name only when all of it is written, and a manifest is written when everything that it
/// names is on the disk.
package final class ArchiveFolder: Sendable {
    package let path: String
    private let lock: Int32
    /// Objects of this backup, those of an earlier one among them: one that was cut short may not be on the disk.
    private let touched = Mutex<[String]>([])

    /// Opens the archive for writing; makes one where the folder is missing or empty.
    package init(writing path: String) throws {
        self.path = path
        umask(0o077)
        let format = "\(path)/\(ArchivePlace.format)"
        if DataDirectory.size(of: format) == nil {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
            guard try FileManager.default.contentsOfDirectory(atPath: path).isEmpty else {
                throw ArchiveFailure.noArchive(path)
            }
            try DataDirectory.writeNew(Array(ArchivePlace.formatText.utf8), to: format)
            try DataDirectory.synchronise(folder: path)
        }
        try Self.judge(path)
        lock = Glibc.open(format, O_RDWR | O_CLOEXEC)
        guard lock >= 0, flock(lock, LOCK_EX | LOCK_NB) == 0 else {
            throw DataDirectory.Failure.unusable(path, "another backup is being written there")
        }
    }

    /// Opens it to read.
    package init(reading path: String) throws {
        self.path = path
        try Self.judge(path)
        lock = -1
    }

    deinit { if lock >= 0 { DataDirectory.unlock(lock) } }

    private static func judge(_ path: String) throws {
        guard let text = FileManager.default.contents(atPath: "\(path)/\(ArchivePlace.format)") else {
            throw ArchiveFailure.noArchive(path)
        }
        guard text.elementsEqual(ArchivePlace.formatText.utf8) else {
            throw String(decoding: text, as: UTF8.self).hasPrefix("tollgate-archive ")
                ? ArchiveFailure.newer : ArchiveFailure.noArchive(path)
        }
    }

    // MARK: Writing

    /// Whether it was there already, byte for byte; one that differs is written anew.
    package func write(_ name: String, _ bytes: [UInt8]) throws -> Bool {
        guard ArchivePlace.isName(name) else { throw ArchiveFailure.damaged(name) }
        let target = "\(path)/\(name)"
        touched.withLock { $0.append(name) }
        if let known = FileManager.default.contents(atPath: target), Array(known) == bytes { return true }
        let folder = (target as NSString).deletingLastPathComponent
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        let new = "\(path)/\(Self.unfinished)"
        DataDirectory.remove(new)
        try DataDirectory.writeNew(bytes, to: new, isSynced: false)
        try DataDirectory.rename(new, to: target)
        return false
    }

    private static let unfinished = "unfinished"

    /// The last object: everything before it is on the disk when it gets its name.
    package func writeManifest(_ name: String, _ bytes: [UInt8]) throws {
        try synchronise()
        _ = try write(name, bytes)
        try synchronise()
    }

    private func synchronise() throws {
        let names = touched.withLock { touched in
            defer { touched = [] }
            return touched
        }
        var folders: Set<String> = [path]
        for name in names {
            try DataDirectory.synchronise(file: "\(path)/\(name)")
            let parts = name.split(separator: "/").dropLast()
            for count in parts.indices { folders.insert("\(path)/\(parts[...count].joined(separator: "/"))") }
        }
        for folder in folders { try DataDirectory.synchronise(folder: folder) }
    }

    // MARK: Reading

    /// Names of the manifests, the newest last.
    package var manifests: [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "\(path)/\(ArchivePlace.manifests)")) ?? []
        return names.filter { ArchivePlace.isName("\(ArchivePlace.manifests)/\($0)") }.sorted()
            .map { "\(ArchivePlace.manifests)/\($0)" }
    }

    /// `name`: of a manifest, with or without its folder; the newest where it is nil. Long: scrypt.
    package func open(
        _ name: String?, by opener: ArchiveManifest.Opener
    ) throws -> (manifest: ArchiveManifest, masterKey: [UInt8]) {
        let wanted = name.map { $0.hasPrefix("\(ArchivePlace.manifests)/") ? $0 : "\(ArchivePlace.manifests)/\($0)" }
        guard let name = wanted ?? manifests.last else { throw ArchiveFailure.noManifest }
        return try ArchiveManifest.open(try bytes(of: name), name, by: opener)
    }

    private func bytes(of name: String) throws -> [UInt8] {
        guard ArchivePlace.isName(name) else { throw ArchiveFailure.damaged(name) }
        guard let data = FileManager.default.contents(atPath: "\(path)/\(name)") else {
            throw ArchiveFailure.missing(name)
        }
        return Array(data)
    }

    /// Puts a file together that was cut: each piece opened, so that it is the one that was written, at its place.
    package func assemble(_ index: String, under key: ArchiveKey, to target: String) throws {
        let list = try ArchiveIndex(reading: try key.open(try bytes(of: index), index), index)
        let owner = String(index.prefix(through: index.lastIndex(of: "/") ?? index.startIndex).dropLast())
        DataDirectory.remove(target)
        let file = Glibc.open(target, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw DataDirectory.Failure.unusable(target, String(cString: strerror(errno))) }
        defer { close(file) }
        var written: Int64 = 0
        for (number, name) in list.pieces.enumerated() {
            guard name.hasPrefix(ArchivePlace.pages(of: owner, number) + "-") else {
                throw ArchiveFailure.damaged(index)
            }
            var rest = try key.open(try bytes(of: name), name)[...]
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
