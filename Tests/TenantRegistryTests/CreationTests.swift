import CallKit
import Cryptography
import Foundation
import SQLite
import Synchronization
import TenantApp
import TestTenants
import Testing

@testable import TenantRegistry

@Suite struct CreationTests {
    let folder: TestFolder

    init() throws { folder = try TestFolder() }

    private static let creation = Fleet.Creation(
        slug: "new", blueprint: "hosting", tier: .lite, currency: "EUR", keyPrefix: "tst", ownerEmail: "o@example.com")

    @Test("P1 P7 a new tenant takes orders at once and its export is one file")
    func create() throws {
        let node = try TestNode(folder.file("data"))
        defer { node.stop() }
        let shop = try Shop.open(node)
        try shop.trade()
        let path = try node.export(shop.record)
        #expect(DataDirectory.size(of: path) ?? 0 > 0)
        #expect(DataDirectory.size(of: path + "-wal") == nil)
        #expect(node.reports.all == [])
    }

    /// Where kill -9 comes while a tenant is made.
    enum Step: CaseIterable {
        /// Its registry row is written, its file is not.
        case registered
        /// Its file has its schema and is empty.
        case filling
        /// Its file is whole; the registry still says that it is being made.
        case filled
        /// Everything is written; the creation has been answered.
        case answered
    }

    @Test(
        "P1 a crash at any step of a creation leaves no tenant or a whole one, and its name is free or its own",
        arguments: Step.allCases)
    func crash(step: Step) throws {
        let data = folder.file("data")
        let image = folder.file("image")
        let node = try TestNode(data)
        try node.create("other")
        let take: @Sendable (Step) throws -> Void = { moment in
            if moment == step { try DataFolder.image(of: data, to: image) }
        }
        _ = try awaited { then in
            node.fleet.create(
                Self.creation, as: node.fleet.ownAct("tenant.created"),
                fill: { tenant in
                    try take(.registered)
                    try take(.filling)
                    try tenant.insertAccount(
                        email: "o@example.com", name: "o", role: .owner, resellerID: nil, passwordHash: nil)
                    tenant.store.afterCommit { try? take(.filled) }
                },
                then: then)
        }
        try take(.answered)
        node.stop()
        if step == .registered {
            let id = try #require(node.fleet.roster.tenant(slug: "new")).id
            for suffix in ["", "-wal"] {
                DataDirectory.remove("\(image)/tenants/\(id.text.prefix(2))/\(id.text).sqlite\(suffix)")
            }
        }
        let again = try TestNode(image, seed: 2)
        defer { again.stop() }
        #expect(again.fleet.roster.tenant(slug: "other") != nil)
        if step == .answered {
            let record = try again.tenant("new")
            #expect(record.profile.state == .active)
            #expect(try again.head(of: record).sequence == 2)
        } else {
            #expect(again.fleet.roster.tenant(slug: "new") == nil)
            #expect(DataFolder.tenantFiles(image).count == 1)
            let record = try again.create("new")
            #expect(try again.head(of: record).sequence == 2)
        }
    }

    @Test("P1 a name is taken once")
    func taken() throws {
        let node = try TestNode(folder.file("data"))
        defer { node.stop() }
        try node.create("one")
        #expect(throws: RegistryRefusal.self) { try node.create("one") }
        #expect(node.fleet.roster.tenantCount == 1)
        #expect(DataFolder.tenantFiles(folder.file("data")).count == 1)
    }

    @Test("P1 a file that is being made stays open until all of it is durable, however many are open")
    func stays() throws {
        let node = try TestNode(folder.file("data"))
        defer { node.stop() }
        let (record, _) = try awaited { then in
            node.fleet.create(
                Self.creation, as: node.fleet.ownAct("tenant.created"),
                // Queued behind the job that fills the file, ahead of the one that ends its creation.
                fill: { tenant in tenant.store.record?.lane.evict() }, then: then)
        }
        // The registry's and the tenant's, each once.
        #expect(node.fleet.pool.openFiles == 2)
        #expect(node.fleet.pool.metrics.filesOpened.load(ordering: .relaxed) == 2)
        #expect(try node.head(of: record).sequence == 1)
    }

    struct Refused: Error {}

