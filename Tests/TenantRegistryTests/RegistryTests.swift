import CallKit
import Foundation
import SQLite
import TenantApp
import TenantRegistry
import TestTenants
import Testing

@Suite struct RegistryTests {
    let folder: TestFolder

    init() throws { folder = try TestFolder() }

    @Test(
        "G1 a tenant whose file is garbage, gone or another's answers unavailable; the others go on",
        arguments: ["garbage", "gone", "another's", "no tenant's"])
    func wrongFile(kind: String) throws {
        let data = folder.file("data")
        let node = try TestNode(data)
        let bad = try node.create("bad")
        let good = try node.create("good")
        node.stop()
        let path = { (id: TenantID) in "\(data)/tenants/\(id.text.prefix(2))/\(id.text).sqlite" }
        switch kind {
        case "garbage": try Data(repeating: 1, count: 9_999).write(to: URL(fileURLWithPath: path(bad.id)))
        case "gone": DataDirectory.remove(path(bad.id))
        case "another's":
            try Data(contentsOf: URL(fileURLWithPath: path(good.id))).write(to: URL(fileURLWithPath: path(bad.id)))
        default: try DataFolder.edit(path(bad.id)) { try $0.setApplicationID(3) }
        }
        let again = try TestNode(data, seed: 2)
        defer { again.stop() }
        let failure = #expect(throws: LaneFailure.self) { try again.head(of: try again.tenant("bad")) }
        guard case .unavailable = failure else {
            Issue.record("\(String(describing: failure))")
            return
        }
        #expect(try again.head(of: try again.tenant("good")).sequence == 2)
        #expect(again.reports.all.contains { $0.contains(bad.id.text) })
    }

