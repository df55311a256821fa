import Foundation
import Glibc

/// Whoever can read the data folder has every secret in it, and whoever can write it is the provider: it and all in it
/// are their owner's alone, and a gateway does not start where they are not.
package enum PrivateFiles {
    private static let others: mode_t = 0o077
    private static let allButGroupReads: mode_t = 0o037
    private static let othersWrite: mode_t = 0o022

    /// One file or folder that has to be its owner's alone; what is not there is nobody's. `groupOfRootMayRead`: so are
    /// keys that a system keeps for its services.
    package static func judge(
        _ path: String, groupOfRootMayRead: Bool = false
    ) throws(DataDirectory.Failure) {
        var status = stat()
        guard stat(path, &status) == 0 else { return }
        let isFolder = status.st_mode & S_IFMT == S_IFDIR
        let forbidden = groupOfRootMayRead && status.st_uid == 0 ? allButGroupReads : others
        guard status.st_mode & forbidden != 0 else { return }
        let mode = String(status.st_mode & 0o7777, radix: 8)
        throw .tooOpen(
            path, mode: mode, remedy: "chmod \(isFolder ? "700" : "600") \(quoted(path))")
    }

    /// A file with a secret in it, say a passphrase: its owner's alone, or one that a system keeps for its services.
    /// What is no file, say a pipe or a terminal, lies nowhere.
    package static func judge(secret path: String) throws(DataDirectory.Failure) {
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return }
        try judge(path, groupOfRootMayRead: true)
    }

    /// A folder of what is sealed: others may read it, but whoever may write it takes away what it is there for.
    package static func judge(sealed folder: String) throws(DataDirectory.Failure) {
        var status = stat()
        guard stat(folder, &status) == 0, status.st_mode & othersWrite != 0 else { return }
        throw .tooOpen(
            folder, mode: String(status.st_mode & 0o7777, radix: 8), remedy: "chmod go-w \(quoted(folder))")
    }

    /// The folder, and everything in it.
    package static func judge(folder: String) throws(DataDirectory.Failure) {
        try judge(folder)
        for name in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [] {
            let path = "\(folder)/\(name)"
            var status = stat()
            guard lstat(path, &status) == 0 else { continue }
            // What a link leads to is judged; a folder behind one is somebody else's.
            if status.st_mode & S_IFMT == S_IFDIR { try judge(folder: path) } else { try judge(path) }
        }
    }

    /// For a shell.
    private static func quoted(_ path: String) -> String {
        let isPlain = path.utf8.allSatisfy { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2F, 0x2E, 0x2D, 0x5F: true
            default: false
            }
        }
        return isPlain ? path : "'\(path.replacing("'", with: "'\\''"))'"
    }
}
