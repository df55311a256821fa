import CallKit
import Cryptography
import HTTPCore
import TenantRegistry

/// The audit log: search, exports, and its signed head (O6, G5). Nothing here changes a row.
extension OperatorAdmin {
    static let audit: [Route] = [
        Route(
            .get, "/audit", "Search the audit log, newest first", access: .administrator,
            parameters: Schemas.audit(.limit, .cursor), gives: .list(Schemas.auditRecord), refuses: [404]
        ) { call in
            let limit = try Paging.limit(try call.query())
            let search = try AuditSearch(try call.query(), CursorSeal(call))
            return .flow { steps in
                let page = try await search.page(steps, limit: limit)
                return .answer(
                    .json { json in
                        json.array("data") { json in
                            for entry in page.entries {
                                json.object { json in AuditLines.write(entry, page.names, &json) }
                            }
                        }
                        json.field("has_more", page.next != nil)
                        json.field("next_cursor", page.next)
                    })
            }
        },
        Route(
            .get, "/audit.csv", "Export the audit log as CSV", access: .administrator, isOpenToSupport: false,
            parameters: Schemas.audit(.cursor), gives: .read(.file("text/csv")), refuses: [404]
        ) { call in
            try export(call, as: .csv, "audit.csv", "text/csv; charset=utf-8")
        },
        Route(
            .get, "/audit.jsonl", "Export the audit log as JSON Lines", access: .administrator, isOpenToSupport: false,
            parameters: Schemas.audit(.cursor), gives: .read(.file("application/jsonl")), refuses: [404]
        ) { call in
            try export(call, as: .jsonLines, "audit.jsonl", "application/jsonl")
        },
        Route(
            .get, "/audit/head", "Read the audit log's signed head", access: .administrator,
            gives: .read(Schemas.auditHead)
        ) { _ in
            .read { tenant in
                let head = tenant.store.head
                let key = tenant.store.signingKey
                // Ed25519 gives the same signature for the same head as its commit did.
                let signed = Schemas.SignedHead(
                    tenantID: tenant.tenantID, head: head, signature: key.sign(head.signedBytes(of: tenant.tenantID)),
                    publicKey: key.publicKey)
                return .json(Schemas.auditHead, signed, in: tenant.currency)
            }
        },
    ]

    private static func export(
        _ call: Call, as format: ExportAudit.Format, _ name: StaticString, _ contentType: StaticString
    ) throws -> Work {
        let search = try AuditSearch(try call.query(), CursorSeal(call))
        return .flow { steps in
            download(name, contentType, ExportAudit.stream(try await search.begin(steps), as: format, steps))
        }
    }
}
