/// The budgets of one process: figures, meters, shares, and how often each was spent. Made once, by whoever starts the
/// process; everybody who lets somebody in asks it. Any thread.
package final class Budgets: Sendable {
    package let figures: BudgetFigures
    package let spent = BudgetCounts()
    package let passwords: PasswordMeters
    /// Strangers' password hashes, and what else is long for nobody known.
    package let hashing: Shares
    /// Long tasks of valid keys and of the node.
    package let background: Shares
    /// Looks at links by addresses that have used up their guesses.
    package let guessesInFlight: Shares
    /// Pieces of files and bodies on their way to and from the disk.
    package let files: Shares
    /// Calls of several steps.
    package let flows: Shares
    private let meters: [Budget: AddressMeter]

    package init(_ figures: BudgetFigures = BudgetFigures()) {
        self.figures = figures
        passwords = PasswordMeters(figures, spent: spent)
        hashing = Shares(.hashing, figures, spent: spent)
        background = Shares(.background, figures, spent: spent)
        guessesInFlight = Shares(each: .guessesInFlight, figures, spent: spent)
        files = Shares(.files, figures, spent: spent)
        flows = Shares(.flows, figures, spent: spent)
        meters = Dictionary(
            uniqueKeysWithValues: Self.metered.map { ($0, AddressMeter(figures.policy($0))) })
    }

    private static let metered: [Budget] = [
        .openCallsAddress, .openCallsTenant, .signInsAddress, .applicationsAddress, .linksTenant, .linkCalls,
        .guessesAddress,
    ]

    /// Takes one from a budget that comes back with time; a refusal is counted as spent.
    package func take(_ budget: Budget, _ key: AddressKey, now: UInt64) -> Decision {
        let decision = meter(budget).take(key, now: now)
        if !decision.admitted { spent.count(budget) }
        return decision
    }

    /// The refusal that the next one would get, taking nothing; nil where there is room.
    package func refusal(_ budget: Budget, _ key: AddressKey, now: UInt64, isCounted: Bool = true) -> Decision? {
        let decision = meter(budget).look(key, now: now)
        if decision.admitted { return nil }
        if isCounted { spent.count(budget) }
        return decision
    }

    package func giveBack(_ budget: Budget, _ key: AddressKey) { meter(budget).giveBack(key) }

    /// Units in use of what is shared, under the name of the whole.
    package var inUse: [(Budget, Int)] {
        [
            (.hashingNode, hashing.inUse), (.backgroundNode, background.inUse), (.filesNode, files.inUse),
            (.flowsNode, flows.inUse),
        ]
    }

    private func meter(_ budget: Budget) -> AddressMeter {
        guard let meter = meters[budget] else { preconditionFailure("\(budget.rawValue) is no meter") }
        return meter
    }
}

extension Shares.Budgets {
    fileprivate static let hashing = Self(whole: .hashingNode, tenant: .hashingTenant, payer: .hashingAddress)
    fileprivate static let background = Self(
        whole: .backgroundNode, tenant: .backgroundTenant, payer: .backgroundMember)
    fileprivate static let files = Self(whole: .filesNode, tenant: .filesTenant, payer: .filesMember)
    fileprivate static let flows = Self(whole: .flowsNode, tenant: .flowsTenant, payer: .flowsMember)
}
