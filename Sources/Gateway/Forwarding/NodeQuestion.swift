import CallKit
import Cryptography
import Dispatch
import HTTPClient
import HTTPCore
import Synchronization
import TenantRegistry

/// One of the provider's calls, made by this node at all others that live: each answers it for itself, and asks nobody.
///
/// Invariant: `then` comes once, when all have answered or failed, and at the latest after `questionMilliseconds`. Any
/// thread.
final class NodeQuestion: Sendable {
    typealias Then = @Sendable ([NodeName: [UInt8]]) -> Void

    private struct State {
        var awaited: Set<NodeName>
        var answers: [NodeName: [UInt8]] = [:]
        var then: Then?
    }

    /// A longer answer is none.
    static let answerBytesMax = 4 << 20

    private let state: Mutex<State>

    private init(_ nodes: Set<NodeName>, _ then: @escaping Then) {
        state = Mutex(State(awaited: nodes, then: then))
    }

    static func ask(
        _ target: String, _ requestID: RequestID, _ neighbours: Neighbours, _ random: any RandomSource,
        then: @escaping Then
    ) {
        let own = neighbours.placement.name
        let nodes = neighbours.placement.nodes.filter { $0.name != own && neighbours.isAlive($0.name) }
        if nodes.isEmpty { return then([:]) }
        let question = NodeQuestion(Set(nodes.map(\.name)), then)
        // The client drops its timers when it is closed.
        DispatchQueue.global().asyncAfter(
            deadline: .now() + .milliseconds(neighbours.questionMilliseconds)
        ) { question.end() }
        for node in nodes {
            AskedNode(node, question, neighbours, random, target: target, requestID: requestID).ask()
        }
    }

    /// Whether an answer is still waited for.
    var isOpen: Bool { state.withLock { $0.then != nil } }

    /// Once for each node; nil: it has no answer.
    func take(_ answer: [UInt8]?, of node: NodeName) {
        let isLast = state.withLock { state in
            state.awaited.remove(node)
            if state.then != nil { state.answers[node] = answer }
            return state.awaited.isEmpty
        }
        if isLast { end() }
    }

    private func end() {
        let (then, answers) = state.withLock { state in
            defer { (state.then, state.answers) = (nil, [:]) }
            return (state.then, state.answers)
        }
        then?(answers)
    }
}

/// One node that is asked, again where a connection broke or it did not take the question for this node's. It belongs
/// to its exchange; on the client's thread.
private final class AskedNode: PeerCaller {
    private let node: ClusterView.Node
    private let question: NodeQuestion
    private let neighbours: Neighbours
    private let random: any RandomSource
    private let target: String
    private let requestID: RequestID
    private let header = Mutex("")
    private let turns = Atomic<UInt64>(0)
    /// Of an answer that comes in pieces.
    private let gathered = Mutex<[UInt8]>([])

    /// Before it is asked the second time; twice as long before each that follows.
    private static let pauseMilliseconds: UInt64 = 50
    private static let turnsMax: UInt64 = 6

    init(
        _ node: ClusterView.Node, _ question: NodeQuestion, _ neighbours: Neighbours, _ random: any RandomSource,
        target: String, requestID: RequestID
    ) {
        (self.node, self.question, self.neighbours, self.random) = (node, question, neighbours, random)
        (self.target, self.requestID) = (target, requestID)
    }

    /// As a call by the control socket, which needs no key: whoever asked this node has been judged.
    func ask() {
        guard let address = PeerAddress(node.address) else { return question.take(nil, of: node.name) }
        let head = RequestHead(.get, target, [("Host", "localhost")])
        let peer = Peer(address: .loopback, role: .control, isEncrypted: false)
        let nonce = random.uint64()
        let request = PeerRequest(
            to: address, group: 0, body: .whole([]), isHead: false,
            head: { [self] binding in
                let hop = neighbours.key.header(
                    head, requestID, peer, count: 1, to: node, over: binding, nonce: nonce)
                header.withLock { $0 = hop }
                return ForwardedHead.render(head, hop: hop, .none)
            },
            isWorthWaiting: { [question, neighbours, node] in question.isOpen && neighbours.isAlive(node.name) })
        _ = neighbours.client.send(request, for: self)
    }

    /// Nothing is changed by what is asked, so it may be asked again.
    private func askAgain() {
        let turn = turns.add(1, ordering: .relaxed).newValue
        guard turn < Self.turnsMax, question.isOpen, neighbours.isAlive(node.name) else {
            return question.take(nil, of: node.name)
        }
        neighbours.client.after(milliseconds: Self.pauseMilliseconds << (turn - 1)) { [self] in ask() }
    }

    func wantsBody(_ exchange: PeerExchange) {}

    func failed(_ failure: PeerFailure) { askAgain() }

    func answered(_ answer: PeerAnswer) {
        let proof = answer.value(of: HopKey.answerFieldLowercase)
        let word = neighbours.key.word(proof, status: answer.status, toHeader: header.withLock { $0 })
        if word != .answer {
            if case .stream(let stream, _) = answer.body { stream.cancel() }
            return askAgain()
        }
        switch answer.body {
        case .stream(let stream, _) where answer.status == 200:
            gathered.withLock { $0 = [] }
            gather(stream)
        case .stream(let stream, _):
            stream.cancel()
            question.take(nil, of: node.name)
        case .bytes(let bytes) where answer.status == 200: question.take(bytes, of: node.name)
        case .bytes, .none: question.take(nil, of: node.name)
        }
    }

    private func gather(_ stream: any ResponseStream) {
        stream.next { [self] piece in
            switch piece {
            case .bytes(let more):
                let isShort = gathered.withLock { gathered in
                    guard gathered.count + more.count <= NodeQuestion.answerBytesMax else { return false }
                    gathered += more
                    return true
                }
                if isShort { return gather(stream) }
                stream.cancel()
                question.take(nil, of: node.name)
            case .end: question.take(gathered.withLock { $0 }, of: node.name)
            case .failed: question.take(nil, of: node.name)
            }
        }
    }
}
