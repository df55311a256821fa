import CallKit
import Cryptography
import Foundation
import SQLite
import Synchronization
import TenantRegistry
import TestTenants
import Testing

@testable import TenantApp

@Suite struct RestoreTests {
    let folder: TestFolder
    let node: TestNode

    init() throws {
        folder = try TestFolder()
        node = try TestNode(folder.file("data"))
    }

    private func verify(_ record: TenantRecord, expecting heads: [AuditHead] = []) throws -> VerificationReport {
        try Verifier(
            path: try node.export(record), expectedHeads: heads, publicKey: record.signingKey.publicKey,
            checksAllSignatures: true
        ).run()
    }

    @Test("P5 an export while orders go on is one consistent file")
    func exportUnderLoad() throws {
        defer { node.stop() }
        let shop = try Shop.open(node)
        for reseller in shop.resellerIDs { try shop.topUp(reseller, units: 100_000) }
        // Many steps' worth of pages, so that orders come between them.
        try node.write(shop.record) { tenant, _ in
            for number in 0..<40 { try tenant.set("filling \(number)", to: String(repeating: "x", count: 100_000)) }
        }
        let orders = (0..<400).map { number in
            let promise = Promise<String>()
            let reseller = shop.resellerIDs[number % 2]
            node.submit(
                shop.record, "POST /api/partner/v1/orders", book: .live,
                { try Shop.place($0, &$1, reseller: reseller, sku: "instant", quantity: 1, key: "order-\(number)") },
                then: { promise.resolve($0) })
            return promise
        }
        let exports = (0..<3).map { _ in
            let promise = Promise<String>()
            node.fleet.export(shop.record) { promise.resolve($0) }
            return promise
        }
        for order in orders { _ = try order.value() }
        for export in exports {
            let report = try Verifier(path: try export.value(), checksAllSignatures: true).run()
            #expect(report.isSound, "\(report.text)")
        }
        #expect(try verify(shop.record).counts.orders == 400)
    }

