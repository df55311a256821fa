import Foundation
package import TenantRegistry
import TestSeeds

/// What befalls one append.
package enum AppendFault: Sendable, CaseIterable {
    /// Somebody raises the epoch just before it.
    case refused
    /// It lands, and the connection is lost before the answer: settled as appended, under a higher epoch.
    case answerLost
    /// The connection is lost before it: settled as absent, the epoch raised.
    case requestLost
    /// It stays in a socket, is settled as absent, and arrives after that.
    case late
    /// It lands, and the log does not come back in time.
    case unknownLanded
    /// It never lands, and nobody can tell.
    case unknownAbsent
    /// Nobody can tell, and it arrives some calls later, where the head is still before it.
    case unknownLate
    /// It takes 20 ms.
    case slow
    /// It lands with letters that are others: what a defect of who made it comes to, which no chain shows.
    case poisoned

    /// Those after which a tenant is as its callers were told.
    package static let honest = allCases.filter { $0 != .poisoned }
}

/// What befalls one node's way to the log. Any thread.
///
/// A step is a call, and of an append both its landing and the telling of its verdict: whatever stops a node stops it
/// before a step.
///
/// `@unchecked Sendable`: what changes is touched under `condition` only.
package final class LogFaults: @unchecked Sendable {
    package enum Moment: Sendable {
        /// Before it lands: nothing becomes durable.
        case landing
        /// It has landed, and nobody is told.
        case telling
    }

    /// Calls before which a test may do something.
    package enum Call: Sendable { case beat, claim }

    /// How a call may go on.
    enum Passage { case free, away, crashed }

    private let condition = NSCondition()
    private var isAwaySwitch = false
    private var awayCalls = 0
    private var beatsAreLost = false
    private var levelReadsLost = 0
    private var held: Moment?
    private var frozen = false
    private var crashed = false
    private var stepCount = 0
    private var actions: [Int: @Sendable () -> Void] = [:]
    private var preludes: [Call: @Sendable () -> Void] = [:]
    private var scripts: [TenantID?: [AppendFault?]] = [:]
    private var chance = Seeded(state: 0)
    private var storm: (oneIn: Int, kinds: [AppendFault])?
    /// How long an append waits for a log that is away, before it is unknown.
    private let patienceMilliseconds: Int

    package init(patienceMilliseconds: Int = 50) { self.patienceMilliseconds = patienceMilliseconds }

    private func change(_ body: (LogFaults) -> Void) {
        condition.lock()
        body(self)
        condition.broadcast()
        condition.unlock()
    }

    private func look<Value>(_ body: (LogFaults) -> Value) -> Value {
        condition.lock()
        defer { condition.unlock() }
        return body(self)
    }

    // MARK: By script and by seed

    /// The next appends, nil for those that go well: of that tenant, or of any.
    package func next(_ faults: [AppendFault?], of tenant: TenantID? = nil) {
        change { $0.scripts[tenant, default: []] += faults }
    }

    /// From now on one append in so many, by the seed.
    package func storm(_ seed: UInt64, oneIn count: Int, _ kinds: [AppendFault] = AppendFault.honest) {
        change { ($0.chance, $0.storm) = (Seeded(state: seed), (count, kinds)) }
    }

    /// Everything is well again, but for a crash.
    package func heal() {
        change { faults in
            (faults.storm, faults.scripts, faults.held) = (nil, [:], nil)
            (faults.isAwaySwitch, faults.awayCalls, faults.beatsAreLost) = (false, 0, false)
            (faults.frozen, faults.actions, faults.levelReadsLost) = (false, [:], 0)
            faults.preludes = [:]
        }
    }

    func fault(of tenant: TenantID) -> AppendFault? {
        look { faults in
            for key in [tenant, nil] where !(faults.scripts[key] ?? []).isEmpty {
                return faults.scripts[key]?.removeFirst()
            }
            guard let storm = faults.storm, faults.chance.happens(oneIn: storm.oneIn) else { return nil }
            return faults.chance.pick(storm.kinds)
        }
    }

    /// How many calls of any node an append that is late travels.
    func delay() -> Int { look { $0.chance.pick(1...12) } }

    // MARK: By switch

    /// Whether the log cannot be reached from here.
    package var isAway: Bool {
        get { look { $0.isAwaySwitch || $0.awayCalls > 0 } }
        set { change { ($0.isAwaySwitch, $0.awayCalls) = (newValue, 0) } }
    }

    /// It is away for the next calls and steps, so many.
    package func away(forSteps count: Int) { change { $0.awayCalls = count } }

    /// Its beats do not come through, though all else does.
    package var losesBeats: Bool {
        get { look { $0.beatsAreLost } }
        set { change { $0.beatsAreLost = newValue } }
    }

    /// The next reads of a node's levels fail, so many.
    package func loseLevels(reads count: Int) { change { $0.levelReadsLost = count } }

    func losesLevels() -> Bool {
        look { faults in
            guard faults.levelReadsLost > 0 else { return false }
            faults.levelReadsLost -= 1
            return true
        }
    }

    /// Appends wait there until `release`.
    package func hold(_ moment: Moment) { change { $0.held = moment } }
    package func release() { change { $0.held = nil } }

    /// The node stands still, as after SIGSTOP: every call waits, and nothing of its lands or is told.
    package func freeze() { change { $0.frozen = true } }
    package var isFrozen: Bool { look { $0.frozen } }
    /// What was to come at a step does not come any more.
    package func thaw() { change { ($0.frozen, $0.actions) = (false, [:]) } }

    /// The node is gone: nothing of its lands any more, who waits is told `.unknown`, calls throw `.away`. Not to be
    /// undone.
    package func crash() { change { ($0.crashed, $0.frozen, $0.held) = (true, false, nil) } }

    package var isCrashed: Bool { look { $0.crashed } }

    // MARK: Steps

    /// Steps so far.
    package var steps: Int { look { $0.stepCount } }

    /// Before the `step`-th step from now on, on the thread that makes it.
    package func atStep(_ step: Int, _ action: @escaping @Sendable () -> Void) {
        change { $0.actions[$0.stepCount + step] = action }
    }

    /// Before each such call from now on, on the thread that makes it; nil: nothing any more.
    package func before(_ call: Call, _ action: (@Sendable () -> Void)?) { change { $0.preludes[call] = action } }

    func begin(_ call: Call) {
        let prelude = look { $0.preludes[call] }
        prelude?()
    }

    /// Before a call. Waits while the node is frozen.
    func pass(isBeat: Bool = false) -> Passage {
        step()
        condition.lock()
        defer { condition.unlock() }
        while frozen { condition.wait() }
        if crashed { return .crashed }
        if isBeat && beatsAreLost { return .away }
        return takesAway() ? .away : .free
    }

    /// Before an append lands, or its verdict is told. Waits while it is held, and for a log that is away.
    func pass(_ moment: Moment) -> Passage {
        step()
        let end = Date(timeIntervalSinceNow: Double(patienceMilliseconds) / 1_000)
        condition.lock()
        defer { condition.unlock() }
        while true {
            if crashed { return .crashed }
            if frozen || held == moment {
                condition.wait()
            } else if moment == .landing && takesAway() {
                if !isAwaySwitch { continue }
                if !condition.wait(until: end) { return .away }
            } else {
                return .free
            }
        }
    }

    /// Under the condition.
    private func takesAway() -> Bool {
        if awayCalls > 0 {
            awayCalls -= 1
            return true
        }
        return isAwaySwitch
    }

    private func step() {
        condition.lock()
        stepCount += 1
        let action = actions.removeValue(forKey: stepCount)
        condition.unlock()
        action?()
    }
}
