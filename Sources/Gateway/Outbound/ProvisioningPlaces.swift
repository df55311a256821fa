import CallKit
import RateLimiter
import Synchronization
import TenantRegistry

/// Places of calls to provisioners (G6): a tenant has a part of what the others leave, and provisioners that gave no
/// answer last time have a part of the node together, so that however many are dead, others are asked.
///
/// Who finds the node full is remembered and comes next as places come back: whom `leave` names is to be woken. Any
/// thread.
final class ProvisioningPlaces: Sendable {
    /// What one call holds.
    struct Place: Sendable {
        fileprivate let payer: Payer
        let isSilent: Bool
    }

    private struct Lines {
        var all: [TenantRecord] = []
        var silent: [TenantRecord] = []
    }

    private let all: Shares
    private let silent: Shares
    private let lines = Mutex(Lines())

    init(_ budgets: Budgets) { (all, silent) = (budgets.provisioning, budgets.silentProvisioning) }

    /// Nil where there is no room. A tenant that has all it may have is not remembered: its own calls end.
    func enter(_ record: TenantRecord, isSilent: Bool) -> Place? {
        let payer = Payer(kind: .tenant, tenant: record.id.number, member: 0)
        if isSilent, let full = silent.enter(payer) {
            if full == .whole { lines.withLock { Self.add(record, to: &$0.silent) } }
            return nil
        }
        if let full = all.enter(payer) {
            if isSilent { silent.leave(payer) }
            if full == .whole { lines.withLock { Self.add(record, to: &$0.all) } }
            return nil
        }
        return Place(payer: payer, isSilent: isSilent)
    }

    /// Gives it back, and says whose turn it is.
    func leave(_ place: Place) -> [TenantRecord] {
        all.leave(place.payer)
        if place.isSilent { silent.leave(place.payer) }
        return lines.withLock { lines in
            let next = Self.takeFirst(&lines.all)
            let nextSilent = place.isSilent ? Self.takeFirst(&lines.silent) : nil
            return [next, nextSilent].compactMap { $0 }
        }
    }

    private static func add(_ record: TenantRecord, to line: inout [TenantRecord]) {
        if !line.contains(where: { $0.id == record.id }) { line.append(record) }
    }

    private static func takeFirst(_ line: inout [TenantRecord]) -> TenantRecord? {
        line.isEmpty ? nil : line.removeFirst()
    }
}
