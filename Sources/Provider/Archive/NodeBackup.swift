import Archive
import CallKit
import Cryptography
import Foundation
import Glibc
import HTTPCore
import TenantRegistry

/// A backup of the whole node on its way out (P11): every tenant's signed copy, cut and sealed, then the registry, then
/// the manifest. One frame after the other, each made when the one before has gone.
///
/// In a cluster it is of all nodes' tenants: what another node has is copied out of the log that they share.
///
/// A tenant that cannot be copied is told of, and the others go on. What takes the processor runs on a thread that
/// yields it to all others, so that orders hardly cost more meanwhile.
struct NodeBackup: Sendable {
    let fleet: Fleet
    let provider: ProviderCaller
    /// Of the manifest; empty where no passphrase was given.
    let wrappedMasterKey: [UInt8]

    /// Where the backup is. One piece is made at a time, and whoever makes it owns this.
    struct Place: Sendable {
        fileprivate var waiting: [TenantRecord]
        fileprivate var copied: Set<TenantID> = []
        fileprivate var copy: Copy?
        fileprivate var manifest: ArchiveManifest
        fileprivate var hasRegistry = false
        fileprivate var isEnded = false
    }

    /// A copy on its way. `@unchecked Sendable`: as `Place`.
    fileprivate final class Copy: @unchecked Sendable {
        let record: TenantRecord?
        let head: String
        var cut: FileCut

        init(_ path: String, of owner: String, record: TenantRecord?, key: ArchiveKey) throws {
            head = record == nil ? "" : ExportSeal.read(path)?.head.text ?? ""
            cut = try FileCut(path, of: owner, under: key)
            self.record = record
        }

        var bytes: Int64 { cut.bytes }

        /// The next piece; nil behind the last.
        func next() throws -> BackupFrame? { try cut.next().map { BackupFrame(.object, $0.name, $0.bytes) } }

        func index() throws -> BackupFrame {
            let (name, sealed) = try cut.index()
            return BackupFrame(.object, name, sealed)
        }
    }

    var start: Place {
        Place(
            waiting: fleet.roster.allTenants.sorted { $0.slug > $1.slug },
            manifest: ArchiveManifest(startedAt: fleet.clock.now()))
    }

    /// The next frame; nil behind the manifest.
    func next(_ place: inout Place, _ steps: Steps) async throws -> [UInt8]? {
        if let copy = place.copy {
            if let frame = try await politely(steps, { try copy.next() }) { return frame.bytes }
            let index = try copy.index()
            note(copy, index.name, in: &place)
            place.copy = nil
            return index.bytes
        }
        // Whoever asked may not ask for more.
        try provider.judge(fleet.providerKeys)
        if place.waiting.isEmpty && !place.hasRegistry {
            // Those that came meanwhile are in the registry too.
            place.waiting = fleet.roster.allTenants.filter { !place.copied.contains($0.id) }
        }
        if let record = place.waiting.popLast() { return try await begin(record, &place, steps) }
        if !place.hasRegistry {
            place.hasRegistry = true
            let path = try await steps.callback { done in fleet.copyRegistry(then: done) }
            place.copy = try Copy(
                path, of: ArchivePlace.registry, record: nil, key: ArchiveKey(of: fleet.masterKeyOfBackup))
            return []
        }
        if place.isEnded { return nil }
        place.isEnded = true
        place.manifest.endedAt = fleet.clock.now()
        let (name, bytes) = try place.manifest.sealed(
            under: ArchiveKey(of: fleet.masterKeyOfBackup), wrappedMasterKey: wrappedMasterKey)
        return BackupFrame(.manifest, name, bytes).bytes
    }

