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
                        control.closeFile()
                        let file = sharedFile(of: record)
                        switch history {
                        case .file: try keep(file, cluster)
                        case .log: try file.putAside()
                        }
                        let store = try control.file()
                        let changes = try projections(of: record, in: store)
                        follow(record, changes, epoch: store.projectionEpoch, incarnation: store.head.incarnation)
                        if history == .file { DataDirectory.remove(file.path + SharedFile.aheadSuffix) }
                        return store.head
                    })
            }, orElse: { then(.failure($0)) })
    }

    private func keep(_ file: SharedFile, _ cluster: ClusterMember) throws {
        try FileSwap.finish(file.path)
        try PackedFile.unpack(file.path)
        guard DataDirectory.size(of: file.path) != nil else { throw MoveFailure.notHere }
        try FileIdentity.check(file.path, isOf: file.tenant)
        try cluster.endRecords(of: file)
    }
}

extension SharedFile {
    /// The file goes out of the way, and stays for whoever wants to see what it had.
    func putAside() throws {
        try PackedFile.unpack(path)
        try removeMark()
        if DataDirectory.size(of: path) != nil { try DataDirectory.rename(path, to: path + Self.aheadSuffix) }
    }
}
