import Foundation

/// How a file takes the place of a live one: in a restore, and after a commit of unknown outcome.
///
/// Invariant: whatever stops the process at whichever step, the next opening finds either the old file with its WAL or
/// the new one with none. A WAL of the one beside the other would be replayed over it, page by page. Runs on the file's
/// lane.
enum FileSwap {
    /// The new file under this suffix is the decision: it is complete, and only its name is still to change.
    static let decidedSuffix = ".decided"

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
