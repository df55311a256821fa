import Cryptography
import Foundation
import SQLite
import Synchronization

/// The node's log, and tenants' files that follow it (B1).
///
/// Invariant: a tenant's file is changed outside the log (made, replaced, removed) only while the log has a mark, on
/// the disk, behind all of the tenant's records: none of them is ever played into a file that it was not made from.
extension Fleet {
    /// Opens the log where commits go to it. Where they do not, what an earlier process left in it goes into the files
    /// first, and then there is none. Before any tenant's file is opened.
    static func openLog(
        _ data: DataDirectory, _ options: Options, clock: any WallClock, random: any RandomSource,
        _ snapshot: RegistrySnapshot, _ registry: any Registry
    ) throws -> NodeLog? {
        let hasSegments = !segments(in: data.logFolder).isEmpty
        if snapshot.neededLog != nil, !hasSegments { throw LogMismatch.missing(data.logFolder) }
        guard options.commits == .log || hasSegments else { return nil }
        let log: NodeLog
        do {
            // Until the past says what it has, it needs all.
            let holds = options.logHolds.merging([Past.holdName: { _ in false }]) { first, _ in first }
            log = try NodeLog(
                folder: data.logFolder, settings: options.logSettings, disk: options.logDisk, clock: clock,
                random: random, aroundCalls: options.aroundAnswers, holds: holds)
        } catch {
            throw DataDirectory.Failure.unusable(data.logFolder, "\(error)")
        }
        do {
            if let needed = snapshot.neededLog, needed != log.identity { throw LogMismatch.anothers(data.logFolder) }
            if options.commits == .log {
                if snapshot.neededLog == nil { try note(log.identity, in: registry) }
                return log
            }
            try stepBack(log, data, snapshot)
            try note(nil, in: registry)
            log.close(clean: true)
            for name in segments(in: data.logFolder) { DataDirectory.remove("\(data.logFolder)/\(name)") }
            return nil
        } catch {
            log.close(clean: false)
            throw error
        }
    }

    /// Whether the folder has tenants' files, or a log of theirs, and no registry. One that was made anew would know
    /// none of them, and the log would forget what their files lack.
    static func lacksRegistry(_ data: DataDirectory) -> Bool {
        let names = [data.registryPath, data.registryPath + FileSwap.decidedSuffix]
        if names.contains(where: { DataDirectory.size(of: $0) != nil }) { return false }
        func entries(_ folder: String) -> [String] {
            (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        }
        return !segments(in: data.logFolder).isEmpty
            || entries(data.tenantsFolder).contains { !entries("\(data.tenantsFolder)/\($0)").isEmpty }
    }

    static let missingRegistry =
        "it is missing, and files of tenants are there: put it back as it was, or make the node anew from its backup "
        + "(tollgate restore-node)"

    private static func segments(in folder: String) -> [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.filter { $0.contains(".segment") }
    }

    /// Waits: nothing is served yet, or any more.
    private static func note(_ log: LogID?, in registry: any Registry) throws {
        let result = Mutex<Result<Void, any Error>?>(nil)
        let isDone = DispatchSemaphore(value: 0)
        registry.noteLog(needed: log) { done in
            result.withLock { $0 = done }
            isDone.signal()
        }
        isDone.wait()
        try result.withLock { $0 }?.get()
    }

    /// Every file takes over what the log has for it. One that cannot keeps the log from going.
    private static func stepBack(_ log: NodeLog, _ data: DataDirectory, _ snapshot: RegistrySnapshot) throws {
        for tenant in snapshot.tenants where log.hasRecords(of: tenant.profile.id) {
            let profile = tenant.profile
            if profile.isUnfinished { continue }
            let path = data.tenantPath(profile.id)
            do {
                try FileSwap.finish(path)
                try log.complete(path, of: profile.id)
            } catch {
                throw LogMismatch.notInFile(path, "\(error)")
            }
        }
    }

    /// Whether a commit of the tenant that the log lost may come back yet: not even an answer from before it is shown.
    package func isInDoubt(_ record: TenantRecord) -> Bool { log?.isInDoubt(record.id) ?? false }

    /// Tenants that have gone, or that are no more than a name, need nothing of the log.
    func forgetStrangers() {
        guard let log else { return }
        for (tenant, _) in log.pending where roster.tenant(id: tenant) == nil { forgetRecords(of: tenant) }
    }

    /// The tenant's file has gone for good.
    func forgetRecords(of id: TenantID) {
        // Where the log takes no mark the next start forgets them.
        if let log { _ = try? log.setMark(id, log.durable) }
    }

    /// Every file is closed. Whether none needs the log any more.
    func closeLog() -> Bool {
        guard let log else { return false }
        let isNeeded = !log.pending.isEmpty
        log.close(clean: true)
        return !isNeeded
    }

    /// Before the file is changed outside the log: none of its records so far is ever played again. Waits for the disk.
    /// `isWhole`: the file that goes may come back, so that it has to have them all. On its lane, while it is closed.
    func endRecords(of id: TenantID, isWhole: Bool) throws {
        if let cluster { try cluster.endRecords(of: SharedFile(path: data.tenantPath(id), tenant: id, key: [])) }
        guard let log else { return }
        if isWhole, log.hasRecords(of: id) { throw LaneFailure.notCommitted }
        do {
            // An opening that failed behind its first commits has left records that are still on their way.
            try log.wait(for: log.end(of: id))
            try log.wait(for: log.setMark(id, log.durable))
        } catch {
            throw LaneFailure.notCommitted
        }
    }
}

/// Why the node's log is not what the files need.
enum LogMismatch: Error, CustomStringConvertible {
    case missing(String)
    case anothers(String)
    case notInFile(String, String)

    var description: String {
        switch self {
        case .missing(let folder):
            "\(folder) has no log, and tenants' files lack what it held: put it back as it was, or make the node anew "
                + "from its backup (tollgate restore-node)"
        case .anothers(let folder): "\(folder) is the log of another data folder: put the one of this folder back"
        case .notInFile(let path, let reason):
            "\(path) cannot take over what the log has for it (\(reason)): start with --commits log, and restore or "
                + "delete that tenant first"
        }
    }
}
