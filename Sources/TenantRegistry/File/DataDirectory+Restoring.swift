import Foundation
import Glibc

/// A data folder in which a node is made of a backup (P11).
///
/// Invariant: `restoring` is there before the first file of the node is, and until the last one is; as long as it is
/// there, the folder is no node, and nobody serves it. What is on its way lies in it: whoever may write in the folder
/// need not be able to write beside it.
extension DataDirectory {
    package var restoringFolder: String { "\(path)/\(Self.restoringName)" }

    private static let restoringName = "restoring"
    private static let lockName = "LOCK"

    /// Takes a folder that is missing or empty, or in which such a restore was cut short; what that one left goes.
    package static func forRestoring(_ path: String) throws -> DataDirectory {
        let files = FileManager.default
        // Where this fails, what comes next says so.
        try? files.createDirectory(
            atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        let mark = "\(path)/\(restoringName)"
        func isTaken(but own: Set<String>) -> Bool {
            let names = (try? files.contentsOfDirectory(atPath: path)) ?? []
            return size(of: mark) == nil && !own.isSuperset(of: names)
        }
        let taken = Failure.unusable(path, "it is not empty; a node is made in a folder of its own")
        if isTaken(but: []) { throw taken }
        let data = try DataDirectory(path: path, isRestoring: true)
        // Nobody else is at it from here on; somebody may have been, a moment ago.
        if isTaken(but: folderNames.union([lockName])) { throw taken }
        if mkdir(mark, 0o700) != 0 && errno != EEXIST { throw Failure.closed(path) }
        try synchronise(folder: path)
        try data.takeAllAway()
        try makeFolders(path)
        return data
    }

    /// The node is whole.
    package func endRestoring() throws {
        try FileManager.default.removeItem(atPath: restoringFolder)
        try Self.synchronise(folder: path)
    }

    /// Leaves the folder as empty as it was; where that fails, it is still no node.
    package func giveUpRestoring() {
        guard (try? takeAllAway()) != nil, rmdir(restoringFolder) == 0 else { return }
        unlink("\(path)/\(Self.lockName)")
    }

    /// But for the lock, and the mark that this is no node.
    private func takeAllAway() throws {
        let files = FileManager.default
        for folder in [path, restoringFolder] {
            for name in try files.contentsOfDirectory(atPath: folder)
            where name != Self.lockName && name != Self.restoringName {
                try files.removeItem(atPath: "\(folder)/\(name)")
            }
        }
    }
}
