import CallKit
import HTTPCore
import TenantApp
import TenantRegistry

/// Export and restore (P5).
extension ProviderAPI {
    /// How long a refunded or cancelled tenant can still be exported (P4).
    static let exportDaysAfterEnd: Int64 = 30

    static let copyRoutes: [ProviderRoute] = [
        ProviderRoute(
            .get, "/tenants/{slug}/export", "Export a tenant as one SQLite file",
            gives: .read(.file("application/vnd.sqlite3")), refuses: [409]
        ) { api, call, _, reply in
            let record = try api.tenant(call.parameters[0])
            let profile = record.profile
            if let end = profile.endedAt ?? profile.endsAt, call.now >= end.adding(days: ProviderAPI.exportDaysAfterEnd)
            {
                throw Refusal.conflict(.exportPeriodOver(days: ProviderAPI.exportDaysAfterEnd))
            }
            // A copy takes the room that is kept for what is under way.
            if api.fleet.refusesWrites { throw Refusal(LaneFailure.storageFull) }
            api.fleet.export(record) { result in
                reply(
                    Result {
                        let file = try FileStream(path: try result.get(), pool: api.fleet.files, removesFile: true)
                        var headers = ResponseHeaders()
                        headers.add("Content-Type", "application/vnd.sqlite3")
                        headers.add("Content-Disposition", "attachment; filename=\"\(record.slug).sqlite\"")
                        return .stream(status: 200, headers: headers, body: file, length: file.length)
                    })
            }
        },
        ProviderRoute(
            .post, "/tenants/{slug}/restore", "Restore a tenant from an export", body: .file,
            takes: .file("application/vnd.sqlite3"), gives: .done(Schemas.restored)
        ) {
            api, call, path, reply in
            let record = try api.tenant(call.parameters[0])
            guard let path else { throw Refusal.unparseable("The body is empty; a SQLite file is expected.") }
            if api.fleet.refusesWrites { throw Refusal(LaneFailure.storageFull) }
            api.fleet.restore(record, from: path, requestID: call.requestID, judge: call.caller.judge) { result in
                reply(
                    result.map { head in
                        .whole(
                            .json { json in
                                json.field("slug", record.slug)
                                json.field("incarnation", head.incarnation)
                                json.field("audit_head", head.text)
                            })
                    }.mapError { ProviderAPI.refusal(ofRestore: $0) })
            }
        },
    ]

    private static func refusal(ofRestore error: any Error) -> any Error {
        guard let failure = error as? RestoreFailure else { return error }
        let reason: Unprocessable =
            switch failure {
            case .notATenantFile(let reason): .notATenantFile(reason)
            case .anotherTenant: .anotherTenantsFile
            case .schemaDiffers(let what): .schemaDiffers(what)
            case .newerSchema: .schemaNewer
            case .damaged(let faults): .fileDamaged(faults.prefix(5).joined(separator: "; "))
            case .foreignKeyHash: .foreignKey
            }
        return Refusal.unprocessable(reason)
    }
}
