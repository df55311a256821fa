import HTTPCore
import Synchronization

/// How many connections are open, in all and by address (G6). Shared by all loops; a lock is taken at accept
/// and at close only.
final class ConnectionBounds: Sendable {
    enum Admission {
        case admitted
        case totalReached
        case addressReached
    }

    private struct State {
        var total = 0
        var byAddress: [IPAddress: Int] = [:]
    }

    private let totalMax: Int
    private let perAddressMax: Int
    private let state = Mutex(State())

    init(limits: ServerLimits) {
        totalMax = limits.connectionsMax
        perAddressMax = limits.connectionsPerAddressMax
    }

    /// Each `.admitted` must be given back by one `leave`.
    func enter(_ address: IPAddress) -> Admission {
        let key = Self.key(address)
        return state.withLock { state in
            if state.total >= totalMax { return .totalReached }
            let count = state.byAddress[key, default: 0]
            // A proxy in front comes from loopback with everybody's connections.
            if count >= perAddressMax, !Self.isLoopback(address) { return .addressReached }
            state.byAddress[key] = count + 1
            state.total += 1
            return .admitted
        }
    }

    func leave(_ address: IPAddress) {
        let key = Self.key(address)
        state.withLock { state in
            state.total -= 1
            let count = state.byAddress[key, default: 1] - 1
            state.byAddress[key] = count == 0 ? nil : count
        }
    }

    /// An IPv6 customer holds a /64; an IPv4 address counts by itself.
    static func key(_ address: IPAddress) -> IPAddress {
        isIPv4(address) ? address : IPAddress(high: address.high, low: address.high == 0 ? address.low : 0)
    }

    static func isLoopback(_ address: IPAddress) -> Bool {
        isIPv4(address) ? address.low >> 24 & 0xFF == 127 : address.high == 0 && address.low == 1
    }

    private static func isIPv4(_ address: IPAddress) -> Bool { address.high == 0 && address.low >> 32 == 0xFFFF }
}
