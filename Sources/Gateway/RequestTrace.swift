import Cryptography
import HTTPCore
import HTTPServer
import Synchronization
import TenantRegistry

/// Where a request came from, for its answer's headers and the log.
struct RequestTrace: Sendable {
    let head: RequestHead?
    let peer: Peer
    let requestID: RequestID
    let started: UInt64
    /// The route's path with its parameters' names; nil where no route matched.
    var path: String?
    /// The tenant whose address was called.
    var addressed: TenantRecord?
    /// What the node that passed the request on said of it.
    var hop: Hop?

    init(head: RequestHead?, peer: Peer, requestID: RequestID, started: UInt64, hop: Hop? = nil) {
        self.head = head
        self.peer = peer
        self.requestID = requestID
        self.started = started
        self.hop = hop
    }

    init(_ request: Router.Request) {
        self.init(
            head: request.head, peer: request.peer, requestID: request.requestID, started: request.started,
            hop: request.hop)
    }

    init(_ routed: Routed) {
        self.init(
            head: routed.head, peer: routed.peer, requestID: routed.requestID, started: routed.started,
            hop: routed.hop)
        if routed.refusal == nil { path = routed.endpoint.path }
        addressed = routed.addressed
    }
}

/// Request ids: one random half for the process, one counted half under keys of the process, so that none comes twice,
/// none costs a system call, and whoever has two of them does not learn how many lie between.
final class RequestIDs: Sendable {
    private let high: UInt64
    private let keys: SIMD8<UInt64>
    private let counter = Atomic<UInt64>(0)

    init(random: any RandomSource) {
        high = random.uint64()
        var keys = SIMD8<UInt64>()
        for index in keys.indices { keys[index] = random.uint64() }
        self.keys = keys
    }

    func next() -> RequestID {
        RequestID(high: high, low: hidden(counter.add(1, ordering: .relaxed).newValue))
    }

    /// A permutation of all 64-bit numbers: each step of a round can be taken back by whoever has the keys.
    private func hidden(_ count: UInt64) -> UInt64 {
        var number = count
        for index in keys.indices {
            number = (number ^ keys[index]) &* 0x9E37_79B9_7F4A_7C15
            number ^= number >> 32
        }
        return number
    }
}

extension RequestHead {
    /// Nil for a body of no known length.
    var announcedBytes: Int? {
        if range(of: .transferEncoding) != nil { return nil }
        return value(of: .contentLength).map { Int($0) ?? .max } ?? 0
    }

    func announces(atMost bytes: Int) -> Bool { announcedBytes.map { $0 <= bytes } ?? false }

    /// Whether the body comes compressed or in another coding (RFC 9110 §8.4).
    var hasCodedBody: Bool {
        guard let codings = joinedValues(of: .contentEncoding)?.lowercased(), announcesBody else { return false }
        return codings.split { ", \t".contains($0) }.contains { $0 != "identity" }
    }

    var announcesBody: Bool {
        if range(of: .transferEncoding) != nil { return true }
        guard let length = value(of: .contentLength) else { return false }
        return length != "0"
    }
}
