import CallKit
import Cryptography
import HTTPCore
import TenantRegistry

/// What a node says of a request that it passes on to another: whose it is and how it came. A value.
///
/// Invariant: made by a node of this cluster, for this node, method and target: its code was right.
struct Hop: Sendable {
    /// How many nodes have passed it on, this one included.
    let count: Int
    let requestID: RequestID
    /// The client, as the first node saw it.
    let peer: Peer
    /// The header's code, by which the answer is proved; no two headers have the same.
    let code: String
    /// It opens what a key would have to, by where it came from.
    var isPrivileged: Bool { peer.role == .control }

    /// A request is passed on so often.
    static let countMax = 2
}

extension HeaderName {
    /// Between nodes alone: a client's own is dropped.
    static let hop: HeaderName = "tollgate-hop"
}

/// Makes and judges what nodes say to one another of requests, under a key that follows from the master
/// key. Immutable:
/// any thread.
struct HopKey: Sendable {
    enum Judged {
        /// No such header, or none that a node of this cluster wrote: the request is whoever's sent it.
        case none
        case hop(Hop)
        /// Right, but for another moment: nothing is done, and the node that sent it may say it again.
        case stale(Hop)
    }

    /// What an answer between nodes says beside itself.
    enum Word: String {
        case answer
        /// Nothing was done: the tenant is not here.
        case notMine = "not-mine"
    }

    static let answerField: StaticString = "Tollgate-Hop-Answer"
    static let answerFieldLowercase = "tollgate-hop-answer"
    /// A node's beats: half a minute at two a second.
    static let beatsMax: Int64 = 60
    private static let codeCharacters = 64

    private let key: [UInt8]

    /// `secret`: what all nodes of the cluster have, and nobody else.
    init(secret: [UInt8]) { key = secret }

    /// The header's value. `to`: the node that it is for, as it was last heard of. Its own count of beats says when
    /// this was written, so that no two clocks are compared. `binding`: of the connection that it goes by.
    /// `nonce`: another one each time.
    func header(
        _ head: RequestHead, _ requestID: RequestID, _ peer: Peer, count: Int, to node: ClusterView.Node,
        over binding: [UInt8], nonce: UInt64
    ) -> String {
        let role =
            switch peer.role {
            case .everyone: "e"
            case .admin: "a"
            case .control: "c"
            }
        let text =
            "1;\(node.name.text);\(node.generation);\(node.beats);\(count);\(requestID.text);\(peer.address);\(role)"
            + "\(peer.isEncrypted ? "s" : "p");\(String(nonce, radix: 16))"
        return "\(text);\(code(of: text, head, over: binding))"
    }

    /// `own`: this node, as it knows itself. `binding`: of the connection that it came by.
    func judge(
        _ head: RequestHead, over binding: [UInt8], own: @autoclosure () -> ClusterView.Node?
    ) -> Judged {
        guard let value = head.value(of: .hop), head.count(of: .hop) == 1, value.utf8.count > Self.codeCharacters + 1
        else { return .none }
        let text = String(value.dropLast(Self.codeCharacters + 1))
        let sent = String(value.suffix(Self.codeCharacters))
        guard constantTimeEqual(Array(sent.utf8), Array(code(of: text, head, over: binding).utf8)) else { return .none }
        let parts = text.split(separator: ";", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 9, parts[0] == "1", let generation = Int64(parts[2]), let beats = Int64(parts[3]),
            let count = Int(parts[4]), (1...Hop.countMax).contains(count), let requestID = RequestID(text: parts[5]),
            let address = IPAddress(parsing: parts[6]), let peer = Self.peer(address, parts[7])
        else { return .none }
        let hop = Hop(count: count, requestID: requestID, peer: peer, code: sent)
        guard let own = own(), parts[1] == own.name.text, generation == own.generation,
            abs(own.beats - beats) <= Self.beatsMax
        else { return .stale(hop) }
        return .hop(hop)
    }

    private static func peer(_ address: IPAddress, _ flags: String) -> Peer? {
        let roles: [Character: ListenerRole] = ["e": .everyone, "a": .admin, "c": .control]
        guard flags.count == 2, let role = flags.first.flatMap({ roles[$0] }), let line = flags.last,
            line == "s" || line == "p"
        else { return nil }
        return Peer(address: address, role: role, isEncrypted: line == "s")
    }

    private func code(of text: String, _ head: RequestHead, over binding: [UInt8]) -> String {
        Hex.encode(
            HMACSHA256.code(
                key: key, Array("hop\n\(Hex.encode(binding))\n\(text)\n\(head.method.rawValue) ".utf8),
                Array(head.bytes[head.targetRange])
            ).bytes)
    }

    // MARK: Answers

    /// What an answer carries so that the node that passed the request on knows whose answer it is.
    func proof(_ word: Word, status: Int, to hop: Hop) -> String { proof(word, status: status, code: hop.code) }

    private func proof(_ word: Word, status: Int, code: String) -> String {
        let proof = HMACSHA256.code(key: key, Array("answer\n\(word.rawValue)\n\(status)\n\(code)".utf8))
        return "\(word.rawValue);\(Hex.encode(proof.bytes))"
    }

    /// The word that an answer to this header's request carries; nil where no node of this cluster said it.
    func word(_ proof: String?, status: Int, toHeader header: String) -> Word? {
        guard let proof, let word = proof.split(separator: ";").first.flatMap({ Word(rawValue: String($0)) }) else {
            return nil
        }
        let right = self.proof(word, status: status, code: String(header.suffix(Self.codeCharacters)))
        return constantTimeEqual(Array(proof.utf8), Array(right.utf8)) ? word : nil
    }
}
