import CallKit
import HTTPClient
import HTTPCore
import Synchronization
import TenantRegistry

/// What a node of a cluster passes requests on by: whose each tenant is, connections to the other nodes, and the key
/// that nodes know one another by. Any thread.
final class Neighbours: Sendable {
    let placement: any Placement
    let key: HopKey
    let client: PeerClient
    let strangers: StrangersLooks
    let metrics = ForwardingMetrics()
    let questionMilliseconds: Int

    /// How long a call is held while its tenant has no node, or one that does not answer: a dead node's tenants are
    /// served again within six seconds (N3).
    static let patienceMilliseconds: UInt64 = 8_000
    /// A node that says that a tenant is not its own is believed so often.
    static let bouncesMax = 8
    /// Between two looks; each next one is twice as long after, up to `pauseMillisecondsMax`.
    static let pauseMilliseconds: UInt64 = 10
    static let pauseMillisecondsMax: UInt64 = 200
    /// A body of at most this length is read before it is passed on, so that it can be sent again.
    static let wholeBytesMax = 64 << 10
    static let headBytesAdded = 1 << 10
    static let headFieldsAdded = 4
    /// Of a longer one this much is here at once.
    static let pieceBytes = 2 * 64 << 10

    init(_ placement: any Placement, secret: [UInt8], bounds: ClusterBounds?) throws {
        self.placement = placement
        questionMilliseconds = (bounds ?? ClusterBounds()).questionMilliseconds
        key = HopKey(secret: secret)
        client = try PeerClient()
        strangers = StrangersLooks(placement, client)
    }

    /// Headers that opened something by themselves, with this node's beats when they came: each does so once. More than
    /// so many in a minute are too many.
    private let opened = Mutex<(seen: [String: Int64], sweptAt: Int64)>(([:], -1))
    private static let openedMax = 10_000

    /// False for a header that was seen before.
    func opens(_ hop: Hop) -> Bool {
        let beats = own?.beats ?? 0
        return opened.withLock { opened in
            // Once a beat: a full table costs a flood no more than that.
            if opened.seen.count >= Self.openedMax, opened.sweptAt != beats {
                opened.seen = opened.seen.filter { beats - $0.value <= 2 * HopKey.beatsMax }
                opened.sweptAt = beats
            }
            guard opened.seen.count < Self.openedMax, opened.seen[hop.code] == nil else { return false }
            opened.seen[hop.code] = beats
            return true
        }
    }

    /// Whether an answer of that node may still come. Asked again and again while none does.
    func isAlive(_ name: NodeName) -> Bool {
        guard let node = node(name), node.state != .left else { return false }
        return !placement.isSilent(name)
    }

    var own: ClusterView.Node? { node(placement.name) }

    /// Whose answer it is, for whoever reads it, and for the node that passed the request on.
    func sign(_ response: inout Response, _ hop: Hop?) {
        response.headers.add("Tollgate-Node", placement.name.text)
        guard let hop else { return }
        response.headers.add(HopKey.answerField, key.proof(.answer, status: response.status, to: hop))
    }

    func node(_ name: NodeName) -> ClusterView.Node? { placement.nodes.first { $0.name == name } }
}

/// Who a request is for.
enum Destination: Sendable {
    case tenant(TenantRecord)
    /// The node itself, whatever it serves.
    case node(NodeName)

    /// Whose share of the connections its call takes.
    var group: UInt128 { if case .tenant(let record) = self { record.id.number } else { 0 } }
}
