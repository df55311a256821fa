import HTTPCore
import Synchronization

/// How many connections are open, in all and by address (G6). Shared by all loops; a lock is taken at accept
/// and at close only.
///
/// At the bound a newcomer is let in where somebody idle can go in its place: a connection of the address that has
/// most. A few more than the bound are open for a moment meanwhile, and the last of those are answered about health
/// alone. The admin listener and the control socket have places of their own, so that a crowd does not lock the
/// operator out.
final class ConnectionBounds: Sendable {
    enum Entry: Equatable {
        case admitted
        /// Beyond the bound: somebody idle of this address has to go, so many where there are.
        case beyond(most: IPAddress)
        /// The same, and nobody comes in before somebody has gone.
        case totalReached(most: IPAddress)
        case apartReached
        case addressReached
    }

    private struct State {
        var total = 0
        var byAddress: [IPAddress: Int] = [:]
        var byRole: [ListenerRole: Int] = [:]
        /// The address that had most when somebody last looked, and how often it has been taken for that since.
        var most: (address: IPAddress, uses: Int)?
    }

    private let totalMax: Int
    private let perAddressMax: Int
    private let beyondMax: Int
    private let ofOperatorsMax: Int
    private let proxies: [AddressRange]
    /// So many go at once, so that a full house is not searched for each newcomer.
    let leavingTogether: Int
    private let state = Mutex(State())

    init(limits: ServerLimits) {
        totalMax = limits.connectionsMax
        perAddressMax = limits.connectionsPerAddressMax
        beyondMax = limits.connectionsBeyondMax
        ofOperatorsMax = limits.connectionsOfOperatorsMax
        proxies = limits.proxies
        leavingTogether = max(1, limits.connectionsMax / 64)
    }

    /// Each `.admitted` and `.beyond` must be given back by one `leave`.
    func enter(_ peer: Peer) -> Entry {
        if peer.role != .everyone { return enterApart(peer.role) }
        let key = Self.key(peer.address)
        return state.withLock { state in
            let count = state.byAddress[key, default: 0]
            // A proxy in front comes with everybody's connections.
            if count >= perAddressMax, !isExempt(peer.address) { return .addressReached }
            if state.total >= totalMax + beyondMax { return .totalReached(most: most(&state)) }
            state.byAddress[key] = count + 1
            state.total += 1
            return state.total <= totalMax ? .admitted : .beyond(most: most(&state))
        }
    }

    private func enterApart(_ role: ListenerRole) -> Entry {
        state.withLock { state in
            guard state.byRole[role, default: 0] < ofOperatorsMax else { return .apartReached }
            state.byRole[role, default: 0] += 1
            return .admitted
        }
    }

    func leave(_ peer: Peer) {
        let key = Self.key(peer.address)
        state.withLock { state in
            guard peer.role == .everyone else {
                state.byRole[peer.role, default: 1] -= 1
                return
            }
            state.total -= 1
            let count = state.byAddress[key, default: 1] - 1
            state.byAddress[key] = count == 0 ? nil : count
        }
    }

    /// Whether nobody made room in time: whoever came last is answered about health alone.
    var isCrowded: Bool { crowd != nil }

    /// The address that has most, where there are too many.
    var crowd: IPAddress? {
        state.withLock { $0.total > totalMax + beyondMax / 2 ? most(&$0) : nil }
    }

    /// Looked for anew now and then only: a crowd does not change its shape with each newcomer.
    private func most(_ state: inout State) -> IPAddress {
        if let known = state.most, known.uses < leavingTogether, state.byAddress[known.address, default: 0] > 1 {
            state.most?.uses += 1
            return known.address
        }
        let all = state.byAddress
        let found = all.filter { !isProxy($0.key) }.max { $0.value < $1.value } ?? all.max { $0.value < $1.value }
        let address = found?.key ?? .loopback
        state.most = (address, 0)
        return address
    }

    private func isExempt(_ address: IPAddress) -> Bool { Self.isLoopback(address) || isProxy(address) }

    /// A proxy that is trusted is bounded by what it forwards, not by its connections.
    private func isProxy(_ address: IPAddress) -> Bool { proxies.contains { $0.contains(address) } }

    /// An IPv6 customer holds a /64; an IPv4 address counts by itself.
    static func key(_ address: IPAddress) -> IPAddress {
        isIPv4(address) ? address : IPAddress(high: address.high, low: address.high == 0 ? address.low : 0)
    }

    static func isLoopback(_ address: IPAddress) -> Bool {
        isIPv4(address) ? address.low >> 24 & 0xFF == 127 : address.high == 0 && address.low == 1
    }

    private static func isIPv4(_ address: IPAddress) -> Bool { address.high == 0 && address.low >> 32 == 0xFFFF }
}
