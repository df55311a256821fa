import Foundation

/// The past of a log that the node had before: `--commits files` ended that log, and the next one is another. Nobody is
/// taken back to it any more; it goes with the retention, and what it has of a tenant with the tenant (B2). A value.
struct FormerPast: Sendable {
    private let path: String
    /// The last moment that it knows of; nil: it holds nothing.
    let last: Timestamp?

    private static let nameCharacters = 32

    /// Those that lie in a folder of the past; `own`: of the log that there is now.
    static func all(in folder: String, but own: String? = nil) -> [FormerPast] {
        logs(in: folder).filter { $0 != own }.map { name in
            FormerPast(path: "\(folder)/\(name)", last: Past.lastMoment(in: "\(folder)/\(name)"))
        }
    }

    /// Removes those that are older than the retention. What is left is given.
    static func letGo(_ all: [FormerPast], at now: Timestamp) -> [FormerPast] {
        let bound = now.adding(days: -Past.retentionDays)
        return all.filter { former in
            if let last = former.last, last >= bound { return true }
            try? FileManager.default.removeItem(atPath: former.path)
            return false
        }
    }

    /// The tenant is gone: its bases go, whichever log they are of.
    static func erase(_ tenant: TenantID, in folder: String) {
        for log in logs(in: folder) {
            let bases = "\(folder)/\(log)/bases"
            for name in names(in: bases) where name.hasPrefix("\(tenant.text).") {
                DataDirectory.remove("\(bases)/\(name)")
            }
        }
    }

    /// Folders that are named by the id of a log.
    private static func logs(in folder: String) -> [String] {
        names(in: folder).filter { $0.utf8.count == nameCharacters && $0.allSatisfy(\.isHexDigit) }
    }

    private static func names(in folder: String) -> [String] {
        (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    }
}
