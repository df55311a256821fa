import Archive
import Foundation

/// The first argument of commands on an archive: a folder, or `s3://bucket/prefix`.
enum ArchivePlaces {
    static let credentialsOption = Option(
        "--archive-credentials", "FILE",
        "Who calls the bucket's server; it goes before the environment (AWS_ACCESS_KEY_ID, …)")

    static func address(_ text: String) throws(CommandFailure) -> ArchiveAddress {
        guard let address = ArchiveAddress(text) else {
            throw .usage("an archive is a folder or \(ArchiveAddress.bucketRule), not “\(text)”")
        }
        return address
    }

    /// Whether a folder is another one or lies in it, wherever links lead.
    static func isFolder(_ path: String, in other: String) -> Bool {
        // Links are resolved of paths that exist: what is still to be made is set behind the part that does.
        func parts(_ path: String) -> [String] {
            var url = URL(fileURLWithPath: path).standardizedFileURL
            var missing: [String] = []
            while access(url.path, F_OK) != 0, url.path != "/" {
                missing.insert(url.lastPathComponent, at: 0)
                url.deleteLastPathComponent()
            }
            return url.resolvingSymlinksInPath().pathComponents + missing
        }
        return parts(path).starts(with: parts(other))
    }

    static func store(_ place: String, _ invocation: Invocation) throws -> any ObjectStore {
        try store(try address(place), invocation)
    }

    static func forBackup(_ invocation: Invocation) throws -> Archive {
        try Archive.forBackup(try address(invocation.arguments[0])) { try store($0, invocation) }
    }

    /// `isDry`: it is only looked at, and nobody is kept from it.
    static func forPruning(_ invocation: Invocation, isDry: Bool) throws -> Archive {
        let address = try address(invocation.arguments[0])
        if isDry { return try Archive.forReading(try store(address, invocation)) }
        return try Archive.forPruning(address) { try store($0, invocation) }
    }

    private static func store(_ address: ArchiveAddress, _ invocation: Invocation) throws -> any ObjectStore {
        do {
            return try address.store(
                environment: invocation.environment, credentials: invocation.text("--archive-credentials"))
        } catch {
            throw CommandFailure.usage("\(error)")
        }
    }
}
