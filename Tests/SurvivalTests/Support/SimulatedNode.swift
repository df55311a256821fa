import Cryptography
import FaultDisk
import Foundation
import SharedLogs
import TenantApp
import TenantRegistry
import TestSeeds
import TestTenants

/// A node of a cluster, on a disk that can fail, by a clock of its own and a way of its own to the shared log. It beats
/// when the test says so. One test's thread.
final class SimulatedNode {
    let name: NodeName
    let clock: ManualMonotonicClock
    private let store: MemoryLogStore
    private let folder: TestFolder
    private let change: (inout ClusterOptions) -> Void
    private var lives = 0
    private(set) var disk: FaultDisk
    private(set) var link: MemorySharedLog
    /// Nil while no process of that name runs.
    private(set) var node: TestNode?
    var isFrozen = false

    /// Nothing runs yet.
    init(
        _ text: String, _ store: MemoryLogStore, masterKey: [UInt8], _ change: @escaping (inout ClusterOptions) -> Void
    ) throws {
        guard let name = NodeName(text) else { preconditionFailure("such a name is one") }
        (self.name, self.store, self.change) = (name, store, change)
        folder = try TestFolder()
        // Each machine's clock began at another time.
        clock = ManualMonotonicClock(nanoseconds: UInt64(text.utf8.first ?? 0) * 1_000_000_000_000)
        link = store.link()
        disk = FaultDisk(folder.file("data-0"))
        try prepare(folder.file("data-0"), masterKey)
    }

    private func prepare(_ path: String, _ masterKey: [UInt8]) throws {
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        try write(Data(masterKey), to: path + "/master.key")
    }

    /// As the product's own: nobody else may read it.
    private func write(_ data: Data, to path: String) throws {
        try data.write(to: URL(fileURLWithPath: path))
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
    }

    var isRunning: Bool { node != nil && !isFrozen }

    // MARK: Lives

    /// A process begins in the folder as it is, of a program that knows that schema.
    func start(schema: TenantSchema = .app) throws {
        link = store.link()
        var cluster = ClusterOptions(log: link, name: name, address: "127.0.0.1:8080")
        cluster.clock = clock
        cluster.beatsByItself = false
        change(&cluster)
        var options = Scene.options(.files, disk)
        options.cluster = cluster
        let seed = UInt64(lives) << 32 + UInt64(name.text.utf8.first ?? 0)
        node = try TestNode(disk.folder, seed: seed, options: options, schema: schema)
    }

    /// As kill -9, or a power cut, leaves it; `losesFolder`: its disk with it. Nothing runs after that.
    func kill(powerCut: Seeded? = nil, losesFolder: Bool = false) throws {
        link.faults.crash()
        isFrozen = false
        let target = folder.file("data-\(lives + 1)")
        // A mark that is older than its file is what a crash may leave, one that is newer is not.
        let marks = self.marks
        try disk.image { image in
            guard var chance = powerCut else { return try image.copy(to: target) }
            let losesAll = chance.happens(oneIn: 3)
            try image.copyAfterPowerCut(to: target) { losesAll ? .none : chance.pick([.whole, .torn, .none]) }
        }
        disk.set(nil)
        node?.stop()
        node = nil
        lives += 1
        let masterKey = [UInt8](FileManager.default.contents(atPath: target + "/master.key") ?? Data())
        if losesFolder {
            try FileManager.default.removeItem(atPath: target)
            try prepare(target, masterKey)
        } else {
            try putBack(marks, in: target)
        }
        disk = FaultDisk(target)
    }

    /// In order.
    func stop() {
        link.faults.heal()
        disk.set(nil)
        node?.stop()
        node = nil
    }

    /// SIGSTOP, but that what needs no log goes on: whatever it then does is to come to nothing.
    func freeze() {
        link.faults.freeze()
        isFrozen = true
    }

    /// The time that it slept has passed on its clock already.
    func thaw() {
        link.faults.thaw()
        isFrozen = false
    }

    // MARK: Marks

    /// What lies beside its files and says how far they go, by path within the folder.
    private var marks: [String: Data] {
        let names = FileManager.default.enumerator(atPath: disk.folder)?.allObjects as? [String] ?? []
        return names.filter { $0.hasSuffix(".mark") }.reduce(into: [:]) { marks, name in
            marks[name] = FileManager.default.contents(atPath: disk.folder + "/" + name)
        }
    }

    private func putBack(_ marks: [String: Data], in target: String) throws {
        let names = FileManager.default.enumerator(atPath: target)?.allObjects as? [String] ?? []
        for name in names where name.hasSuffix(".mark") {
            let path = target + "/" + name
            try FileManager.default.removeItem(atPath: path)
            if let mark = marks[name] { try write(mark, to: path) }
        }
    }

    /// Up to where the file of that tenant has everything, as its mark says.
    func mark(of tenant: TenantID) -> SharedPlace? {
        let suffix = tenant == .registry ? "registry.sqlite.mark" : "\(tenant.text).sqlite.mark"
        guard let bytes = marks.first(where: { $0.key.hasSuffix(suffix) })?.value.map({ $0 }), bytes.count == 80,
            let chain = Digest(bytes: bytes[16..<48])
        else { return nil }
        let sequence = bytes[8..<16].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        return SharedPlace(sequence: sequence, chain: chain)
    }

    // MARK: The cluster

    var member: ClusterMember? { node?.fleet.cluster }

    func serves(_ tenant: TenantID) -> Bool { isRunning && member?.place(of: tenant) == .here }

    /// Its time goes on, and it beats where it runs.
    func pass(milliseconds: UInt64) {
        clock.advance(nanoseconds: milliseconds * 1_000_000)
        if isRunning { node?.fleet.beat() }
    }

    /// Of the tenant that is most in need of one, where one is due.
    func putSnapshot() throws {
        guard let node else { return }
        let isOver = Promise<Void>()
        node.fleet.putSnapshot { isOver.succeed(()) }
        try isOver.value()
    }

    /// Its registry and its memory know what was committed anywhere.
    func catchUp() throws -> Bool {
        guard let member else { return false }
        let promise = Promise<Bool>()
        member.catchUp { promise.succeed($0) }
        return try promise.value()
    }
}
