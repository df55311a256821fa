import Foundation
import Glibc

/// How a file takes the place of a live one: in a restore, and after a commit of unknown outcome.
///
/// Invariant: whatever stops the process at whichever step, the next opening finds either the old file with its WAL or
/// the new one with none. A WAL of the one beside the other would be replayed over it, page by page. Runs on the file's
/// lane.
enum FileSwap {
    /// The new file under this suffix is the decision: it is complete, and only its name is still to change.
    static let decidedSuffix = ".decided"

    /// The file that was replaced, until the new one has been opened in its place.
    static let beforeSuffix = ".before"

    /// Keeps the live file, which is closed, so that it can come back. Throws where a WAL is left beside it: the file
    /// alone would not be all of it.
    static func keep(_ live: String) throws {
        let before = live + beforeSuffix
        if (DataDirectory.size(of: live + "-wal") ?? 0) > 0 { throw LaneFailure.notCommitted }
        DataDirectory.remove(before)
        guard link(live, before) == 0 else {
            throw DataDirectory.Failure.unusable(before, String(cString: strerror(errno)))
        }
    }

    /// Whether the file before was kept.
    static func canTakeBack(_ live: String) -> Bool { DataDirectory.size(of: live + beforeSuffix) != nil }

    /// The new file does not open: the one before it takes its place again. False where none was kept.
    static func takeBack(_ live: String) throws -> Bool {
        guard canTakeBack(live) else { return false }
        let folder = (live as NSString).deletingLastPathComponent
        DataDirectory.remove(live + "-wal")
        try DataDirectory.synchronise(folder: folder)
        try DataDirectory.rename(live + beforeSuffix, to: live)
        try DataDirectory.synchronise(folder: folder)
        return true
    }

    /// The file has been opened: the one before it goes, for good, before anybody is told.
    static func forget(_ live: String) throws {
        guard DataDirectory.size(of: live + beforeSuffix) != nil else { return }
        DataDirectory.remove(live + beforeSuffix)
        try DataDirectory.synchronise(folder: (live as NSString).deletingLastPathComponent)
    }

    /// `new` is whole, synced, closed, and has no WAL. Throws without having decided anything; what fails after the
    /// decision is ended by the next `finish`.
    static func replace(_ live: String, with new: String) throws {
        try DataDirectory.rename(new, to: live + decidedSuffix)
        try finish(live)
    }

    /// Ends a swap that was decided; nothing where none was. Before each opening of the file.
    static func finish(_ live: String) throws {
        let decided = live + decidedSuffix
        guard DataDirectory.size(of: decided) != nil else { return }
        let folder = (live as NSString).deletingLastPathComponent
        try DataDirectory.synchronise(folder: folder)
        DataDirectory.remove(live + "-wal")
        try DataDirectory.synchronise(folder: folder)
        try DataDirectory.rename(decided, to: live)
        try DataDirectory.synchronise(folder: folder)
    }
}
