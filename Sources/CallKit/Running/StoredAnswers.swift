package import Cryptography
package import SQLite
package import TenantRegistry

/// The answer that a call with an Idempotency-Key was given (G4).
package struct StoredAnswer: Sendable {
    package let fingerprint: Digest
    package let status: Int
    package fileprivate(set) var contentType: String
    package fileprivate(set) var body: [UInt8]

    package static let columns = Columns<StoredAnswer>("rowid", "fingerprint", "status", "content_type", "body")
    /// What an answer to a call with a key is, sealed or not: only the APIs take keys, and no browser runs what they
    /// answer.
    package static let contentTypes = ["application/json", Problem.contentType].flatMap {
        [$0, TenantReader.sealedMark + $0]
    }
    fileprivate static let byKey = Statement(
        """
        SELECT \(columns) FROM idempotency WHERE reseller_id = ?1 AND book = ?2 AND key = ?3 AND created_at > ?4
        """)

    /// As it lies there: one with a secret in it is sealed.
    package init(_ row: inout RowReader) throws {
        row.skip()
        fingerprint = try row.digest()
        status = Int(try row.int())
        contentType = try row.text()
        body = try row.blob()
    }
}

extension TenantReader {
    /// How long an answer is kept.
    package static let idempotencyDays: Int64 = 30

    package func storedAnswer(for claim: IdempotencyClaim) throws -> StoredAnswer? {
        let stored = try connection.row(
            StoredAnswer.byKey, .integer(claim.scope), .book(claim.book), .text(claim.key.text),
            .time(now.adding(days: -Self.idempotencyDays)), read: StoredAnswer.init)
        guard var stored, stored.contentType.hasPrefix(Self.sealedMark) else { return stored }
        stored.contentType.removeFirst(Self.sealedMark.count)
        stored.body = try AES256GCM.open(
            stored.body, key: store.secretKey, associatedData: answerContext(claim))
        return stored
    }

    /// Stands before the content type of answers that are stored as ciphertext under the tenant's key.
    fileprivate static let sealedMark = "sealed:"

    fileprivate func answerContext(_ claim: IdempotencyClaim) -> [UInt8] {
        tenantID.bytes + Array("answer:\(claim.scope):\(claim.key.text)".utf8)
    }
}

extension TenantTransaction {
    /// In a row of its own behind all others, also where the key's answer of before still lies there.
    package func storeAnswer(_ answer: Answer, for claim: IdempotencyClaim) throws {
        var body = answer.replayBody ?? answer.body
        var contentType = answer.contentType.description
        if answer.isSecret {
            body = try AES256GCM.seal(
                body, key: store.secretKey, associatedData: answerContext(claim), random: store.random)
            contentType = Self.sealedMark + contentType
        }
        try connection.run(
            """
            INSERT OR REPLACE INTO idempotency
                (reseller_id, book, key, fingerprint, status, content_type, body, created_at)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
            """
        ) { row in
            row.int(claim.scope)
            row.book(claim.book)
            row.text(claim.key.text)
            claim.fingerprint.withUnsafeBytes { row.blob($0) }
            row.int(answer.status)
            row.text(contentType)
            row.blob(body)
            row.time(now)
        }
    }

    /// In a fork (B2): what is sealed under another tenant's key cannot be given again. The others stay, since the
    /// orders of their keys do.
    package func dropSealedAnswers() throws {
        try connection.run(
            "DELETE FROM idempotency WHERE substr(content_type, 1, ?1) = ?2", .int(Self.sealedMark.count),
            .text(Self.sealedMark))
    }

    /// So many rows at most are cleared at a time: no operation holds a lane for long.
    package static let housekeepingRowsMax = 2_000

    /// Rows are in the order of their time: a key that is used again after its 30 days has a new one. Those stay whose
    /// days are not over at the last audit row: by that, a file's own present, `verify` judges that an answer is
    /// missing.
    package func purgeIdempotency(limit: Int) throws {
        try connection.run(
            """
            DELETE FROM idempotency
            WHERE created_at + ?3 <= min(?1, (SELECT at FROM audit ORDER BY seq DESC LIMIT 1))
                AND rowid IN (SELECT rowid FROM idempotency ORDER BY rowid LIMIT ?2)
            """,
            .time(now), .int(limit), .integer(Self.idempotencyDays * Timestamp.millisecondsPerDay))
    }
}
