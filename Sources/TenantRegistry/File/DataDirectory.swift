import Cryptography
import Foundation
import Glibc
import Synchronization

/// The folder given by `--data`: who may use it, and where in it everything lies.
///
/// Invariant: while a value of this type lives, no other Tollgate uses the folder (`LOCK`, flock). Paths of tenants are
/// made from ids that we generate, never from names.
package final class DataDirectory: Sendable {
    package let path: String
    private let lockDescriptor: Atomic<Int32>

    package enum Failure: Error, CustomStringConvertible {
        case inUse(String)
        case unusable(String, String)
        /// Others than its owner may use it; what mends it.
        case tooOpen(String, mode: String, remedy: String)

        /// What the last call said of a path.
        static func closed(_ path: String) -> Failure {
            let code = errno
            let reason = String(cString: strerror(code))
            let advice =
                switch code {
                case EACCES, EPERM, EROFS: ". This user must be able to write in the folder of --data"
                case ENOENT, ENOTDIR: ". --data takes a folder, or the name of one to be made in a folder"
                default: ""
                }
            return .unusable(path, reason + advice)
        }

        package var description: String {
            switch self {
            case .inUse(let path):
                "\(path) is in use by another running gateway: end that one, or name another folder with --data"
            case .unusable(let path, let reason): "\(path): \(reason)"
            case .tooOpen(let path, let mode, let remedy):
                "\(path) is open to others than its owner (mode \(mode)); mend it with: \(remedy)"
            }
        }
    }

    /// Makes the folder (mode 0700) where it is missing, and takes its lock. Throws where others may use any of it.
    /// `isRestoring`: a node is being made in it; nobody else takes a folder in which one is half made.
    package init(path: String, isRestoring: Bool = false) throws {
        self.path = path
        try Self.refuseBackup(path)
        // Whatever is made in the folder, by SQLite too, is its owner's alone.
        umask(0o077)
        try Self.makeFolders(path)
        // Before anything in it is believed.
        try PrivateFiles.judge(folder: path)
        let descriptor = open("\(path)/LOCK", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        lockDescriptor = Atomic(descriptor)
        guard descriptor >= 0 else { throw Failure.closed("\(path)/LOCK") }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            throw Failure.inUse(path)
        }
        if !isRestoring, Self.size(of: restoringFolder) != nil {
            throw Failure.unusable(
                path, "a node is half restored in it: run “tollgate restore-node” on it again, which begins anew")
        }
        // What a killed process left half-made; nothing in here is ever the only copy.
        for folder in ["\(path)/tmp", "\(path)/blank"] {
            for name in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [] {
                unlink("\(folder)/\(name)")
            }
        }
    }

    /// A backup is no node's folder, and nothing is to be added to it.
    private static func refuseBackup(_ path: String) throws(Failure) {
        guard size(of: "\(path)/registry.sqlite") == nil,
            let format = FileManager.default.contents(atPath: "\(path)/FORMAT"),
            format.starts(with: Array("tollgate-archive ".utf8))
        else { return }
        throw .unusable(path, "this is a backup: “tollgate restore-node \(path) --data NEW” makes a node of it")
    }

    static let folderNames: Set<String> = ["tenants", "tmp", "blank"]

    static func makeFolders(_ path: String) throws(Failure) {
        for folder in [path] + folderNames.map({ "\(path)/\($0)" }) {
            if mkdir(folder, 0o700) != 0 && errno != EEXIST { throw Failure.closed(folder) }
        }
    }

    /// Makes a folder of the owner's alone, and those above it that are missing.
    package static func makeFolder(_ path: String) throws(Failure) {
        var made = path.hasPrefix("/") ? "" : "."
        for part in path.split(separator: "/") {
            made += "/\(part)"
            if mkdir(made, 0o700) != 0 && errno != EEXIST { throw .unusable(path, String(cString: strerror(errno))) }
        }
        var status = stat()
        guard stat(path, &status) == 0 else { throw .unusable(path, String(cString: strerror(errno))) }
        guard status.st_mode & S_IFMT == S_IFDIR else { throw .unusable(path, String(cString: strerror(ENOTDIR))) }
    }

    deinit { release() }

    /// Gives the folder free, once nothing in this process uses it any more; a second call does nothing.
    package func release() {
        let descriptor = lockDescriptor.exchange(-1, ordering: .relaxed)
        if descriptor >= 0 { Self.unlock(descriptor) }
    }

    /// A child process that is just being made has the descriptor too, until it runs its program: closing ours alone
    /// would leave the lock to it.
    package static func unlock(_ descriptor: Int32) {
        flock(descriptor, LOCK_UN)
        close(descriptor)
    }

    package var registryPath: String { "\(path)/registry.sqlite" }
    package var levelsPath: String { "\(path)/levels.bin" }
    var clockLeapPath: String { "\(path)/clock.leapt" }
    package var masterKeyPath: String { "\(path)/master.key" }
    package var controlSocketPath: String { "\(path)/control.sock" }

    /// The node's log (B1).
    package var logFolder: String { "\(path)/log" }

    package var tenantsFolder: String { "\(path)/tenants" }
    package func tenantFolder(_ id: TenantID) -> String { "\(tenantsFolder)/\(id.text.prefix(2))" }
    package func tenantPath(_ id: TenantID) -> String { "\(tenantFolder(id))/\(id.text)\(Self.tenantSuffix)" }
    static let tenantSuffix = ".sqlite"

    /// Where the folder of its file is missing.
    func makeTenantFolder(_ id: TenantID) throws {
        if mkdir(tenantFolder(id), 0o700) == 0 { try Self.synchronise(folder: tenantsFolder) }
    }

    /// What a tenant's file has, also while it is packed.
    package func tenantBytes(_ id: TenantID) -> Int64 {
        let path = tenantPath(id)
        return Self.size(of: path) ?? PackedFile.wholeBytes(of: path) ?? 0
    }

    /// What is kept of tenants' past.
    var pastFolder: String { "\(path)/past" }

    /// A new name in `tmp`, which is emptied at every start.
    package func temporaryPath(_ random: UInt64) -> String { "\(path)/tmp/\(String(random, radix: 16))" }

    /// Where a file of a tenant that is yet to be made lies ready; its folder is emptied at every start too.
    func blankPath(_ number: Int) -> String { "\(path)/blank/\(number).sqlite" }

    /// Bytes that an ordinary user may still write on this disk; nil where the system does not say.
    package var freeBytes: Int64? { Self.freeBytes(at: path) }

    /// The same for the disk that a path lies on.
    package static func freeBytes(at path: String) -> Int64? {
        var status = statvfs()
        guard statvfs(path, &status) == 0 else { return nil }
        return Int64(status.f_bavail) * Int64(status.f_frsize)
    }

    /// Makes a rename, creation or removal in a folder durable.
    package static func synchronise(folder: String) throws {
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Failure.unusable(folder, String(cString: strerror(errno))) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw Failure.unusable(folder, String(cString: strerror(errno))) }
    }

    package static func synchronise(file: String) throws {
        let descriptor = open(file, O_RDWR | O_CLOEXEC)
        guard descriptor >= 0 else { throw Failure.unusable(file, String(cString: strerror(errno))) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw Failure.unusable(file, String(cString: strerror(errno))) }
    }

    package static func size(of path: String) -> Int64? {
        var status = stat()
        return stat(path, &status) == 0 ? Int64(status.st_size) : nil
    }

    /// Not a folder, a pipe or a device, which nothing says of before it is opened but this.
    package static func isRegularFile(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
    }

    package static func remove(_ path: String) { unlink(path) }

    package static func rename(_ from: String, to: String) throws {
        guard Glibc.rename(from, to) == 0 else { throw Failure.unusable(to, String(cString: strerror(errno))) }
    }

    /// What a file holds; nil where nothing has that name. One that is there and cannot be read is an error, so that
    /// nobody makes another in its place.
    package static func contents(of path: String) throws(Failure) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            let error = errno
            var status = stat()
            // A link that leads nowhere has the name too.
            if error == ENOENT, lstat(path, &status) != 0, errno == ENOENT { return nil }
            throw .unusable(path, String(cString: strerror(error)))
        }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = piece.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw .unusable(path, String(cString: strerror(errno))) }
            if count == 0 { return bytes }
            bytes += piece[..<count]
        }
    }

    /// The node's master key; made with mode 0600, and durable before it is used, where there is none. Throws where
    /// there is one that cannot be read or is no key: what it wrapped would be lost with it.
    package func masterKey(orMake make: () -> [UInt8]) throws -> [UInt8] {
        guard let known = try Self.contents(of: masterKeyPath) else {
            let bytes = make()
            try writePrivately(bytes, to: masterKeyPath)
            return bytes
        }
        guard known.count == AES256GCM.keyBytes else {
            throw Failure.unusable(
                masterKeyPath, "it is no master key: it has \(known.count) bytes, not \(AES256GCM.keyBytes)")
        }
        return known
    }

    /// Writes a file of mode 0600 under a temporary name, syncs it and renames it into place.
    package func writePrivately(_ bytes: [UInt8], to path: String) throws {
        try Self.writePrivately(bytes, to: path, in: self.path)
    }

    /// The same, in a folder of any name.
    static func writePrivately(_ bytes: [UInt8], to path: String, in folder: String) throws {
        let new = path + ".new"
        unlink(new)
        try writeNew(bytes, to: new)
        try rename(new, to: path)
        try synchronise(folder: folder)
    }

    /// Writes a file of mode 0600 that is not there yet; its folder is not synced.
    package static func writeNew(_ bytes: [UInt8], to path: String, isSynced: Bool = true) throws {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Failure.unusable(path, String(cString: strerror(errno))) }
        defer { close(descriptor) }
        guard write(bytes, to: descriptor), !isSynced || fsync(descriptor) == 0 else {
            throw Failure.unusable(path, String(cString: strerror(errno)))
        }
    }

    /// All of it, however many calls that takes; false where one fails, and errno says why.
    static func write(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
        var written = 0
        while written < bytes.count {
            let count = bytes[written...].withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return false }
            written += count
        }
        return true
    }
}
