import CallKit
import Cryptography
import HTTPCore
import TenantRegistry

/// Export and restore (P5).
extension ProviderAPI {
    /// How long a refunded or cancelled tenant can still be exported (P4).
    private static let exportDaysAfterEnd: Int64 = 30
    /// Of a file for a tenant that does not exist: it is refused once it has been read.
    private static let fileBytesMax: Int64 = 1 << 30
    private static let mediaType = "application/vnd.sqlite3"

    var copyRoutes: [Route] {
        [
            Route(
                .get, "/tenants/{slug}/export", "Export a tenant as one SQLite file, or with its secrets as a bundle",
                access: .provider,
                parameters: [.query("with_secrets", .one(of: ["true", "false"])), Self.passphraseOfBundle],
                gives: .read(.file(Self.mediaType, TenantBundle.mediaType)), refuses: [409]
            ) { try export($0) },
            Route(
                .post, "/tenants/{slug}/restore", "Restore a tenant from an export", access: .provider,
                body: .pieces {
                    let most = (try? tenant(of: $0))?.profile.quotas.fileBytesMax ?? Self.fileBytesMax
                    return min(most, Schemas.quotaBytes.upperBound) + ExportSeal.bytes
                },
                parameters: [.query("unsigned", .one(of: ["accept"])), .query("at", .time)],
                takes: .file(Self.mediaType), gives: .done(Schemas.restored), refuses: [409]
            ) { .streamed(try restore($0)) },
        ]
    }

    private func export(_ call: Call) throws -> Work {
        let record = try tenant(of: call)
        try expectExportable(record, call)
        // A copy takes the room that is kept for what is under way.
        if fleet.refusesWrites { throw LaneFailure.storageFull }
        switch try call.query()["with_secrets"] {
        case "true": return exportWithSecrets(record, try passphrase(of: call), call)
        case nil, "false": break
        default: throw Refusal.field("/with_secrets", "choice", "must be one of true, false")
        }
        var headers = ResponseHeaders()
        headers.add("Content-Type", Self.mediaType)
        headers.add("Content-Disposition", "attachment; filename=\"\(record.slug).sqlite\"")
        if call.head.method == .head { return headOfFile(headers) }
        return .flow { [headers] steps in
            let path = try await steps.callback { done in fleet.export(record) { done($0) } }
            let (file, digest) = try await opened(path, steps)
            // The copy took its time: whoever asked may not have it any more.
            let told = String.json { json in
                json.field("bytes", file.length)
                json.field("sha256", digest.hex)
            }
            try await log(call.act("tenant.exported", detail: told), of: record, call, steps)
            var headers = headers
            headers.add("Repr-Digest", "sha-256=:\(Base64.encode(digest.bytes)):")
            return .stream(
                status: 200, headers: headers,
                body: handedOut(file, length: file.length, "tenant.export_broken_off", of: record, call),
                length: file.length)
        }
    }

    /// A finished export, which has no name any more, and the SHA-256 of all its bytes, its seal among them.
    private func opened(_ path: String, _ steps: Steps) async throws -> (file: FileStream, digest: Digest) {
        do {
            return try await steps.files {
                let digest = try ExportSeal.digest(of: path)
                return (try FileStream(path: path, pool: fleet.files, removesFile: true), digest)
            }
        } catch {
            DataDirectory.remove(path)
            throw error
        }
    }

    /// What HEAD is told of a file that is made for whoever fetches it: none is made, and nothing is logged.
    func headOfFile(_ headers: ResponseHeaders) -> Work {
        .stream(status: 200, headers: headers, body: PulledStream { give in give(.success(nil)) }, length: nil)
    }

    /// A file on its way out, of which the log has told before its first byte: where it does not arrive whole, the log
    /// says that too.
    func handedOut(
        _ body: any ResponseStream, length: Int?, _ brokenOff: String, of record: TenantRecord? = nil, _ call: Call
    ) -> RecordedStream {
        RecordedStream(body, length: length, isHead: false) { [fleet] sent, end in
            if end == .whole { return }
            let told = String.json { $0.field("bytes", sent) }
            fleet.registry.log(
                call.act(brokenOff, detail: told), tenant: record?.id, slug: record?.slug, judge: { _ in }
            ) { result in
                if case .failure(let error) = result { fleet.report("\(brokenOff) is not in the log: \(error)") }
            }
        }
    }

    /// A tenant that has ended is copied for some days more.
    func expectExportable(_ record: TenantRecord, _ call: Call) throws(Refusal) {
        if let end = record.profile.endedAt ?? record.profile.endsAt,
            call.now >= end.adding(days: Self.exportDaysAfterEnd)
        {
            throw .conflict(.exportPeriodOver(days: Self.exportDaysAfterEnd))
        }
    }

    /// With `?at=` a state of the tenant's own past, and no body (B2).
    private func restore(_ call: Call) throws -> FileBody {
        let query = try call.query()
        let (unsigned, at) = (query["unsigned"], try moment(query["at"]))
        guard unsigned == nil || unsigned == "accept" else {
            throw Refusal.field("/unsigned", "choice", "must be accept")
        }
        if unsigned != nil, at != nil { throw Refusal.field("/unsigned", "choice", "does not go with at") }
        return FileBody(
            path: fleet.data.temporaryPath(fleet.random.uint64()), hasRoom: { !fleet.refusesWrites }
        ) { file, steps in
            let record = try tenant(of: call)
            if at != nil, !file.isEmpty { throw Refusal.unparseable("With ?at= the body is empty.") }
            if at == nil, file.isEmpty {
                throw Refusal.unparseable("The body is empty; a SQLite file is expected, or ?at=.")
            }
            if fleet.refusesWrites { throw LaneFailure.storageFull }
            let past = at == nil ? nil : try await copy(of: record, at: at, steps)
            let head: AuditHead
            do {
                head = try await steps.callback { done in
                    fleet.restore(
                        record, from: past ?? file.takeOver(), acceptsUnsigned: unsigned != nil,
                        as: call.act(AuditRecord.restored),
                        judge: { keys in
                            try call.provider.judge(keys)
                            // Nothing of one that went changes here any more (P10).
                            if record.profile.move != nil { throw RestoreFailure.moved }
                        }, then: done)
                }
            } catch let failure as RestoreFailure {
                throw Refusal(failure)
            }
            return .answer(
                .json { json in
                    json.field("slug", record.slug)
                    json.field("incarnation", head.incarnation)
                    json.field("audit_head", head.text)
                })
        }
    }
}

extension Refusal {
    /// Why a file is not put in the place of a tenant's.
    init(_ failure: RestoreFailure) {
        if case .moved = failure {
            self = .conflict(.tenant(.moved))
            return
        }
        let reason: Unprocessable =
            switch failure {
            case .notATenantFile(let reason): .notATenantFile(reason)
            case .anotherTenant: .anotherTenantsFile
            case .schemaDiffers(let what): .schemaDiffers(what)
            case .newerSchema: .schemaNewer
            case .damaged(let faults): .fileDamaged(Self.sentence(of: faults))
            case .foreignKeyHash: .foreignKey
            case .unsigned: .exportUnsigned
            case .changedSinceSigned: .exportChanged
            case .notExamined, .moved: .fileNotExamined
            }
        self = .unprocessable(reason)
    }

    /// The first findings, each without the full stop that ends it.
    private static func sentence(of faults: [String]) -> String {
        faults.prefix(5).map { $0.hasSuffix(".") ? String($0.dropLast()) : $0 }.joined(separator: "; ")
    }
}
