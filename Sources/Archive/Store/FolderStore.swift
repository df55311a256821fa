import Foundation
import Glibc
import Synchronization
import TenantRegistry

/// Objects as files of a folder: each is written under another name, synced, and renamed. Several processes may write:
/// one object has one content.
///
/// A folder without `FORMAT` is not the archive: a mount that dropped leaves an empty one in its place. Nothing is
/// written there, and what it lacks says nothing: the archive is away.
package final class FolderStore: ObjectStore {
    package let path: String
    package var place: String { path }
    /// Of objects that are not on the disk yet; nil: each is, before it gets its name.
    private let pending: Mutex<[String]>?
    /// Of this process's, whichever store writes it.
    private static let number = Atomic<UInt64>(0)

    /// What has its name, and whose folder could not be synced yet.
    private let unsynced = Mutex<Set<String>>([])

    /// `syncsLate`: `synchronise` makes durable what was put; till then it is not.
    package init(_ path: String, syncsLate: Bool = false) {
        self.path = path
        pending = syncsLate ? Mutex([]) : nil
    }

    package func giveUp() {}

    private func file(_ name: String) throws(StoreFailure) -> String {
        guard ArchivePlace.isName(name) || name == ArchivePlace.format else { throw .refused("\(name) is no name") }
        return "\(path)/\(name)"
    }

    private func judgeRoot() throws(StoreFailure) {
        var status = stat()
        guard stat("\(path)/\(ArchivePlace.format)", &status) == 0 else {
            throw .away("\(path) has no \(ArchivePlace.format): the folder that was there is not there now")
        }
    }

    private func whole<Value>(_ body: () throws -> Value) throws(StoreFailure) -> Value {
        do { return try body() } catch { throw error as? StoreFailure ?? .away("\(error)") }
    }

    package func put(_ name: String, _ bytes: [UInt8]) throws(StoreFailure) -> Bool {
        let target = try file(name)
        guard name != ArchivePlace.format else { return try write(bytes, name, to: target) }
        try judgeRoot()
        let wasThere = try write(bytes, name, to: target)
        // It may have gone meanwhile: then the object lies in whatever took its place.
        try judgeRoot()
        return wasThere
    }

    private func write(_ bytes: [UInt8], _ name: String, to target: String) throws(StoreFailure) -> Bool {
        pending?.withLock { $0.append(name) }
        if let known = FileManager.default.contents(atPath: target), Array(known) == bytes {
            if pending == nil, unsynced.withLock({ $0.contains(name) }) {
                try whole { try synchronise(name, target) }
                unsynced.withLock { _ = $0.remove(name) }
            }
            return true
        }
        return try whole {
            let folder = (target as NSString).deletingLastPathComponent
            let isNew = DataDirectory.size(of: folder) == nil
            try makeFolders(above: name)
            let count = Self.number.wrappingAdd(1, ordering: .relaxed).newValue
            let new = "\(path)/unfinished-\(getpid())-\(count)"
            DataDirectory.remove(new)
            do {
                try DataDirectory.writeNew(bytes, to: new, isSynced: pending == nil)
                try DataDirectory.rename(new, to: target)
            } catch {
                DataDirectory.remove(new)
                throw error
            }
            guard pending == nil else { return false }
            // It has its name, and is there from then on; until the folder is synced it may go again.
            unsynced.withLock { _ = $0.insert(name) }
            try DataDirectory.synchronise(folder: folder)
            if isNew { try synchronise(foldersAbove: name) }
            unsynced.withLock { _ = $0.remove(name) }
            return false
        }
    }

    /// Below the archive's own folder, which only its first object makes: one that has gone is not made anew.
    private func makeFolders(above name: String) throws {
        if name == ArchivePlace.format { return try DataDirectory.makeFolder(path) }
        var folder = path
        for part in name.split(separator: "/").dropLast() {
            folder += "/\(part)"
            guard mkdir(folder, 0o700) == 0 || errno == EEXIST else {
                throw DataDirectory.Failure.unusable(folder, String(cString: strerror(errno)))
            }
        }
    }

    package func get(_ name: String) throws(StoreFailure) -> [UInt8]? {
        let path = try file(name)
        if let data = FileManager.default.contents(atPath: path) { return Array(data) }
        var status = stat()
        guard stat(path, &status) != 0, errno == ENOENT else { throw .away("\(path) cannot be read") }
        if name != ArchivePlace.format { try judgeRoot() }
        return nil
    }

    package func objects(_ prefix: String, after: String) throws(StoreFailure) -> [StoredObject] {
        let folder = prefix.contains("/") ? String(prefix[..<(prefix.lastIndex(of: "/") ?? prefix.endIndex)]) : ""
        var found: [StoredObject] = []
        try gather(folder, prefix, after, &found)
        try judgeRoot()
        return found.sorted { $0.name < $1.name }
    }

    private func gather(
        _ folder: String, _ prefix: String, _ after: String, _ found: inout [StoredObject]
    ) throws(StoreFailure) {
        for entry in try Self.entries(of: "\(path)/\(folder)") {
            let name = folder.isEmpty ? entry : "\(folder)/\(entry)"
            var status = stat()
            guard stat("\(path)/\(name)", &status) == 0 else {
                // One that was renamed or removed meanwhile.
                if errno == ENOENT { continue }
                throw .away("\(path)/\(name) cannot be read")
            }
            if status.st_mode & S_IFMT == S_IFDIR {
                if name.hasPrefix(prefix) || prefix.hasPrefix(name + "/") { try gather(name, prefix, after, &found) }
            } else if name.hasPrefix(prefix), name > after, ArchivePlace.isName(name) {
                let writtenAt = Timestamp(milliseconds: Int64(status.st_mtim.tv_sec) * 1_000)
                found.append(StoredObject(name: name, bytes: Int64(status.st_size), writtenAt: writtenAt))
            }
        }
    }

    /// None where there is no such folder. One that cannot be read to its end is not taken for an empty one.
    static func entries(of folder: String) throws(StoreFailure) -> [String] {
        guard let stream = opendir(folder) else {
            if errno == ENOENT { return [] }
            throw .away("\(folder) cannot be read")
        }
        defer { closedir(stream) }
        var names: [String] = []
        errno = 0
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != "." && name != ".." { names.append(name) }
            errno = 0
        }
        guard errno == 0 else { throw .away("\(folder) cannot be read") }
        return names
    }

    package func remove(_ name: String) throws(StoreFailure) {
        try removeLate(name)
        let target = try file(name)
        try whole { try DataDirectory.synchronise(folder: (target as NSString).deletingLastPathComponent) }
    }

    /// The same of one that may be there again after a power cut.
    package func removeLate(_ name: String) throws(StoreFailure) {
        let target = try file(name)
        guard unlink(target) == 0 || errno == ENOENT else { throw .away("\(target) cannot be removed") }
        try judgeRoot()
    }

    private func synchronise(_ name: String, _ target: String) throws {
        try DataDirectory.synchronise(file: target)
        try DataDirectory.synchronise(folder: (target as NSString).deletingLastPathComponent)
        try synchronise(foldersAbove: name)
    }

    private func synchronise(foldersAbove name: String) throws {
        let parts = name.split(separator: "/").dropLast()
        for count in parts.indices {
            try DataDirectory.synchronise(folder: "\(path)/\(parts[..<count].joined(separator: "/"))")
        }
    }

    /// Everything that was put is on the disk; where `syncsLate`.
    package func synchronise() throws(StoreFailure) {
        let names: [String] =
            pending?.withLock { pending in
                defer { pending = [] }
                return pending
            } ?? []
        try whole {
            var folders: Set<String> = [path]
            for name in names {
                try DataDirectory.synchronise(file: "\(path)/\(name)")
                let parts = name.split(separator: "/").dropLast()
                for count in parts.indices { folders.insert("\(path)/\(parts[...count].joined(separator: "/"))") }
            }
            for folder in folders { try DataDirectory.synchronise(folder: folder) }
        }
    }
}
