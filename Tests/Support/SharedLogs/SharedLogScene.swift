import Cryptography
import Synchronization
import TenantRegistry
import TestTenants

/// Two nodes before one log, and what the checks of `SharedLogCheck` do with it. One test's thread.
struct SharedLogScene {
    let logs: [any SharedLog]
    private let random = SystemRandom()
    /// What seals the tenants' records.
    let key = [UInt8](repeating: 7, count: 32)
    /// Names that no other check has.
    let first: NodeName
    let second: NodeName

    init(logs: [any SharedLog]) {
        self.logs = logs
        let suffix = String(random.uint64() % 1_000_000_000)
        guard let first = NodeName("a-\(suffix)"), let second = NodeName("b-\(suffix)") else {
            preconditionFailure("such a name is one")
        }
        (self.first, self.second) = (first, second)
    }

    var log: any SharedLog { logs[0] }
    var other: any SharedLog { logs[1] }

    // MARK: Making

    func node(_ name: NodeName, keyPrint: Digest = SHA256.hash("the key of all")) -> ClusterNode {
        ClusterNode(name: name, address: "127.0.0.1:8080", schema: 1, keyPrint: keyPrint)
    }

    func join(_ log: any SharedLog, _ name: NodeName) throws -> Int64 { try log.join(node(name)) }

    func tenant() -> TenantID { TenantID.random(random) }

    /// A tenant of the first node's, open there.
    func opened() throws -> (TenantID, any SharedStream) {
        let id = tenant()
        try log.create(id, owner: first)
        return (id, try log.open(id, as: first, key: key))
    }

    func payload(_ number: Int) -> [UInt8] { [UInt8]("commit \(number)".utf8) }

    /// Appends and waits.
    @discardableResult
    func append(_ stream: any SharedStream, _ bytes: [UInt8]) throws -> SharedVerdict {
        let promise = Promise<SharedVerdict>()
        _ = bytes.withUnsafeBytes { stream.append($0) { promise.succeed($0) } }
        return try promise.value()
    }

    func append(_ stream: any SharedStream, count: Int) throws {
        for number in 1...count {
            try expect(try append(stream, payload(number)), .appended, "an append where nobody came between")
        }
    }

    /// Sequences and payloads.
    func read(
        _ id: TenantID, after sequence: UInt64 = 0, chain: Digest? = nil, upTo last: UInt64, key: [UInt8]? = nil
    ) throws -> (sequences: [UInt64], payloads: [[UInt8]], epochs: [UInt64], chain: Digest) {
        let start = try chain ?? other.chain(of: id, at: sequence)
        guard let start else { throw Nonconformance(description: "the chain at \(sequence) is not known") }
        var found: [SharedRecord] = []
        let end = try other.records(of: id, after: sequence, chain: start, upTo: last, key: key ?? self.key) {
            found.append($0)
        }
        return (found.map(\.sequence), found.map(\.payload), found.map(\.epoch), end)
    }

    /// A snapshot where the stream is.
    func put(_ stream: any SharedStream, _ pieces: [[UInt8]]) throws {
        var left = pieces[...]
        try stream.putSnapshot(at: stream.settled) { left.popFirst() }
    }

    func reset(_ stream: any SharedStream, _ pieces: [[UInt8]]) throws -> SharedPlace {
        var left = pieces[...]
        return try stream.reset { left.popFirst() }
    }

    func content(of snapshot: SharedSnapshot, _ id: TenantID, key: [UInt8]? = nil) throws -> [UInt8] {
        var bytes: [UInt8] = []
        try other.read(snapshot, of: id, key: key ?? self.key) { bytes += $0 }
        return bytes
    }

    func head(_ id: TenantID) throws -> SharedHead {
        guard let head = try other.head(of: id) else { throw Nonconformance(description: "there is no head") }
        return head
    }

    // MARK: Judging

    func expect(_ isSo: Bool, _ what: String) throws {
        if !isSo { throw Nonconformance(description: what) }
    }

    func expect<Value: Equatable>(_ found: Value, _ wanted: Value, _ what: String) throws {
        if found != wanted { throw Nonconformance(description: "\(what): \(found) instead of \(wanted)") }
    }

    func refuses(_ wanted: SharedLogError?, _ what: String, _ body: () throws -> Void) throws {
        do {
            try body()
        } catch let error as SharedLogError {
            if let wanted { try expect(error, wanted, what) }
            if case .away(let reason) = error { throw Nonconformance(description: "\(what): away, \(reason)") }
            return
        }
        throw Nonconformance(description: "\(what): it was not refused")
    }

    func isDamaged(_ what: String, _ body: () throws -> Void) throws {
        do {
            try body()
        } catch SharedLogError.damaged { return }
        throw Nonconformance(description: "\(what): nobody noticed")
    }
}

/// Verdicts in the order in which they came. Any thread.
final class Verdicts: Sendable {
    private let told = Mutex<[(UInt64, SharedVerdict)]>([])
    private let count: Int
    private let isFull = Promise<Void>()

    init(_ count: Int) { self.count = count }

    func add(_ place: UInt64, _ verdict: SharedVerdict) {
        let isLast = told.withLock { told in
            told.append((place, verdict))
            return told.count == count
        }
        if isLast { isFull.succeed(()) }
    }

    /// Waits until all have come.
    func all() throws -> [(place: UInt64, verdict: SharedVerdict)] {
        try isFull.value()
        return told.withLock { $0.map { (place: $0.0, verdict: $0.1) } }
    }
}
