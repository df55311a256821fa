import Foundation
import Glibc
import SQLite

/// A tenant whose file and whose log tell of two histories, since the database was taken back to an older moment: a
/// person decides which of the two is to be (N6, case 17). Nothing merges them.
extension Fleet {
    package enum History: String, Sendable, CaseIterable {
        /// What this node's file has: the log begins anew with it.
        case file
        /// What the log has: the file is made anew of it; the one there was stays beside it.
        case log
    }

    /// Returns at once; `then` comes once the tenant is served so, with its head, or not.
    package func adopt(
        _ record: TenantRecord, _ history: History, then: @escaping @Sendable (Result<AuditHead, any Error>) -> Void
    ) {
        guard let cluster else { return then(.failure(MoveFailure.byItself)) }
        guard cluster.isServed(record.id) else { return then(.failure(MoveFailure.notHere)) }
        record.lane.exclusively(
            { [self] control in
                then(
                    Result {
                        try putAsideByOpening(control)
                        let file = sharedFile(of: record)
                        switch history {
                        case .file: try keep(file, cluster)
                        // Where nothing was put aside the file is what the log says.
                        case .log: if file.isAside { try file.removeMark() }
                        }
                        let store = try control.file()
                        let changes = try projections(of: record, in: store)
                        follow(record, changes, epoch: store.projectionEpoch, incarnation: store.head.incarnation)
                        if history == .file { DataDirectory.remove(file.asidePath) }
                        return store.head
                    })
            }, orElse: { then(.failure($0)) })
    }

    /// A file that is of another history than the log is kept aside, and either does not open or has been replaced.
    private func putAsideByOpening(_ control: LaneControl<TenantStore>) throws {
        control.closeFile()
        defer { control.closeFile() }
        do {
            _ = try control.file()
        } catch let failure as LaneFailure where failure.isOfCluster {
            // Nobody can say which it is.
            throw failure
        } catch {}
    }

    /// What was put aside is the file's history, also where the tenant has gone on with the log's since.
    private func keep(_ file: SharedFile, _ cluster: ClusterMember) throws {
        try FileSwap.finish(file.path)
        try PackedFile.unpack(file.path)
        let kept = file.isAside ? file.asidePath : file.path
        guard DataDirectory.size(of: kept) != nil else { throw MoveFailure.notHere }
        try FileIdentity.check(kept, isOf: file.tenant)
        try cluster.endRecords(of: file)
        if file.isAside { try file.takeBack() }
    }
}

extension SharedFile {
    fileprivate var asidePath: String { path + Self.aheadSuffix }
    fileprivate var isAside: Bool { DataDirectory.size(of: asidePath) != nil }

    /// The file that was put aside has its place again, and stays aside until the log has it. The mark is gone.
    fileprivate func takeBack() throws {
        let new = path + Self.fetchedSuffix
        DataDirectory.remove(new)
        // It is still there where both names were the same file's.
        defer { DataDirectory.remove(new) }
        guard link(asidePath, new) == 0 else {
            throw DataDirectory.Failure.unusable(new, String(cString: strerror(errno)))
        }
        DataDirectory.remove(path + "-wal")
        try DataDirectory.rename(new, to: path)
        try DataDirectory.synchronise(folder: folder)
    }

    /// The file goes out of the way, and stays for whoever wants to see what it had.
    func putAside() throws {
        try PackedFile.unpack(path)
        try removeMark()
        if DataDirectory.size(of: path) != nil { try DataDirectory.rename(path, to: path + Self.aheadSuffix) }
    }
}
