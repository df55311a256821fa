import Foundation
import SQLite

/// Settles what a file holds after a commit whose outcome is unknown (DESIGN 2).
enum FileRecovery {
    /// Copies database and WAL aside, syncs and checks the copy, makes it one file and renames it into place. Runs while
    /// the fenced handle is still open: what that handle still writes goes to the old file, which has no name any more.
    static func copyAndSwap(_ path: String) throws {
        let copy = path + ".recovering"
        let files = FileManager.default
        for suffix in ["", "-wal"] {
            DataDirectory.remove(copy + suffix)
            guard files.fileExists(atPath: path + suffix) else { continue }
            try files.copyItem(atPath: path + suffix, toPath: copy + suffix)
            try DataDirectory.synchronise(file: copy + suffix)
        }
        let connection = try Connection(path: copy, flags: [.readWrite])
        do {
            try connection.execute("PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL")
            let faults = try connection.integrityCheck()
            guard faults.isEmpty else { throw TenantFileError.damaged(faults.joined(separator: "; ")) }
            _ = try connection.checkpoint(.truncate)
            connection.close()
        } catch {
            connection.close()
            throw error
        }
        try DataDirectory.synchronise(file: copy)
        // The WAL that stays for a moment beside the new file holds nothing that the copy does not: replaying it is harmless.
        try DataDirectory.rename(copy, to: path)
        DataDirectory.remove(path + "-wal")
        DataDirectory.synchronise(folder: (path as NSString).deletingLastPathComponent)
    }
}
