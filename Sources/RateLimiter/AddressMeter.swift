import Synchronization

/// What is metered: an address in the form in which it is counted (IPv6 by its /64), or a hash of something else, at
/// one tenant. What one tenant's strangers use up is nobody else's.
package struct AddressKey: Sendable, Hashable {
    /// The tenant's id; zero for the node.
    package let owner: UInt128
    package let subject: UInt128
    /// Tells apart what has buckets of its own under one budget, say two routes.
    package let aspect: Int

    package init(owner: UInt128, subject: UInt128, aspect: Int = 0) {
        self.owner = owner
        self.subject = subject
        self.aspect = aspect
    }
}

/// One policy for each of a bounded number of keys: failed credentials, sign-ups (A2).
///
/// Invariant: at most `addressesMax` addresses are remembered. When a shard is full, those whose bucket is full again
/// go first, then those with the least debt: a flood from many addresses cannot push out the worst offender. Any
/// thread; a shard is locked for one decision.
package final class AddressMeter: Sendable {
    package static let addressesMaxDefault = 65_536
    private static let shardsCount = 64

    private let policy: Policy
    private let shards: [Shard]

    package init(_ policy: Policy, addressesMax: Int = AddressMeter.addressesMaxDefault) {
        self.policy = policy
        let perShard = max(1, addressesMax / Self.shardsCount)
        shards = (0..<Self.shardsCount).map { _ in Shard(addressesMax: perShard) }
    }

    /// Whether the next failure would be one too many. Takes nothing.
    package func look(_ address: AddressKey, now: UInt64) -> Decision {
        let arrival = shard(of: address).arrivals.withLock { $0[address] } ?? 0
        return CellRate.judge(policy, arrival: arrival, cost: 1, now: now).0
    }

    /// Counts one request of this address if its bucket has room.
    package func take(_ address: AddressKey, now: UInt64) -> Decision {
        let shard = shard(of: address)
        return shard.arrivals.withLock { arrivals in
            let known = arrivals[address]
            let (decision, arrival) = CellRate.judge(policy, arrival: known ?? 0, cost: 1, now: now)
            guard let arrival else { return decision }
            if known == nil, arrivals.count >= shard.addressesMax { Shard.makeRoom(&arrivals, now: now) }
            arrivals[address] = arrival
            return decision
        }
    }

    /// Puts back what one `take` took.
    package func giveBack(_ address: AddressKey) {
        shard(of: address).arrivals.withLock { arrivals in
            guard let arrival = arrivals[address] else { return }
            let emission = policy.emissionNanoseconds
            arrivals[address] = arrival > emission ? arrival - emission : nil
        }
    }

    /// How many addresses are remembered: for metrics and tests.
    package var addressesCount: Int { shards.reduce(0) { $0 + $1.arrivals.withLock { $0.count } } }

    private func shard(of address: AddressKey) -> Shard {
        // The standard hash is seeded per process: nobody outside can aim at one shard.
        shards[Int(truncatingIfNeeded: UInt(bitPattern: address.hashValue) % UInt(Self.shardsCount))]
    }
}

private final class Shard: Sendable {
    let addressesMax: Int
    /// Theoretical arrival time by address.
    let arrivals = Mutex<[AddressKey: UInt64]>([:])

    /// One sweep makes room for this share of a shard, so that its cost spreads over as many newcomers.
    private static let roomDivisor = 8

    init(addressesMax: Int) { self.addressesMax = addressesMax }

    static func makeRoom(_ arrivals: inout [AddressKey: UInt64], now: UInt64) {
        let before = arrivals.count
        arrivals = arrivals.filter { $0.value > now }
        let wanted = max(1, before / roomDivisor)
        guard before - arrivals.count < wanted else { return }
        let least = arrivals.sorted { $0.value < $1.value }.prefix(wanted - (before - arrivals.count))
        for (address, _) in least { arrivals[address] = nil }
    }
}