    private func begin(_ record: TenantRecord, _ place: inout Place, _ steps: Steps) async throws -> [UInt8] {
        place.copied.insert(record.id)
        do {
            let path = try await copied(record, steps)
            let copy = try Copy(
                path, of: ArchivePlace.tenant(record.id), record: record, key: ArchiveKey(of: record.secretKey))
            place.copy = copy
            return BackupFrame(.tenant, record.slug, Array(String(copy.bytes).utf8)).bytes
        } catch {
            // One that was erased meanwhile is none of the node's any more.
            guard fleet.roster.tenant(id: record.id) != nil else { return [] }
            fleet.report("backup of \(record.id.text): \(error)")
            let reason = Refusal(deciding: error) ?? (error as? LaneFailure).map { Refusal($0) } ?? .defect
            place.manifest.failed.append(ArchiveManifest.Failure(slug: record.slug, reason: reason.detail))
            return BackupFrame(.failure, record.slug, Array(reason.detail.utf8)).bytes
        }
    }

    private static let movedMax = 60
    private static let movedPauseMilliseconds = 500

    /// One that goes to another node while it waits for its lane is copied as that one's. One of this node's whose file
    /// is not here waits until fewer others are being fetched.
    private func copied(_ record: TenantRecord, _ steps: Steps) async throws -> String {
        for attempt in 1...Self.movedMax {
            do {
                return try await steps.callback { done in fleet.export(record, on: fleet.copies, then: done) }
            } catch LaneFailure.moved {
                if attempt > 1 || fleet.isServedHere(record.id) { try await Self.pause(steps) }
            }
        }
        throw LaneFailure.moved
    }

    private static func pause(_ steps: Steps) async throws {
        try await steps.callback { (done: @escaping @Sendable (Result<Void, any Error>) -> Void) in
            DispatchQueue.global().asyncAfter(deadline: .now() + .milliseconds(movedPauseMilliseconds)) {
                done(.success(()))
            }
        }
    }

    private func note(_ copy: Copy, _ index: String, in place: inout Place) {
        guard let record = copy.record else {
            place.manifest.index = index
            return
        }
        place.manifest.tenants.append(
            ArchiveManifest.Tenant(
                id: record.id, slug: record.slug, index: index, bytes: copy.bytes, head: copy.head))
    }

    private func politely<Value: Sendable>(
        _ steps: Steps, _ body: @escaping @Sendable () throws -> Value
    ) async throws -> Value {
        try await steps.callback { done in
            if !fleet.copies.submit({ done(Result { try body() }) }) { done(.failure(LaneFailure.tooManyWaiting)) }
        }
    }
}

extension ProviderAPI {
    static let backupMediaType = "application/vnd.tollgate.backup"

    var backupRoutes: [Route] {
        [
            Route(
                .get, "/backup", "Back the whole node up: tollgate backup writes it down", access: .provider,
                parameters: [Self.passphraseOfBundle], gives: .read(.file(Self.backupMediaType))
            ) { try backup($0) }
        ]
    }

    private func backup(_ call: Call) throws -> Work {
        let passphrase = call.head.value(of: .passphrase) == nil ? nil : try passphrase(of: call)
        // Copies take the room that is kept for what is under way.
        if fleet.refusesWrites { throw LaneFailure.storageFull }
        var headers = ResponseHeaders()
        headers.add("Content-Type", Self.backupMediaType)
        if call.head.method == .head { return headOfFile(headers) }
        return .flow { [headers] steps in
            let wrapped: [UInt8] = try await steps.background {
                try passphrase.map {
                    try ArchiveManifest.wrap(fleet.masterKeyOfBackup, $0, random: fleet.random)
                } ?? []
            }
            try await log(call.act("node.backed_up"), call, steps)
            let backup = NodeBackup(fleet: fleet, provider: call.provider, wrappedMasterKey: wrapped)
            let stream = steps.stream(from: backup.start) { place in try await backup.next(&place, steps) }
            return .stream(
                status: 200, headers: headers,
                body: handedOut(stream, length: nil, "node.backup_broken_off", call), length: nil)
        }
    }
}