    @Test("P1 a creation whose contents fail leaves nothing and frees its name")
    func failingFill() throws {
        let node = try TestNode(folder.file("data"))
        defer { node.stop() }
        #expect(throws: (any Error).self) {
            _ = try awaited { then in
                node.fleet.create(
                    Self.creation, as: node.fleet.ownAct("tenant.created"), fill: { _ in throw Refused() },
                    then: { (result: Result<(TenantRecord, Int), any Error>) in then(result) })
            }
        }
        #expect(DataFolder.tenantFiles(folder.file("data")) == [])
        try node.create("new")
    }

    @Test("N2 P1 a creation that others have ended meanwhile fails whole, and one that is whole is not ended by them")
    func endedByOthers() throws {
        let node = try TestNode(folder.file("data"))
        defer { node.stop() }
        #expect(throws: RegistryRefusal.self) {
            _ = try awaited { then in
                node.fleet.create(
                    Self.creation, as: node.fleet.ownAct("tenant.created"),
                    fill: { tenant in
                        let id = try #require(tenant.store.record?.id)
                        // As the node does that takes over what this one had.
                        try awaited {
                            node.fleet.registry.change(
                                id, as: nil, domains: nil, judge: { _ in }, { $0.state = .deleting }, then: $0)
                        }
                    },
                    then: then)
            }
        }
        #expect(DataFolder.tenantFiles(folder.file("data")) == [])
        let record = try node.create("new")
        let key = try node.mint(record)
        node.fleet.buryUnfinished(record.profile)
        // Behind it in the registry.
        try awaited {
            node.fleet.registry.change(record.id, as: nil, domains: nil, judge: { _ in }, { _ in }, then: $0)
        }
        #expect(node.opens(key) && DataFolder.tenantFiles(folder.file("data")) != [])
        #expect(try node.head(of: record).sequence > 0)
    }

    @Test("P5 a deleted tenant's files are gone, its name is free, its keys' hashes stay dead for ever")
    func delete() throws {
        let data = folder.file("data")
        let node = try TestNode(data)
        let record = try node.create("gone")
        let key = try node.mint(record)
        #expect(node.opens(key))
        try awaited { node.fleet.delete(record, as: node.fleet.ownAct("tenant.deleting"), then: $0) }
        #expect(!node.opens(key))
        #expect(DataFolder.tenantFiles(data) == [])
        #expect(throws: LaneFailure.self) { try node.head(of: record) }
        let next = try node.create("gone")
        #expect(throws: RegistryRefusal.self) {
            try awaited { node.fleet.registry.reserve(key.hash, for: next.id, then: $0) }
        }
        node.stop()
        let again = try TestNode(data, seed: 2)
        defer { again.stop() }
        #expect(!again.opens(key))
        #expect(try again.tenant("gone").id == next.id)
    }

    @Test("U1 P8 a form of the console is known again, after a restart too, until it is forgotten or thirty days old")
    func consoleForms() throws {
        let data = folder.file("data")
        let (form, other) = (SHA256.hash("a form"), SHA256.hash("another"))
        let start = Timestamp(milliseconds: 1_800_000_000_000)
        func isFirst(_ hash: Digest, at now: Timestamp, _ node: TestNode) throws -> Bool {
            try awaited { node.fleet.registry.takeForm(hash, at: now, then: $0) }
        }
        let node = try TestNode(data)
        #expect(try isFirst(form, at: start, node))
        #expect(try !isFirst(form, at: start, node))
        #expect(try isFirst(other, at: start, node))
        node.fleet.registry.forgetForm(other)
        #expect(try isFirst(other, at: start, node))
        node.stop()
        let again = try TestNode(data, seed: 2)
        defer { again.stop() }
        #expect(try !isFirst(form, at: start.adding(days: 29), again))
        #expect(try isFirst(form, at: start.adding(days: 30), again))
    }

    @Test("U4 N5 a sign-out that the registry has is known after a restart, as long as the session would have gone on")
    func signOuts() throws {
        let data = folder.file("data")
        let (secret, session, other) = (SHA256.hash("a key"), SHA256.hash("a cookie"), SHA256.hash("another"))
        let start = Timestamp(milliseconds: 1_800_000_000_000)
        let end = start.adding(seconds: 12 * 3_600)
        func isOpen(_ hash: Digest, _ node: TestNode) -> Bool {
            node.fleet.consoleSessions.begin(hash, with: secret, at: start)
            return node.fleet.consoleSessions.isOpen(hash, at: start)
        }
        func signOut(_ hash: Digest, at now: Timestamp, _ node: TestNode) throws {
            try awaited { node.fleet.signOut(hash, begunAt: start, at: now, then: $0) }
        }
        let node = try TestNode(data)
        #expect(isOpen(session, node))
        for _ in 0..<2 { try signOut(session, at: start, node) }
        #expect(!isOpen(session, node) && isOpen(other, node))
        node.stop()
        let again = try TestNode(data, seed: 2)
        #expect(!isOpen(session, again) && isOpen(other, again))
        try signOut(other, at: end, again)
        again.stop()
        // Its row went with the next one that was written.
        let last = try TestNode(data, seed: 3)
        defer { last.stop() }
        #expect(isOpen(session, last) && !isOpen(other, last))
    }

    @Test("P5 a crash in the middle of a deletion is finished at the next start")
    func halfDeleted() throws {
        let data = folder.file("data")
        let node = try TestNode(data)
        try node.create("gone")
        node.stop()
        try DataFolder.editRegistry(data) {
            try $0.run("UPDATE tenant SET state = ?1", .integer(TenantState.deleting.rawValue))
        }
        let again = try TestNode(data, seed: 2)
        defer { again.stop() }
        #expect(again.fleet.roster.tenantCount == 0)
        #expect(DataFolder.tenantFiles(data) == [])
        try again.create("gone")
    }

    @Test("P3 a suspension holds over a restart")
    func suspend() throws {
        let data = folder.file("data")
        let node = try TestNode(data)
        let record = try node.create("one")
        try awaited { then in
            node.fleet.change(
                record, as: node.fleet.ownAct("tenant.suspended"), { $0.state = .suspended }, then: then)
        }
        #expect(record.access(at: node.clock.now()) == .refused(.suspended))
        node.stop()
        let again = try TestNode(data, seed: 2)
        defer { again.stop() }
        #expect(try again.tenant("one").access(at: again.clock.now()) == .refused(.suspended))
    }

    @Test("a second gateway on the same folder is refused; after the first has ended it may have it")
    func lock() throws {
        let data = folder.file("data")
        do {
            let node = try TestNode(data)
            #expect(throws: DataDirectory.Failure.self) { try TestNode(data) }
            node.stop()
        }
        try TestNode(data, seed: 2).stop()
    }

    @Test("P1 G3 a creation is judged again where it is completed: refused there, none of it stays")
    func judgedAtTheEnd() throws {
        let folder = try TestFolder()
        let node = try TestNode(folder.file("data"))
        defer { node.stop() }
        struct Rotated: Error {}
        let asked = Mutex(0)
        #expect(throws: RegistryRefusal.self) {
            _ = try awaited { then in
                node.fleet.create(
                    Self.creation, as: node.fleet.ownAct("tenant.created"),
                    judge: { _ in
                        let isLast = asked.withLock { asked in
                            asked += 1
                            return asked == 2
                        }
                        if isLast { throw RegistryRefusal.notAllowed(Rotated()) }
                    },
                    fill: { _ in }, then: then)
            }
        }
        #expect(asked.withLock { $0 } == 2)
        #expect(node.fleet.roster.tenant(slug: "new") == nil)
        #expect(DataFolder.tenantFiles(folder.file("data")).isEmpty)
        #expect(try node.create("new").profile.slug == "new")
    }

    @Test("P5 a tenant that was erased leaves memory: the clock looks at it no more, and says nothing of it")
    func erased() throws {
        let node = try TestNode(folder.file("data"))
        defer { node.stop() }
        let record = try node.create("gone")
        let line = AuditRecord(at: node.clock.now(), action: "GET /test", status: 200, requestID: .none)
        #expect(record.readLog.append(line))
        record.touch()
        try awaited { then in
            node.fleet.delete(record, as: node.fleet.ownAct("tenant.deleting"), then: then)
        }
        // Of a call that was under way.
        #expect(record.readLog.append(line))
        record.touch()
        for _ in 0..<3 {
            node.clock.advance(seconds: 60)
            #expect(!node.fleet.tick().contains { $0 === record })
        }
        #expect(record.readLog.isSettled && !record.isTouched.load(ordering: .sequentiallyConsistent))
        #expect(!node.reports.all.contains { $0.contains("audit block") }, "\(node.reports.all)")
    }
}
