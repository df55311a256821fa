import CallKit
import HTTPCore
import TenantRegistry

/// Proofs that the audit log is what was written: of one row, of a request's rows, of the whole chain (O6, G5).
extension OperatorAdmin {
    static let auditProofs: [Route] = [
        Route(
            .get, "/audit/{seq}", "Read a row of the audit log with its proof", access: .administrator,
            parameters: [.path("seq", .matching("^[1-9][0-9]{0,17}$")), Schemas.requestID],
            gives: .read(Schemas.provenRow), refuses: [404]
        ) { call in
            let request = try call.query().requestID()
            guard let sequence = Int64(call.parameters[0]), sequence > 0 else { throw Refusal.notFound(.auditRow) }
            return .flow { steps in
                try await steps.flushReads()
                guard let row = try await proven(sequence, steps) else { throw Refusal.notFound(.auditRow) }
                return .read { tenant in
                    let (row, names) = try named([row], request, tenant)
                    return .json { json in row.forEach { write($0, names, &json) } }
                }
            }
        },
        Route(
            .get, "/audit/requests/{id}", "Read all rows of a request with their proofs", access: .administrator,
            parameters: [
                .path("id", .matching("^req_[0-9a-f]{32}$")), .query("at", .time),
            ],
            gives: .read(["data": .array(of: Schemas.provenRow)]), refuses: [404]
        ) { call in
            guard let request = RequestID(text: call.parameters[0]) else { throw Refusal.notFound(.auditRow) }
            // When the request came, as far as whoever asks knows.
            let at = try call.query().time("at") ?? call.now
            return .flow { steps in
                try await steps.flushReads()
                let places = try await steps.read { try $0.auditRows(of: request, near: at) }
                var found: [ProvenRow] = []
                for sequence in (places.rows + places.blocks.prefix(blocksMax)).sorted() {
                    guard let row = try await proven(sequence, steps),
                        row.entries.contains(where: { $0.record.requestID == request })
                    else { continue }
                    found.append(row)
                }
                let rows = found
                if rows.isEmpty { throw Refusal.notFound(.auditRow) }
                return .read { tenant in
                    let (shown, names) = try named(rows, request, tenant)
                    return .json { json in
                        json.array("data") { json in
                            for row in shown { json.object { write(row, names, &$0) } }
                        }
                    }
                }
            }
        },
    ]

    static let verification: [Route] = [
        Route(
            .post, "/audit/verify", "Verify the audit log's chain from its first row to its head",
            access: .administrator, moves: .nothing, takes: Schemas.verification.schema,
            gives: .read(Schemas.verified)
        ) { call in
            let verify = VerifyChain(expected: try call.read(Schemas.verification))
            return .flow { steps in
                let report = try await verify.run(steps)
                return .read { .json(Schemas.verified, report, in: $0.currency) }
            }
        }
    ]

    /// So many blocks are looked into for one request's rows.
    private static let blocksMax = 16

    private static func proven(_ sequence: Int64, _ steps: Steps) async throws -> ProvenRow? {
        let (lines, owner) = try await steps.read { reader in
            (try reader.chainLines(proving: sequence), try reader.chainOwner())
        }
        return try await steps.background { RowProof.of(sequence, lines, of: owner) }
    }

    /// The rows with the request's entries alone, where one is named, and the names of whom they tell.
    private static func named(
        _ rows: [ProvenRow], _ request: RequestID?, _ tenant: TenantReader
    ) throws -> ([ProvenRow], AuditNames) {
        let shown = rows.map { $0.telling(of: request) }
        var names = AuditNames()
        let records = shown.flatMap(\.entries).map(\.record)
        try tenant.auditNames(
            keys: Set(records.map(\.keyID)).subtracting([0]),
            resellers: Set(records.map(\.resellerID)).subtracting([0]),
            accounts: Set(records.map(\.accountID)).subtracting([0]), adding: &names)
        return (shown, names)
    }

    private static func write(_ row: ProvenRow, _ names: AuditNames, _ json: inout JSONWriter) {
        json.field("seq", row.sequence)
        json.field("kind", row.kind.rawValue)
        json.field("hash", row.hash)
        json.field("sound", row.isSound)
        json.field("signed_head", row.head?.text)
        json.array("findings") { json in for text in row.findings { json.element(text) } }
        json.array("records") { json in
            for entry in row.entries { json.object { json in AuditLines.write(entry, names, &json) } }
        }
    }
}

extension ProvenRow {
    fileprivate func telling(of request: RequestID?) -> ProvenRow {
        ProvenRow(
            sequence: sequence, kind: kind, hash: hash, head: head, findings: findings,
            entries: request.map { id in entries.filter { $0.record.requestID == id } } ?? entries)
    }
}

extension Query {
    fileprivate func requestID() throws(Refusal) -> RequestID? {
        guard let text = self["request_id"] else { return nil }
        guard let id = RequestID(text: text) else {
            throw .field("/request_id", "format", "must be req_ and 32 hexadecimal digits")
        }
        return id
    }
}

extension OperatorAdmin.Schemas {
    fileprivate static let requestID = Parameter.query("request_id", .matching("^req_[0-9a-f]{32}$"))
    fileprivate static let provenRow = Schema.named(
        "ProvenAuditRow",
        [
            "seq": .integer, "kind": .choice(ProvenRow.Kind.self), "hash": .string, "sound": .boolean,
            "signed_head": .string.nullable,
            "findings": .array(of: .string), "records": .array(of: auditRecord),
        ])
    fileprivate static let verification = Body(
        Field.text("head", 1...200).optional
    ).made { (text: String?, fields) -> AuditHead?? in
        guard let text else { return .some(nil) }
        guard let head = AuditHead(text: text) else {
            fields.fail("head", code: "format", detail: "must be a head as /audit/head and Audit-Head give it")
            return nil
        }
        return .some(head)
    }.omittable
    private static let finding = Shape<Finding>([.member("seq", \.row), .member("text", \.text)])
    fileprivate static let verified = Shape<VerificationReport>(
        "VerifiedChain",
        [
            .member("sound", \.isSound), .member("head") { $0.head?.text }, .member("rows", \.counts.auditRows),
            .member("records_in_blocks", \.counts.recordsInBlocks),
            .member("signatures_checked", \.counts.signaturesChecked), .member("finding_count", \.findingCount),
            .list("findings", finding) { Array($0.findings.prefix(VerificationReport.findingsInTextMax)) },
        ])
}
