import Foundation

/// The folder at one moment. Valid within the closure that it is handed to.
package struct DiskImage {
    let folder: String
    let unsynced: [FileIdentity: [Unsynced]]

    /// What kill -9 leaves: everything that was written.
    package func copy(to target: String) throws {
        for attempt in 1...attemptsMax {
            do {
                return try Self.copy(folder, to: target)
            } catch {
                // A rename in the middle, which is no call of SQLite's: the moment is the one after it.
                if attempt == attemptsMax { throw error }
                try? FileManager.default.removeItem(atPath: target)
            }
        }
    }

    private var attemptsMax: Int { 10 }

    /// File by file, each up to where it ends: FileManager copies as much as a file had when it began, and goes round
    /// for ever where one is truncated meanwhile.
    private static func copy(_ folder: String, to target: String) throws {
        let files = FileManager.default
        let mode = try files.attributesOfItem(atPath: folder)[.posixPermissions] as Any
        try files.createDirectory(
            atPath: target, withIntermediateDirectories: false, attributes: [.posixPermissions: mode])
        for name in try files.contentsOfDirectory(atPath: folder) {
            let (from, to) = ("\(folder)/\(name)", "\(target)/\(name)")
            let attributes = try files.attributesOfItem(atPath: from)
            guard attributes[.type] as? FileAttributeType != .typeDirectory else {
                try copy(from, to: to)
                continue
            }
            // A socket is nothing that a machine finds again.
            guard attributes[.type] as? FileAttributeType == .typeRegular else { continue }
            guard let file = FileHandle(forReadingAtPath: from) else { throw CocoaError(.fileReadNoSuchFile) }
            defer { try? file.close() }
            let kept = attributes[.posixPermissions] as Any
            guard files.createFile(atPath: to, contents: nil, attributes: [.posixPermissions: kept]),
                let copy = FileHandle(forWritingAtPath: to)
            else { throw CocoaError(.fileWriteUnknown) }
            defer { try? copy.close() }
            while let piece = try file.read(upToCount: pieceBytes), !piece.isEmpty { try copy.write(contentsOf: piece) }
        }
    }

    private static let pieceBytes = 1 << 20

    /// What a power cut leaves: of what no sync has made durable, each piece as `keeps` says, whole, torn or not at
    /// all.
    package func copyAfterPowerCut(to target: String, keeps: () -> Piece) throws {
        try copy(to: target)
        for (identity, changes) in unsynced where FileIdentity(identity.path) == identity {
            let file = target + identity.path.dropFirst(folder.count)
            guard let handle = FileHandle(forUpdatingAtPath: file) else { continue }
            defer { try? handle.close() }
            for change in changes.reversed() {
                switch keeps() {
                case .whole: break
                case .torn: try undo(change, from: min(change.length, tearBytes), in: handle)
                case .none: try undo(change, from: 0, in: handle)
                }
            }
        }
    }

    package enum Piece: Sendable { case whole, torn, none }

    /// A sector: what a disk writes at once.
    private var tearBytes: Int64 { 512 }

    private func undo(_ change: Unsynced, from: Int64, in handle: FileHandle) throws {
        let end = change.offset + change.length
        let size = Int64(try handle.seekToEnd())
        if from < Int64(change.old.count) {
            try handle.seek(toOffset: UInt64(change.offset + from))
            try handle.write(contentsOf: Data(change.old[Int(from)...]))
        }
        // What lay past the end then does so again, where nothing was kept behind it.
        let tail = max(change.oldSize, change.offset + max(from, Int64(change.old.count)))
        if size <= end, tail < size { try handle.truncate(atOffset: UInt64(tail)) }
    }
}
