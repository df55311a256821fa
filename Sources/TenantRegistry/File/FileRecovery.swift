import Foundation
import SQLite

/// Settles what a file holds after a commit whose outcome is unknown (0003).
enum FileRecovery {
    /// Copies database and WAL aside, syncs and checks the copy, makes it one file and swaps it into place. Runs while
    /// the fenced handle is still open: what that handle still writes goes to the old file, which has no name any more.
    /// Throws without having changed anything where the disk still fails; it is tried again with the next use.
    static func copyAndSwap(_ path: String) throws {
        // A swap that was decided before is not weighed again.
        if DataDirectory.size(of: path + FileSwap.decidedSuffix) != nil { return try FileSwap.finish(path) }
        let copy = path + ".recovering"
        func discard() { for suffix in ["", "-wal"] { DataDirectory.remove(copy + suffix) } }
        discard()
        do {
            for suffix in ["", "-wal"] where DataDirectory.size(of: path + suffix) != nil {
                try FileManager.default.copyItem(atPath: path + suffix, toPath: copy + suffix)
                try DataDirectory.synchronise(file: copy + suffix)
            }
            try settle(copy)
        } catch {
            // On a full disk a copy that came to nothing must not keep the room.
            discard()
            throw error
        }
        try FileSwap.replace(path, with: copy)
    }

    /// Makes the copy one sound, synced file without a WAL.
    private static func settle(_ copy: String) throws {
        let connection = try Connection(path: copy, flags: [.readWrite])
        defer { connection.close() }
        try connection.configureLive()
        let faults = try connection.integrityCheck()
        guard faults.isEmpty else { throw TenantFileError.damaged(faults.joined(separator: "; ")) }
        try connection.checkpoint(.truncate)
        connection.closeEmptyingWAL()
        guard DataDirectory.size(of: copy + "-wal") == nil else {
            throw TenantFileError.damaged("its WAL cannot be emptied")
        }
        try DataDirectory.synchronise(file: copy)
    }

    /// A WAL beside a file whose commits go elsewhere from here on: what it has goes into the file, for good. Looks at
    /// whose both are as any opening does. On the file's lane, while it is closed.
    static func takeInWAL(_ path: String, of tenant: TenantID) throws {
        guard let bytes = DataDirectory.size(of: path + "-wal") else { return }
        if bytes > 0 {
            try emptyWAL(path, of: tenant)
            try DataDirectory.synchronise(file: path)
        } else {
            DataDirectory.remove(path + "-wal")
        }
        try DataDirectory.synchronise(folder: (path as NSString).deletingLastPathComponent)
    }

    private static func emptyWAL(_ path: String, of tenant: TenantID) throws {
        try FileIdentity.check(path, isOf: tenant)
        let connection = try Connection(path: path, flags: [.readWrite])
        do {
            try connection.configureLive()
            try CoreSchema.check(connection)
            let owner = try connection.row("SELECT tenant_id FROM meta WHERE id = 1") { try $0.blob() }
            guard owner == tenant.bytes else { throw TenantFileError.anotherTenants }
            connection.closeEmptyingWAL()
        } catch {
            connection.close()
            throw error
        }
        guard DataDirectory.size(of: path + "-wal") == nil else { throw LaneFailure.notCommitted }
    }
}