    @Test(
        "G1 a master key that is there and cannot be read, or is none, is not made anew: the start fails and names it",
        arguments: ["a folder", "a link that leads nowhere", "a link to itself", "cut short", "another node's"])
    func unreadableMasterKey(kind: String) throws {
        let data = folder.file("data")
        let before = try TestNode(data)
        let path = before.fleet.data.masterKeyPath
        try before.create("shop")
        before.stop()
        let (key, files) = (folder.file("key"), FileManager.default)
        try DataDirectory.rename(path, to: key)
        switch kind {
        case "a folder":
            try files.createDirectory(
                atPath: path, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
        case "a link that leads nowhere": try files.createSymbolicLink(atPath: path, withDestinationPath: data + "/no")
        case "a link to itself": try files.createSymbolicLink(atPath: path, withDestinationPath: path)
        case "cut short": try DataDirectory.writeNew([1, 2, 3], to: path)
        default: try DataDirectory.writeNew([UInt8](repeating: 7, count: 32), to: path)
        }
        let text = files.contents(atPath: path)
        // With a registry, and where it would be the first start.
        for hasRegistry in kind == "another node's" ? [true] : [true, false] {
            if !hasRegistry { try DataDirectory.rename("\(data)/registry.sqlite", to: folder.file("registry")) }
            let failure = #expect(throws: DataDirectory.Failure.self) { try TestNode(data, seed: 2) }
            #expect(failure?.description.hasPrefix("\(path): ") == true, "\(String(describing: failure))")
            #expect(files.contents(atPath: path) == text)
        }
        if kind == "a folder" { try files.removeItem(atPath: path) } else { DataDirectory.remove(path) }
        try DataDirectory.rename(key, to: path)
        if DataDirectory.size(of: folder.file("registry")) != nil {
            try DataDirectory.rename(folder.file("registry"), to: "\(data)/registry.sqlite")
        }
        let again = try TestNode(data, seed: 3)
        defer { again.stop() }
        #expect(try again.head(of: again.tenant("shop")).sequence == 2)
    }

    @Test("B1 a registry that is gone is not made anew beside tenants' files: put back, it serves them")
    func missingRegistry() throws {
        let data = folder.file("data")
        let before = try TestNode(data)
        try before.create("shop")
        before.stop()
        let path = "\(data)/registry.sqlite"
        try DataDirectory.rename(path, to: folder.file("registry"))
        let failure = #expect(throws: DataDirectory.Failure.self) { try TestNode(data, seed: 2) }
        #expect(failure?.description.hasPrefix("\(path): ") == true, "\(String(describing: failure))")
        #expect(DataDirectory.size(of: path) == nil)
        try DataDirectory.rename(folder.file("registry"), to: path)
        let again = try TestNode(data, seed: 3)
        defer { again.stop() }
        #expect(try again.head(of: again.tenant("shop")).sequence == 2)
    }

    @Test("what the registry missed it learns from the tenant's file when that is opened")
    func missedProjection() throws {
        let data = folder.file("data")
        let node = try TestNode(data)
        let shop = try Shop.open(node)
        let live = try node.mint(shop.record, reseller: shop.resellerIDs[0])
        let dead = try node.mint(shop.record)
        try node.revoke(shop.record, dead)
        node.stop()
        try DataFolder.editRegistry(data) { registry in
            try registry.execute(
                "DELETE FROM api_key; DELETE FROM reseller; DELETE FROM secret; UPDATE tenant SET projection_epoch = 0")
        }
        let again = try TestNode(data, seed: 2)
        let record = try again.tenant("shop")
        #expect(!again.opens(live))
        _ = try again.head(of: record)
        #expect(again.opens(live))
        #expect(!again.opens(dead))
        #expect(again.fleet.roster.resellers(of: record.id).count == 2)
        again.stop()
        let counts = try DataFolder.editRegistry(data) { registry in
            try registry.row(
                "SELECT (SELECT count(*) FROM api_key), (SELECT count(*) FROM reseller), (SELECT count(*) FROM secret)"
            ) {
                try [$0.int(), $0.int(), $0.int()]
            }
        }
        #expect(counts == [1, 2, 1])
        let third = try TestNode(data, seed: 3)
        defer { third.stop() }
        #expect(third.opens(live))
    }

    @Test("P2 whether a reseller waits is asked of its file at the start, where a program of before has not noted it")
    func unknownWaiting() throws {
        let data = folder.file("data")
        let node = try TestNode(data)
        let record = try Shop.open(node).record
        try node.write(record) { tenant, _ in
            try tenant.connection.run("UPDATE reseller SET state = 0, is_applicant = 1 WHERE id = 1")
        }
        node.stop()
        try DataFolder.editRegistry(data) { registry in
            try registry.execute("DELETE FROM reseller_waiting; UPDATE reseller SET state = 0")
        }
        let again = try TestNode(data, seed: 2)
        defer { again.stop() }
        // Behind the look into the file at the start.
        _ = try again.head(of: try again.tenant("shop"))
        let resellers = again.fleet.roster.resellers(of: record.id).map(\.projection)
        #expect(resellers.filter(\.isWaiting).map(\.resellerID) == [1])
    }

    @Test("G8 a key whose mint was acknowledged by the file alone works after kill -9", .timeLimit(.minutes(10)))
    func crashBetweenFileAndRegistry() throws {
        let data = folder.file("data")
        let image = folder.file("image")
        let node = try TestNode(data)
        let record = try node.create("one")
        let secret = MintedSecret(prefix: "tst", book: .live, random: node.fleet.random)
        try awaited { node.fleet.registry.reserve(secret.hash, for: record.id, then: $0) }
        let id = try node.write(record) { tenant, detail in
            tenant.store.afterCommit { try? DataFolder.image(of: data, to: image) }
            let new = NewKey(
                accountID: 1, resellerID: nil, role: .owner, scopes: .all, display: secret.display,
                createdBy: 1)
            return try MintKey(secret: secret, new: new).run(tenant, &detail).id
        }
        node.stop()
        let again = try TestNode(image, seed: 2)
        defer { again.stop() }
        // Behind the look into the file that a dangling hash causes at the start.
        _ = try again.head(of: try again.tenant("one"))
        #expect(again.opens(TestKey(hash: secret.hash, id: id)))
    }

    @Test("a hash that was reserved for a key that never came is forgotten")
    func danglingHash() throws {
        let data = folder.file("data")
        let node = try TestNode(data)
        let record = try node.create("one")
        let secret = MintedSecret(prefix: "tst", book: .live, random: node.fleet.random)
        try awaited { node.fleet.registry.reserve(secret.hash, for: record.id, then: $0) }
        node.stop()
        let again = try TestNode(data, seed: 2)
        _ = try again.head(of: try again.tenant("one"))
        again.stop()
        let left = try DataFolder.editRegistry(data) { try $0.row("SELECT count(*) FROM secret") { try $0.int() } }
        #expect(left == 0)
    }

    @Test("G8 the registry keeps resellers, keys, limits and counters over a restart")
    func restart() throws {
        let data = folder.file("data")
        let node = try TestNode(data)
        let shop = try Shop.open(node)
        let key = try node.mint(shop.record, reseller: shop.resellerIDs[1])
        for _ in 0..<7 { _ = shop.record.countRequest(at: node.clock.now()) }
        node.stop()
        let again = try TestNode(data, seed: 2)
        defer { again.stop() }
        let found = try #require(again.fleet.roster.key(hash: key.hash, at: again.clock.now()))
        #expect(found.reseller?.id == shop.resellerIDs[1])
        #expect(found.reseller?.projection.limit == Reseller.limitDefault)
        #expect(found.tenant.profile.slug == "shop")
        #expect(try again.tenant("shop").counters.snapshot.count == 7)
    }

    @Test("G8 reads in memory at an orderly stop are in the chain")
    func readsAtStop() throws {
        let data = folder.file("data")
        let node = try TestNode(data)
        let record = try node.create("one")
        let read = AuditRecord(
            at: node.clock.now(), action: "GET /test", status: 200, requestID: RequestID(high: 1, low: 2))
        #expect(record.readLog.append(read))
        node.stop()
        let report = try Verifier(path: DataFolder.tenantFiles(data)[0]).run()
        #expect(report.isSound)
        #expect(report.counts.recordsInBlocks == 1)
    }

    @Test("G8 records of reads that a failed commit took along come with the next one, once")
    func readsOfFailedCommit() throws {
        let node = try TestNode(folder.file("data"))
        defer { node.stop() }
        let record = try node.create("one")
        for number in 0..<100 {
            var read = AuditRecord(
                at: node.clock.now(), action: "GET /test", status: 200,
                requestID: RequestID(high: 0, low: UInt64(number)))
            read.keyID = 1
            #expect(record.readLog.append(read))
        }
        let before = try node.head(of: record)
        // A reference that nothing answers to, found at COMMIT.
        #expect(throws: LaneFailure.self) {
            try node.write(record) { tenant, _ in
                try tenant.connection.execute("PRAGMA defer_foreign_keys=ON")
                try tenant.connection.run(
                    "INSERT INTO account_link (token_hash, account_id, kind, expires_at) VALUES (x'00', 999, 0, 0)")
            }
        }
        #expect(try node.head(of: record) == before)
        #expect(!record.readLog.isEmpty)
        _ = try node.write(record) { _, detail in detail.note("test", "1") }
        #expect(record.readLog.isEmpty)
        let report = try Verifier(path: try node.export(record), checksAllSignatures: true).run()
        #expect(report.isSound, "\(report.text)")
        #expect(report.counts.recordsInBlocks == 100)
    }
}
