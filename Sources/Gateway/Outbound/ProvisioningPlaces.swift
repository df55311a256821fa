import CallKit
import RateLimiter
import Synchronization
import TenantRegistry

/// Places of calls to provisioners (G6): a tenant has a part of what the others leave, and provisioners that gave no
/// answer last time have a part of the node together, so that however many are dead, others are asked.
///
/// Who finds the node full is remembered and comes next as places come back: whom `leave` names is to be woken. Who is
/// woken and has nothing to ask any more says so (`pass`), and the turn is the next one's. Any thread.
///
/// Invariant: while somebody waits, each free place is promised to whoever was woken and has not looked yet.
final class ProvisioningPlaces: Sendable {
    /// What one call holds.
    struct Place: Sendable {
        fileprivate let payer: Payer
        let isSilent: Bool
    }

    private struct Line {
        var waiting: [TenantRecord] = []
        /// Woken for a place that they have not looked for yet.
        var promised: Set<TenantID> = []

        mutating func add(_ record: TenantRecord) {
            if !waiting.contains(where: { $0.id == record.id }) { waiting.append(record) }
        }

        /// Whose turn it is, of so many free places.
        mutating func takeNext(of left: Int) -> [TenantRecord] {
            var next: [TenantRecord] = []
            while promised.count < left, !waiting.isEmpty {
                let record = waiting.removeFirst()
                promised.insert(record.id)
                next.append(record)
            }
            return next
        }
    }

    private struct Lines {
        var all = Line()
        var silent = Line()

        mutating func keepPromise(to tenant: TenantID) {
            all.promised.remove(tenant)
            silent.promised.remove(tenant)
        }
    }

    private let all: Shares
    private let silent: Shares
    private let lines = Mutex(Lines())

    init(_ budgets: Budgets) { (all, silent) = (budgets.provisioning, budgets.silentProvisioning) }

    /// Nil where there is no room. A tenant that has all it may have is not remembered: its own calls end.
    func enter(_ record: TenantRecord, isSilent: Bool) -> Place? {
        let payer = Payer(kind: .tenant, tenant: record.id.number, member: 0)
        // In the lock: no place comes back between the look and the line.
        return lines.withLock { lines in
            lines.keepPromise(to: record.id)
            if isSilent, let full = silent.enter(payer) {
                if full == .whole { lines.silent.add(record) }
                return nil
            }
            if let full = all.enter(payer) {
                if isSilent { silent.leave(payer) }
                if full == .whole { lines.all.add(record) }
                return nil
            }
            return Place(payer: payer, isSilent: isSilent)
        }
    }

    /// Gives it back, and says whose turn it is.
    func leave(_ place: Place) -> [TenantRecord] {
        lines.withLock { lines in
            all.leave(place.payer)
            if place.isSilent { silent.leave(place.payer) }
            return next(&lines)
        }
    }

    /// The tenant has looked, and asks for no more now: says whose turn it is, where it has left places.
    func pass(_ tenant: TenantID) -> [TenantRecord] {
        lines.withLock { lines in
            lines.keepPromise(to: tenant)
            return next(&lines)
        }
    }

    private func next(_ lines: inout Lines) -> [TenantRecord] {
        lines.all.takeNext(of: all.left) + lines.silent.takeNext(of: silent.left)
    }
}
