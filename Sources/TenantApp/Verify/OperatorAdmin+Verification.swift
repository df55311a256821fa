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
                    let (row, names) = try named([row], request.map { [$0] }, tenant)
                    return .json { json in row.forEach { write($0, names, &json) } }
                }
            }
        },
        Route(
            .get, "/audit/requests/{id}", "Read all rows of a request with their proofs", access: .administrator,
            parameters: [
                .path("id", .matching("^\(requestID)$")), .query("at", .time),
            ],
            gives: .read(["data": .array(of: Schemas.provenRow)]), refuses: [404]
        ) { call in
            // When the request came, as far as whoever asks knows.
            let at = try call.query().time("at") ?? call.now
            guard let request = RequestID(text: call.parameters[0]), request != .none else {
                throw Refusal.notFound(.auditRow)
            }
            return .flow { steps in
                let rows = try await proven([AskedRequest(id: request, at: at)], steps)
                if rows.isEmpty { throw Refusal.notFound(.auditRow) }
                return listed(rows, of: [request])
            }
        },
        Route(
            .get, "/audit/requests", "Read all rows of several requests with their proofs", access: .administrator,
            parameters: [
                .query("ids", .matching("^\(requestID)(,\(requestID)){0,\(requestsMax - 1)}$"), isRequired: true),
                .query("at", .matching("^[0-9TZ:.+-]+(,[0-9TZ:.+-]+){0,\(requestsMax - 1)}$")),
            ],
            gives: .read(["data": .array(of: Schemas.provenRow)])
        ) { call in
            let asked = try call.query().requests(now: call.now, most: requestsMax)
            return .flow { steps in listed(try await proven(asked, steps), of: Set(asked.map(\.id))) }
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

    fileprivate static let requestID = "req_[0-9a-f]{32}"
    /// So many requests are asked for at once.
    private static let requestsMax = 20
    /// So many blocks are looked into for one request's rows, and so many rows are its own.
    private static let (blocksMax, rowsMax) = (16, 100)

    private static func proven(_ sequence: Int64, _ steps: Steps) async throws -> ProvenRow? {
        let (lines, owner) = try await steps.read { reader in
            (try reader.chainLines(proving: sequence), try reader.chainOwner())
        }
        return try await steps.background { RowProof.of(sequence, lines, of: owner) }
    }

    /// Of the rows about the times at which the requests came those that tell of them, in the log's order. They are
    /// looked for, and read, in one job where they are few.
    private static func proven(_ asked: [AskedRequest], _ steps: Steps) async throws -> [ProvenRow] {
        try await steps.flushReads()
        let ids = Set(asked.map(\.id))
        let (all, first, owner) = try await steps.read { reader in
            let all = try numbers(near: asked, in: reader)
            return (all, try reader.chainLines(provingFirstOf: all), try reader.chainOwner())
        }
        var (rest, proofs, found) = (all[...], first, [ProvenRow]())
        while !rest.isEmpty {
            let read = proofs
            let rows = try await steps.background {
                read.compactMap { RowProof.of($0.sequence, $0.lines, of: owner) }
            }
            found += rows.filter { row in row.entries.contains { ids.contains($0.record.requestID) } }
            rest.removeFirst(read.count)
            let left = Array(rest)
            if !left.isEmpty { proofs = try await steps.read { try $0.chainLines(provingFirstOf: left) } }
        }
        return found
    }

    /// Numbers of rows that may tell of the requests, each once, in order.
    private static func numbers(near asked: [AskedRequest], in reader: TenantReader) throws -> [Int64] {
        var numbers: Set<Int64> = []
        for request in asked {
            let (rows, blocks) = try reader.auditRows(of: request.id, near: request.at)
            numbers.formUnion(rows.prefix(rowsMax) + blocks.prefix(blocksMax))
        }
        return numbers.sorted()
    }

    private static func listed(_ rows: [ProvenRow], of requests: Set<RequestID>) -> Work {
        .read { tenant in
            let (shown, names) = try named(rows, requests, tenant)
            return .json { json in
                json.array("data") { json in
                    for row in shown { json.object { write(row, names, &$0) } }
                }
            }
        }
    }

    /// The rows with the requests' entries alone, where some are named, and the names of whom they tell.
    private static func named(
        _ rows: [ProvenRow], _ requests: Set<RequestID>?, _ tenant: TenantReader
    ) throws -> ([ProvenRow], AuditNames) {
        let shown = rows.map { $0.telling(of: requests) }
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
    fileprivate func telling(of requests: Set<RequestID>?) -> ProvenRow {
        ProvenRow(
            sequence: sequence, kind: kind, hash: hash, head: head, findings: findings,
            entries: requests.map { ids in entries.filter { ids.contains($0.record.requestID) } } ?? entries)
    }
}

/// A request whose rows are asked for, and when it came.
private struct AskedRequest: Sendable {
    let id: RequestID
    let at: Timestamp
}

extension Query {
    /// `ids`, each once, and in `at` the time of each, where they are known.
    fileprivate func requests(now: Timestamp, most: Int) throws(Refusal) -> [AskedRequest] {
        guard let text = self["ids"] else { throw .field("/ids", "required", "is required") }
        let ids = text.split(separator: ",", omittingEmptySubsequences: false).map { RequestID(text: String($0)) }
        let known = ids.compactMap { $0 }
        guard known.count == ids.count, ids.count <= most else {
            throw .field("/ids", "format", "must be up to \(most) of req_ and 32 hexadecimal digits, with commas")
        }
        // Whatever was done without a request has none.
        var seen: Set<RequestID> = [.none]
        guard let at = self["at"] else {
            return known.filter { seen.insert($0).inserted }.map { AskedRequest(id: $0, at: now) }
        }
        let times = at.split(separator: ",", omittingEmptySubsequences: false)
            .compactMap { Timestamp(parsingTimeOrDay: String($0)) }
        guard times.count == known.count else {
            throw .field("/at", "format", "must be as many RFC 3339 times as there are ids, with commas between")
        }
        return zip(known, times).filter { seen.insert($0.0).inserted }.map { AskedRequest(id: $0, at: $1) }
    }

    fileprivate func requestID() throws(Refusal) -> RequestID? {
        guard let text = self["request_id"] else { return nil }
        guard let id = RequestID(text: text) else {
            throw .field("/request_id", "format", "must be req_ and 32 hexadecimal digits")
        }
        return id
    }
}

extension OperatorAdmin.Schemas {
    fileprivate static let requestID = Parameter.query("request_id", .matching("^\(OperatorAdmin.requestID)$"))
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
