import CallKit
import Cryptography
import SQLite
import TenantRegistry
import TestTenants
import Testing

@Suite struct StoredAnswerTests {
    private let day: Int64 = 86_400

    @Test("G4 keys that are used again after their thirty days do not keep others' answers from being cleared")
    func clearing() throws {
        let folder = try TestFolder()
        let node = try TestNode(folder.file("data"))
        defer { node.stop() }
        let record = try node.create("one")
        try store(["monthly-1", "monthly-2"], status: 201, of: record, at: node)
        node.clock.advance(seconds: 15 * day)
        try store(["once"], status: 201, of: record, at: node)
        node.clock.advance(seconds: 16 * day)
        try store(["monthly-1", "monthly-2"], status: 202, of: record, at: node)
        node.clock.advance(seconds: 15 * day)
        try store([], status: 201, of: record, at: node)
        let (left, again) = try node.write(record) { tenant, _ in
            try tenant.purgeIdempotency(limit: 2)
            let left = try tenant.connection.rows("SELECT key FROM idempotency ORDER BY key") { try $0.text() }
            return (left, try tenant.storedAnswer(for: try Self.claim("monthly-1"))?.status)
        }
        #expect(left == ["monthly-1", "monthly-2"])
        #expect(again == 202)
    }

    @Test("G4 G5 of a tenant in which nothing happens no answer goes: by its file's own present it is not old")
    func quiet() throws {
        let folder = try TestFolder()
        let node = try TestNode(folder.file("data"))
        defer { node.stop() }
        let record = try node.create("one")
        try store(["order"], status: 201, of: record, at: node)
        node.clock.advance(seconds: 40 * day)
        func clear() throws -> Int {
            try node.write(record) { tenant, _ in
                try tenant.purgeIdempotency(limit: 2)
                return try tenant.connection.rows("SELECT key FROM idempotency") { try $0.text() }.count
            }
        }
        #expect(try clear() == 1)
        // That call was something.
        #expect(try clear() == 0)
    }

    private func store(_ keys: [String], status: Int, of record: TenantRecord, at node: TestNode) throws {
        _ = try node.write(record) { tenant, _ in
            for key in keys {
                let answer = Answer.json(status) { $0.field("key", key) }
                try tenant.storeAnswer(answer, for: try Self.claim(key))
            }
        }
    }

    private static func claim(_ key: String) throws -> IdempotencyClaim {
        IdempotencyClaim(try #require(IdempotencyKey(key)), scope: 1, book: .live, fingerprint: .zero)
    }
}
