import Cryptography

/// What a caller asked for, and what it was told: the model that a file is held against.
///
/// Invariant: money is the sum of what was done; nothing is remembered but by the name that its caller gave it.
struct Books {
    enum Wish {
        case topUp(reseller: Int64, micros: Int64)
        /// `held`: decided by hand later, so that the money waits.
        case order(reseller: Int64, micros: Int64, held: Bool)
        case mint(Digest)
        case revoke(Digest)
    }

    enum Outcome { case done, notDone, unknown }

    private(set) var entries: [String: (wish: Wish, outcome: Outcome)] = [:]

    mutating func note(_ name: String, _ wish: Wish, _ outcome: Outcome) { entries[name] = (wish, outcome) }

    mutating func settle(_ name: String, _ outcome: Outcome) { entries[name]?.outcome = outcome }

    func outcome(of name: String) -> Outcome? { entries[name]?.outcome }

    /// Balance and held of each reseller, from what is done.
    var money: [Int64: Money] {
        var money: [Int64: Money] = [:]
        for case (let wish, .done) in entries.values {
            switch wish {
            case .topUp(let reseller, let micros): money[reseller, default: Money()].balance += micros
            case .order(let reseller, let micros, let held):
                money[reseller, default: Money()].balance -= micros
                if held { money[reseller, default: Money()].held += micros }
            case .mint, .revoke: break
            }
        }
        return money
    }

    struct Money: Equatable {
        var balance: Int64 = 0
        var held: Int64 = 0
    }

    /// Keys that were minted and not revoked, as far as that is known.
    var livingKeys: [Digest] {
        let revoked = entries.values.compactMap { entry -> Digest? in
            if case .revoke(let hash) = entry.wish, entry.outcome != .notDone { return hash }
            return nil
        }
        return entries.sorted { $0.key < $1.key }.compactMap { _, entry in
            if case .mint(let hash) = entry.wish, entry.outcome == .done, !revoked.contains(hash) { return hash }
            return nil
        }
    }
}
