import Synchronization

/// How much of something is in use at once, in all, by tenant and by payer: places in a queue, bytes in memory. Any
/// thread; locked for one look.
///
/// A tenant has its figure while there is much left, and less as the whole fills up: half of what the others leave, or
/// a smaller part. So however many tenants want much, there is something for one that wants little.
///
/// Invariant: no share is past its figure, and each `enter` that was let in is given back by one `leave`.
package final class Shares: Sendable {
    /// The budgets of one resource, from the whole to one payer.
    package struct Budgets: Sendable {
        let whole: Budget
        let tenant: Budget
        let payer: Budget

        package init(whole: Budget, tenant: Budget, payer: Budget) {
            self.whole = whole
            self.tenant = tenant
            self.payer = payer
        }
    }

    /// Strangers have a share apart from their tenant's own callers.
    private struct Group: Hashable {
        let tenant: UInt128
        let isStrangers: Bool

        init(_ payer: Payer) {
            tenant = payer.tenant
            isStrangers = payer.isStranger
        }
    }

    private static let floorDivisor = 256

    private struct State {
        var whole = 0
        var byTenant: [Group: Int] = [:]
        var byPayer: [Payer: Int] = [:]
    }

    private let budgets: Budgets?
    private let figures: (whole: Int, tenant: Int, payer: Int)
    /// A tenant takes at most this part of what the others leave, so that no few of them take all.
    private let divisor: Int
    /// So much a tenant may always have, where there is room at all.
    private let floor: Int
    private let spent: BudgetCounts?
    private let state = Mutex(State())

    /// Of something that only the process itself uses.
    package init(whole: Int) {
        budgets = nil
        figures = (whole, whole, whole)
        divisor = 1
        floor = whole
        spent = nil
    }

    /// `unit`: what one of a figure is in units, say 1 MiB in bytes.
    package init(
        _ budgets: Budgets, _ figures: BudgetFigures, unit: Int = 1, divisor: Int = 2, spent: BudgetCounts
    ) {
        self.budgets = budgets
        self.divisor = divisor
        floor = max(1, figures[budgets.whole] * unit / Self.floorDivisor)
        self.figures = (
            figures[budgets.whole] * unit, figures[budgets.tenant] * unit, figures[budgets.payer] * unit
        )
        self.spent = spent
    }

    /// Of something of which only what each payer has matters.
    package init(each budget: Budget, _ figures: BudgetFigures, spent: BudgetCounts) {
        budgets = Budgets(whole: budget, tenant: budget, payer: budget)
        self.figures = (Int.max / 2, Int.max / 2, figures[budget])
        divisor = 1
        floor = 0
        self.spent = spent
    }

    package enum Full: Sendable {
        case whole, tenant, payer
    }

    /// Which share has no room for it; nil where it was let in. The node itself is bound by the whole alone.
    package func enter(_ payer: Payer, units: Int = 1) -> Full? {
        let full: Full? = state.withLock { state in
            if state.whole + units > figures.whole { return .whole }
            if payer.kind != .node {
                let before = state.byTenant[Group(payer), default: 0]
                let ofTenant = before + units
                let left = (figures.whole - (state.whole - before)) / divisor
                if ofTenant > min(figures.tenant, max(left, floor)) { return .tenant }
                let ofPayer = state.byPayer[payer, default: 0] + units
                if ofPayer > figures.payer { return .payer }
                state.byTenant[Group(payer)] = ofTenant
                state.byPayer[payer] = ofPayer
            }
            state.whole += units
            return nil
        }
        switch full {
        case .whole: budgets.map { spent?.count($0.whole) }
        case .tenant: budgets.map { spent?.count($0.tenant) }
        case .payer: budgets.map { spent?.count($0.payer) }
        case nil: break
        }
        return full
    }

    package func leave(_ payer: Payer, units: Int = 1) {
        state.withLock { state in
            state.whole -= units
            guard payer.kind != .node else { return }
            let ofTenant = state.byTenant[Group(payer), default: units] - units
            state.byTenant[Group(payer)] = ofTenant == 0 ? nil : ofTenant
            let ofPayer = state.byPayer[payer, default: units] - units
            state.byPayer[payer] = ofPayer == 0 ? nil : ofPayer
        }
    }

    /// Lets the payer in for as long as the place is held; nil where there is no room.
    package func place(for payer: Payer, units: Int = 1) -> SharedRoom? {
        let room = SharedRoom(self, payer)
        return room.grow(to: units) ? room : nil
    }

    /// Units in use. For metrics.
    package var inUse: Int { state.withLock { $0.whole } }

    /// Units that nobody uses.
    package var left: Int { figures.whole - inUse }
}

/// Room for one thing, say a body, which may grow and is given back when nobody holds it any more. Any thread.
package final class SharedRoom: Sendable {
    private let shares: Shares
    private let payer: Payer
    private let freeUnits: Int
    private let taken = Mutex(0)

    /// `freeUnits`: what is no larger than that takes no room.
    package init(_ shares: Shares, _ payer: Payer, freeUnits: Int = 0) {
        self.shares = shares
        self.payer = payer
        self.freeUnits = freeUnits
    }

    /// Makes it so many units, or leaves it as it is; false where there are not so many.
    package func grow(to units: Int) -> Bool {
        taken.withLock { taken in
            if units <= max(taken, freeUnits) { return true }
            guard shares.enter(payer, units: units - taken) == nil else { return false }
            taken = units
            return true
        }
    }

    deinit {
        let units = taken.withLock { $0 }
        if units > 0 { shares.leave(payer, units: units) }
    }
}

/// How often each budget was found spent. Any thread.
package final class BudgetCounts: Sendable {
    private final class Counter: Sendable { let value = Atomic<UInt64>(0) }
    private let counters: [Budget: Counter]

    package init() { counters = Dictionary(uniqueKeysWithValues: Budget.allCases.map { ($0, Counter()) }) }

    package func count(_ budget: Budget) { counters[budget]?.value.add(1, ordering: .relaxed) }

    package subscript(_ budget: Budget) -> UInt64 { counters[budget]?.value.load(ordering: .relaxed) ?? 0 }
}
