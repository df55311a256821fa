import CallKit
import HTTPCore
import TenantApp
import TenantRegistry
import TestTenants
import Testing

@Suite struct SoundFileTests {
    @Test("G5 an export that nobody touched verifies, with every signature and every head that was handed out")
    func sound() throws {
        let export = try Traded.shared.get()
        let report = try Verifier(
            path: export.path, expectedHeads: [export.head, export.earlierHead], publicKey: export.publicKey,
            checksAllSignatures: true
        ).run()
        #expect(report.findings == [])
        #expect(report.isSound)
        #expect(report.head == export.head)
        #expect(report.counts.orders == 9)
        #expect(report.counts.postings == 15)
        #expect(report.counts.entries == 30)
        #expect(report.counts.storedAnswers == 4)
        #expect(report.counts.recordsInBlocks > 0)
        #expect(report.counts.signaturesChecked > 10)
        #expect(report.text.hasSuffix("\nsound"))
    }

    @Test("the report as JSON says what its text says")
    func json() throws {
        let report = try Verifier(path: try Traded.shared.get().path).run()
        let json = try JSON.parse(report.json)
        #expect(json["sound"] == .bool(true))
        #expect(json["head"] == .string(try #require(report.head).text))
        #expect(json["counts"]?["orders"] == .number(JSONNumber(9)))
        #expect(json["findings"] == .array([]))
    }

    @Test("a tenant that has done nothing but be created verifies")
    func empty() throws {
        let folder = try TestFolder()
        let node = try TestNode(folder.file("data"))
        defer { node.stop() }
        let report = try Verifier(path: try node.export(try node.create("new"))).run()
        #expect(report.findings == [])
        #expect(report.counts.auditRows == 2)
    }

    @Test("what is no tenant's file is refused, not called unsound")
    func foreign() throws {
        let folder = try TestFolder()
        #expect(throws: VerificationError.self) { try Verifier(path: folder.file("missing")).run() }
        try Array("no database at all".utf8).write(to: folder.file("text"))
        #expect(throws: VerificationError.self) { try Verifier(path: folder.file("text")).run() }
        try Array("".utf8).write(to: folder.file("empty"))
        #expect(throws: VerificationError.self) { try Verifier(path: folder.file("empty")).run() }
        let copy = try Copy()
        try copy.tamper("PRAGMA application_id = 7")
        #expect(throws: VerificationError.self) { try copy.verify() }
        try copy.tamper("PRAGMA application_id = \(CoreSchema.applicationID); PRAGMA user_version = 999")
        let newer = #expect(throws: VerificationError.self) { try copy.verify() }
        #expect(newer?.description.contains("use a newer program") == true)
    }

    @Test("a file with a journal beside it is refused: alone it is not whole")
    func journal() throws {
        let copy = try Copy()
        try Array("x".utf8).write(to: copy.path + "-wal")
        #expect(throws: VerificationError.self) { try copy.verify() }
    }
}
