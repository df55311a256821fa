/// What a node knows of its cluster, for people.
extension ClusterMember {
    package struct Report: Sendable {
        package let node: ClusterView.Node
        package let tenants: Int
        /// Since its beats last rose, by this node's clock; nil for this node where it never did.
        package let silentMilliseconds: Int64
        /// Its beats stood still for so long that others take its tenants.
        package let isSilent: Bool
    }

    /// Whether the node's beats stood still for so long, while this one's came back, that others take its tenants; one
    /// that nobody knows is silent too.
    package func isSilent(_ name: NodeName) -> Bool {
        let now = clock.nanoseconds()
        return state.withLock { state in
            guard let peer = state.peers[name] else { return true }
            return isSilent(peer, at: now)
        }
    }

    /// Its beats stand still for so long that others take its tenants.
    func isSilent(_ peer: Peer, at now: UInt64) -> Bool {
        peer.silence(at: now) >= bounds.deadMilliseconds * 1_000_000
    }

    /// All nodes, in the order of their names.
    package var report: [Report] {
        let now = clock.nanoseconds()
        let (peers, counts) = state.withLock { state in
            (Array(state.peers.values), state.owners.values.reduce(into: [:]) { $0[$1, default: 0] += 1 })
        }
        return peers.sorted { $0.node.name < $1.node.name }.map { peer in
            Report(
                node: peer.node, tenants: counts[peer.node.name] ?? 0,
                silentMilliseconds: Int64(peer.silence(at: now) / 1_000_000),
                isSilent: peer.node.state != .left && isSilent(peer, at: now))
        }
    }
}
