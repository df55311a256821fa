import Cluster
import Cryptography
import Foundation
import Synchronization
import TenantRegistry
import TestPostgres
import TestPrograms
import TestTenants

/// A database of its own, and nodes at it.
struct TestCluster {
    let server: TestPostgres
    let url: String
    static let keyPrint = SHA256.hash("a key")
    let key = [UInt8](repeating: 7, count: 32)

    /// At the server that all tests share, or at one whose settings a test changes.
    init(_ server: TestPostgres? = TestPostgres.shared) throws {
        guard let server else { throw PostgresPrograms.Failed(description: "the server of the tests did not start") }
        self.server = server
        url = try server.database()
    }

    static func node(_ name: String) throws -> ClusterNode {
        guard let name = NodeName(name) else { throw PostgresPrograms.Failed(description: "no name") }
        return ClusterNode(name: name, address: "127.0.0.1:1", schema: 1, keyPrint: keyPrint)
    }

    /// A node that has joined.
    func join(_ name: String, _ durability: ClusterDurability = .single) throws -> (log: PostgresLog, name: NodeName) {
        let node = try Self.node(name)
        let log = try PostgresLog(url, node: node.name, durability: durability)
        _ = try log.join(node)
        return (log, node.name)
    }

    /// A node as others see it now.
    func seen(_ name: NodeName) throws -> ClusterView.Node? {
        let row = try run("SELECT generation || ' ' || beats FROM tollgate.node WHERE name = '\(name.text)'")
        let counts = row.split(separator: " ").compactMap { Int64($0) }
        guard counts.count == 2 else { return nil }
        return ClusterView.Node(
            name: name, generation: counts[0], address: "127.0.0.1:1", state: .serving, beats: counts[1], schema: 1)
    }

    @discardableResult
    func run(_ sql: String) throws -> String { try server.run(sql, in: url) }
}

/// A transaction that stays open until it is ended.
struct HeldTransaction {
    private let psql = Program()
    private let input = Pipe()
    /// What it was told.
    let line: String

    /// It has done `sql`, which gives one line.
    init(_ sql: String, in url: String) throws {
        let output = Pipe()
        psql.executableURL = URL(filePath: "/usr/bin/psql")
        psql.arguments = ["-XqAt", "-d", url]
        (psql.standardInput, psql.standardOutput, psql.standardError) = (input, output, FileHandle.nullDevice)
        try psql.run()
        try input.fileHandleForWriting.write(contentsOf: Data("BEGIN; \(sql);\n".utf8))
        line = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
    }

    func end() throws {
        try input.fileHandleForWriting.close()
        psql.waitUntilExit()
    }
}

extension TenantID {
    static var any: TenantID { TenantID.random(SystemRandom()) }
}

extension SharedStream {
    /// Appends, and gives the verdict when it comes.
    func promise(_ text: String) -> Promise<SharedVerdict> {
        let promise = Promise<SharedVerdict>()
        [UInt8](text.utf8).withUnsafeBytes { bytes in
            _ = append(bytes) { promise.succeed($0) }
        }
        return promise
    }

    func verdict(_ text: String) throws -> SharedVerdict { try promise(text).value() }
}

extension PostgresLog {
    func texts(of tenant: TenantID, after place: SharedPlace, upTo last: UInt64, key: [UInt8]) throws -> [String] {
        var texts: [String] = []
        _ = try records(of: tenant, after: place.sequence, chain: place.chain, upTo: last, key: key) {
            texts.append(String(decoding: $0.payload, as: UTF8.self))
        }
        return texts
    }
}

/// Where every tenant begins.
let beginning = SharedPlace(sequence: 0, chain: .zero)