    @Test("P5 after a restore the file says what it said, the incarnation rises, and the chain shows it")
    func restore() throws {
        let shop = try Shop.open(node)
        try shop.trade()
        let path = try node.export(shop.record)
        let exported = try node.head(of: shop.record)
        try shop.order(shop.resellerIDs[0], quantity: 7)
        let lost = try node.head(of: shop.record)
        let head = try node.restore(shop.record, from: path)
        #expect(head.incarnation == 2)
        // The row of the restore, and what it says of the rows whose revisions it raised.
        #expect(head.sequence == exported.sequence + 2)
        #expect(try node.head(of: shop.record) == head)
        let report = try verify(shop.record, expecting: [exported, head])
        #expect(report.isSound, "\(report.text)")
        #expect(report.counts.orders == 9)
        let action = try node.read(shop.record) { tenant in
            try tenant.connection.row("SELECT action, detail FROM audit WHERE kind = 0 ORDER BY seq DESC LIMIT 1") {
                try ($0.text(), $0.text())
            }
        }
        #expect(action?.0 == "tenant.restored")
        #expect(action?.1.contains(lost.text) == true)
        // What was answered after the export is gone, and whoever holds its head can prove it.
        #expect(try verify(shop.record, expecting: [lost]).findings.map(\.invariant) == [.chain])
        try shop.order(shop.resellerIDs[0], quantity: 1)
        #expect(try verify(shop.record).isSound)
        node.stop()
        let again = try TestNode(folder.file("data"), seed: 2)
        defer { again.stop() }
        #expect(try again.head(of: try again.tenant("shop")).incarnation == 2)
        #expect(
            try again.restore(try again.tenant("shop"), from: try again.export(try again.tenant("shop"))).incarnation
                == 3)
    }

    @Test("P5 G5 an incarnation begins with its tenant.restored row; reads that waited come behind it, every one")
    func waitingReads() throws {
        defer { node.stop() }
        let shop = try Shop.open(node)
        let path = try node.export(shop.record)
        // So many that any batch of writes takes them along.
        let count = 2 * ReadLog.worthwhileCount
        for number in 0..<count {
            var record = AuditRecord(
                at: node.clock.now(), action: "GET /waiting", status: 200,
                requestID: RequestID(high: 1, low: UInt64(number)))
            record.keyID = 1
            #expect(shop.record.readLog.append(record))
        }
        let head = try node.restore(shop.record, from: path)
        let report = try verify(shop.record, expecting: [head])
        #expect(report.isSound, "\(report.text)")
        // But for what the chain says of rows whose revisions rose.
        let rows = try node.read(shop.record) { tenant in
            try tenant.connection.rows(
                "SELECT action, kind, count FROM audit WHERE incarnation = ?1 AND kind <> 2 ORDER BY seq",
                .integer(head.incarnation)
            ) { try "\($0.text()) \($0.int()) \($0.int())" }
        }
        #expect(rows == ["tenant.restored 0 0", " 1 \(count)"])
    }

    @Test("P5 G3 a key that was revoked since the export stays revoked; one minted since is dead; the others live")
    func keys() throws {
        let shop = try Shop.open(node)
        let kept = try node.mint(shop.record, reseller: shop.resellerIDs[0])
        let revoked = try node.mint(shop.record, reseller: shop.resellerIDs[0])
        let path = try node.export(shop.record)
        try node.revoke(shop.record, revoked)
        #expect(!node.opens(revoked))
        let later = try node.mint(shop.record)
        _ = try node.restore(shop.record, from: path)
        func judge(_ node: TestNode) {
            #expect(node.opens(kept))
            #expect(!node.opens(revoked))
            #expect(!node.opens(later))
        }
        judge(node)
        // In the file too its secret opens nothing any more.
        let isDead = try node.read(shop.record) { tenant in try tenant.standing(ofSecret: revoked.hash) == nil }
        #expect(isDead)
        #expect(try verify(shop.record).isSound)
        node.stop()
        let again = try TestNode(folder.file("data"), seed: 2)
        defer { again.stop() }
        judge(again)
        _ = try again.head(of: try again.tenant("shop"))
        judge(again)
    }

    @Test("P5 G3 a file that is damaged where its keys lie can be restored; what the registry has as revoked stays so")
    func damagedKeys() throws {
        let shop = try Shop.open(node)
        let kept = try node.mint(shop.record, reseller: shop.resellerIDs[0])
        let revoked = try node.mint(shop.record)
        let path = try folder.copy(try node.export(shop.record), to: "export")
        try node.revoke(shop.record, revoked)
        let live = node.fleet.data.tenantPath(shop.record.id)
        node.stop()
        let pages = try DataFolder.edit(live) { connection in
            try connection.rows("SELECT rootpage FROM sqlite_schema WHERE tbl_name = 'api_key' AND rootpage > 0") {
                try $0.int()
            }
        }
        let file = try FileHandle(forUpdating: URL(fileURLWithPath: live))
        for page in pages {
            try file.seek(toOffset: UInt64(page - 1) * 4_096)
            try file.write(contentsOf: Data(repeating: 0x5A, count: 4_096))
        }
        try file.close()
        let again = try TestNode(folder.file("data"), seed: 2)
        defer { again.stop() }
        let record = try again.tenant("shop")
        // It opens all the same.
        let head = try again.head(of: record)
        _ = try again.restore(record, from: path)
        #expect(again.opens(kept))
        #expect(!again.opens(revoked))
        let detail = try again.read(record) { tenant in
            try tenant.connection.row("SELECT detail FROM audit WHERE action = 'tenant.restored'") { try $0.text() }
        }
        #expect(detail?.contains(#""revoked_keys":"unreadable""#) == true && detail?.contains(head.text) == true)
    }

    @Test("P5 W1 a key of a reseller that was terminated since the export stays dead, also where today's file is lost")
    func terminated() throws {
        let shop = try Shop.open(node)
        let (gone, stays) = (shop.resellerIDs[0], shop.resellerIDs[1])
        let (ended, kept) = (try node.mint(shop.record, reseller: gone), try node.mint(shop.record, reseller: stays))
        let path = try node.export(shop.record)
        let copy = try folder.copy(path, to: "export")
        try node.write(shop.record) { tenant, detail in
            let id = try #require(try tenant.reseller(id: gone)).publicID
            _ = try MoveReseller(resellerID: id, move: .terminate, accountID: 1).run(tenant, &detail)
        }
        _ = try node.restore(shop.record, from: path)
        #expect(!node.opens(ended) && node.opens(kept))
        #expect(try verify(shop.record).isSound)
        // Terminated once more, and the registry alone knows of it.
        let again = try node.mint(shop.record, reseller: gone)
        let later = try folder.copy(try node.export(shop.record), to: "later")
        try node.write(shop.record) { tenant, detail in
            let id = try #require(try tenant.reseller(id: gone)).publicID
            _ = try MoveReseller(resellerID: id, move: .terminate, accountID: 1).run(tenant, &detail)
        }
        node.stop()
        let data = folder.file("data")
        try Data(repeating: 9, count: 5_000).write(to: URL(fileURLWithPath: DataFolder.tenantFiles(data)[0]))
        let next = try TestNode(data, seed: 2)
        defer { next.stop() }
        let record = try next.tenant("shop")
        for file in [later, copy] {
            _ = try next.restore(record, from: file)
            #expect(!next.opens(ended) && !next.opens(again) && next.opens(kept))
        }
    }

    @Test("P11 W1 a node made anew without a tenant keeps its dead keys dead, those of terminated resellers too")
    func leftOut() throws {
        let shop = try Shop.open(node)
        let gone = shop.resellerIDs[0]
        let (ended, revoked) = (try node.mint(shop.record, reseller: gone), try node.mint(shop.record))
        let kept = try node.mint(shop.record, reseller: shop.resellerIDs[1])
        try node.revoke(shop.record, revoked)
        try node.write(shop.record) { tenant, detail in
            let id = try #require(try tenant.reseller(id: gone)).publicID
            _ = try MoveReseller(resellerID: id, move: .terminate, accountID: 1).run(tenant, &detail)
        }
        node.stop()
        let copy = try folder.copy(folder.file("data") + "/registry.sqlite", to: "copy")
        let masterKey = Array(try Data(contentsOf: URL(fileURLWithPath: folder.file("data") + "/master.key")))
        let anew = try DataDirectory(path: folder.file("anew"))
        defer { anew.release() }
        try NodeCopy.place(registry: copy, in: anew, from: masterKey, keeping: [], random: SeededRandom(seed: 5))
        func hashes(_ sql: StaticString) throws -> Set<[UInt8]> {
            try DataFolder.edit(anew.registryPath) { registry in Set(try registry.rows(sql) { try $0.blob() }) }
        }
        let dead = try hashes("SELECT hash FROM secret WHERE is_revoked AND key_id IS NOT NULL")
        #expect(dead == [ended.hash.bytes, revoked.hash.bytes])
        // It comes back with the tenant.
        #expect(try hashes("SELECT hash FROM secret WHERE is_revoked AND key_id IS NULL") == [kept.hash.bytes])
    }

    @Test("P5 P10 a restored file names its own owner, and the registry has that one from then on")
    func owner() throws {
        let shop = try Shop.open(node)
        func change(_ email: String) throws {
            let hash = SHA256.hash(Array(email.utf8))
            try node.write(shop.record) { tenant, detail in
                try ChangeOwner(to: email, tokenHash: hash).run(tenant, &detail)
            }
        }
        try change("first@shop.example")
        let path = try node.export(shop.record)
        try change("second@shop.example")
        #expect(shop.record.profile.ownerEmail == "second@shop.example")
        _ = try node.restore(shop.record, from: path)
        #expect(shop.record.profile.ownerEmail == "first@shop.example")
        node.stop()
        let again = try TestNode(folder.file("data"), seed: 2)
        defer { again.stop() }
        #expect(try again.tenant("shop").profile.ownerEmail == "first@shop.example")
    }

    /// What somebody may bring in place of an export.
    static let harms: [(String, @Sendable (String) throws -> Void)] = [
        ("garbage", { try Data(repeating: 7, count: 10_000).write(to: URL(fileURLWithPath: $0)) }),
        ("nothing", { try Data().write(to: URL(fileURLWithPath: $0)) }),
        (
            "a changed trigger",
            { try DataFolder.edit($0) { try $0.execute("DROP TRIGGER entry_is_append_only_update") } }
        ),
        ("an added table", { try DataFolder.edit($0) { try $0.execute("CREATE TABLE more (a INTEGER)") } }),
        ("a newer schema", { try DataFolder.edit($0) { try $0.setUserVersion(99) } }),
        ("another application's file", { try DataFolder.edit($0) { try $0.setApplicationID(1) } }),
        (
            "a raised balance",
            { try DataFolder.edit($0) { try $0.execute("UPDATE ledger_account SET balance = balance + 1") } }
        ),
        (
            "a damaged page",
            { path in
                var bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
                for place in bytes.count / 2..<bytes.count / 2 + 4096 { bytes[place] = 0xFF }
                try Data(bytes).write(to: URL(fileURLWithPath: path))
            }
        ),
        (
            "half a file",
            { path in
                let data = try Data(contentsOf: URL(fileURLWithPath: path))
                try data.prefix(data.count / 2).write(to: URL(fileURLWithPath: path))
            }
        ),
    ]

    @Test("P5 a file that is not sound replaces nothing and is not kept", arguments: harms.indices)
    func refused(index: Int) throws {
        defer { node.stop() }
        let shop = try Shop.open(node)
        try shop.trade()
        let path = try node.export(shop.record)
        try Self.harms[index].1(path)
        let before = try node.head(of: shop.record)
        #expect(throws: RestoreFailure.self, "\(Self.harms[index].0)") { try node.restore(shop.record, from: path) }
        #expect(try node.head(of: shop.record) == before)
        #expect(DataDirectory.size(of: path) == nil)
        try shop.order(shop.resellerIDs[0])
        #expect(try verify(shop.record).isSound)
    }

    @Test("G1 P5 another tenant's file is refused, and one that names another tenant's key")
    func foreign() throws {
        defer { node.stop() }
        let shop = try Shop.open(node)
        let other = try node.create("other")
        let error = #expect(throws: RestoreFailure.self) { try node.restore(shop.record, from: try node.export(other)) }
        guard case .anotherTenant = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        let key = try node.mint(shop.record)
        let foreign = try node.mint(other)
        // By a program that would not reserve it first: the chain vouches for it.
        try node.write(shop.record) { tenant, _ in
            try tenant.connection.run(
                "UPDATE api_key_secret SET hash = ?1 WHERE key_id = ?2", .blob(foreign.hash.bytes), .integer(key.id))
        }
        let stolen = #expect(throws: RestoreFailure.self) {
            try node.restore(shop.record, from: try node.export(shop.record))
        }
        guard case .foreignKeyHash = stolen else {
            Issue.record("\(String(describing: stolen))")
            return
        }
        #expect(node.fleet.roster.key(hash: foreign.hash, at: node.clock.now())?.tenant.id == other.id)
    }

    @Test("P5 H7 a tenant whose file is damaged beyond opening is restored from its export; revisions go on far above")
    func damaged() throws {
        let shop = try Shop.open(node)
        try shop.trade()
        let copy = try folder.copy(try node.export(shop.record), to: "export")
        node.stop()
        let data = folder.file("data")
        try Data(repeating: 9, count: 5_000).write(to: URL(fileURLWithPath: DataFolder.tenantFiles(data)[0]))
        let again = try TestNode(data, seed: 2)
        defer { again.stop() }
        let record = try again.tenant("shop")
        #expect(throws: LaneFailure.self) { try again.head(of: record) }
        #expect(try again.restore(record, from: copy).incarnation == 2)
        #expect(try Verifier(path: try again.export(record)).run().isSound)
        let revision = try again.read(record) { tenant in
            try tenant.connection.row("SELECT min(revision) FROM orders") { try $0.int() }
        }
        #expect(try #require(revision) > 1_000_000)
    }

    @Test("P5 a tenant whose file went with its folder is restored from its export")
    func folderGone() throws {
        let shop = try Shop.open(node)
        let copy = try folder.copy(try node.export(shop.record), to: "export")
        node.stop()
        let data = folder.file("data")
        let file = URL(fileURLWithPath: DataFolder.tenantFiles(data)[0])
        try FileManager.default.removeItem(at: file.deletingLastPathComponent())
        let again = try TestNode(data, seed: 2)
        defer { again.stop() }
        let record = try again.tenant("shop")
        #expect(try again.restore(record, from: copy).incarnation == 2)
        #expect(try Verifier(path: try again.export(record)).run().isSound)
    }

    @Test(
        "P5 H7 a revision that no object has come to is damage: the restored file goes on far below it",
        arguments: [Int64.max, 1 << 60])
    func incredibleRevision(number: Int64) throws {
        let shop = try Shop.open(node)
        try shop.trade()
        let copy = try folder.copy(try node.export(shop.record), to: "export")
        try node.write(shop.record) { tenant, _ in
            try tenant.connection.run("UPDATE orders SET revision = ?1", .integer(number))
            try tenant.connection.run("UPDATE service SET revision = ?1", .integer(number))
            try tenant.connection.run("UPDATE reseller SET revision = ?1", .integer(number))
        }
        _ = try node.restore(shop.record, from: copy)
        let revision = try node.read(shop.record) { tenant in
            try tenant.connection.row("SELECT max(revision) FROM orders") { try $0.int() }
        }
        let raised = try #require(revision)
        #expect(raised > 0 && raised < 1 << 40)
        let report = try verify(shop.record)
        #expect(report.isSound, "\(report.text)")
    }

    @Test(
        "P5 a restored file that does not open in its place goes, and the one before it comes back, also after a crash",
        arguments: [".decided", ""])
    func takenBack(suffix: String) throws {
        let shop = try Shop.open(node)
        try shop.trade()
        let before = try node.head(of: shop.record)
        node.stop()
        let data = folder.file("data")
        let live = DataFolder.tenantFiles(data)[0]
        let content = try Data(contentsOf: URL(fileURLWithPath: live))
        // As a crash leaves it: before the new file has its name, or after.
        try content.write(to: URL(fileURLWithPath: live + ".before"))
        try content.prefix(3 * 4096).write(to: URL(fileURLWithPath: live + suffix))
        let again = try TestNode(data, seed: 2)
        defer { again.stop() }
        let record = try again.tenant("shop")
        #expect(try again.head(of: record) == before)
        #expect(again.reports.all.contains { $0.contains("the one before it is back") })
        #expect(DataDirectory.size(of: live + ".before") == nil)
        #expect(try Verifier(path: try again.export(record)).run().isSound)
    }

    @Test(
        "P5 what the registry remembers of a file keeps no sound file out",
        arguments: [Int64.max, Int64.max - 1, Int64(1) << 62])
    func absurdMemory(number: Int64) throws {
        let shop = try Shop.open(node)
        try shop.trade()
        let copy = try folder.copy(try node.export(shop.record), to: "export")
        node.stop()
        let data = folder.file("data")
        try DataFolder.editRegistry(data) {
            try $0.run("UPDATE tenant SET projection_epoch = ?1, incarnation = ?1", .integer(number))
        }
        // It has no head to rise above.
        try Data(repeating: 9, count: 5_000).write(to: URL(fileURLWithPath: DataFolder.tenantFiles(data)[0]))
        let again = try TestNode(data, seed: 2)
        defer { again.stop() }
        let record = try again.tenant("shop")
        #expect(try again.restore(record, from: copy).incarnation == 2)
        let key = try again.mint(record)
        #expect(again.opens(key))
        let export = try again.export(record)
        #expect(try Verifier(path: export).run().isSound)
        #expect(try again.restore(record, from: export).incarnation == 3)
    }

    /// What a program of then made files of. From schema 10 on the chain vouched for rows of the tables there were.
    private func schema(version: Int) throws -> TenantSchema {
        let migrations = Array(TenantSchema.app.migrations.prefix(version))
        var vouched: VouchedShapes?
        if version >= Migration0010.version, let newest = TenantSchema.app.vouched {
            let reference = try Connection(path: ":memory:", flags: [.readWrite, .create])
            defer { reference.close() }
            for migration in migrations { try reference.execute(migration.sql) }
            let tables = try newest.shapes.map(\.table).filter {
                try reference.exists("SELECT 1 FROM pragma_table_info(?1)", .text($0))
            }
            vouched = try VouchedShapes(tables, migrations)
        }
        return TenantSchema(
            migrations: migrations, readProjections: { _, _ in [] }, housekeep: { _ in }, vouched: vouched,
            examine: TenantSchema.app.examine)
    }

    /// Files with trade in them, as a program of then wrote them: `upgrade.py`.
    @Test(
        "P5 an export of every schema there was verifies, is taken back, and its rows are vouched for from then on",
        arguments: 1...TenantSchema.app.migrations.count)
    func earlierSchema(version: Int) throws {
        node.stop()
        let data = folder.file("earlier")
        let before = try TestNode(data, schema: try schema(version: version))
        let copy = try folder.copy(try before.export(try before.create("shop")), to: "earlier.sqlite")
        before.stop()
        let kept = try Verifier(path: copy).run()
        #expect(kept.isSound, "\(kept.text)")
        let again = try TestNode(data, seed: 2)
        defer { again.stop() }
        let record = try again.tenant("shop")
        #expect(try again.restore(record, from: copy).incarnation == 2)
        let report = try Verifier(path: try again.export(record)).run()
        #expect(report.isSound && report.counts.vouchedRows > 0, "\(report.text)")
    }
}
