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
    /// Bytes of bodies in memory, from before the first is read until the call is over.
    package let bodies: Shares
    /// Large bodies on disk that wait for their turn in memory.
    package let imports: Shares
    /// Bytes of files on their way in, in the scratch folder.
    package let scratch: Shares
    /// Calls that trusted proxies forward.
    package let forwarded: Shares
    package let reconciliations: Shares
    /// Calls of others' services.
    package let outbound: Shares
    /// Calls of provisioners.
    package let provisioning: Shares
    /// Those of them whose provisioner gave no answer last time: they never have all the places.
    package let silentProvisioning: Shares
    /// Tests of webhooks, each of which somebody waits for.
    package let webhookTests: Shares
    /// Calls of the pull feed that wait for an event.
    package let eventWaits: Shares
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
        bodies = Shares(.bodies, figures, unit: 1 << 20, spent: spent)
        imports = Shares(.imports, figures, spent: spent)
        scratch = Shares(.scratch, figures, unit: 1 << 20, spent: spent)
        forwarded = Shares(each: .forwardedAddress, figures, spent: spent)
        reconciliations = Shares(.reconciliations, figures, spent: spent)
        outbound = Shares(.outbound, figures, divisor: 8, spent: spent)
        provisioning = Shares(.provisioning, figures, divisor: 8, spent: spent)
        silentProvisioning = Shares(.silentProvisioning, figures, divisor: 8, spent: spent)
        webhookTests = Shares(.webhookTests, figures, divisor: 8, spent: spent)
        eventWaits = Shares(.eventWaits, figures, divisor: 4, spent: spent)
        files = Shares(.files, figures, spent: spent)
        flows = Shares(.flows, figures, divisor: 4, spent: spent)
        meters = Dictionary(
            uniqueKeysWithValues: Self.metered.map { ($0, AddressMeter(figures.policy($0))) })
    }

    private static let metered: [Budget] = [
        .openCallsAddress, .openCallsTenant, .pageFilesTenant, .signInsAddress, .applicationsAddress, .linksTenant,
        .linkCalls, .guessesAddress, .callsPending,
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

    /// Units in use of what is shared, bytes where the figure is in MiB, under the name of the whole.
    package var inUse: [(Budget, Int)] {
        let shared: [(Budget, Shares)] = [
            (.hashingNode, hashing), (.backgroundNode, background), (.filesNode, files), (.flowsNode, flows),
            (.bodiesNode, bodies), (.importsNode, imports), (.scratchNode, scratch),
            (.reconciliationsNode, reconciliations), (.outboundNode, outbound),
            (.provisioningNode, provisioning), (.provisioningSilent, silentProvisioning),
            (.webhookTestsNode, webhookTests), (.eventWaitsNode, eventWaits),
        ]
        return shared.map { ($0, $1.inUse) }
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
    fileprivate static let bodies = Self(whole: .bodiesNode, tenant: .bodiesTenant, payer: .bodiesMember)
    fileprivate static let imports = Self(whole: .importsNode, tenant: .importsTenant, payer: .importsMember)
    fileprivate static let scratch = Self(whole: .scratchNode, tenant: .scratchTenant, payer: .scratchMember)
    fileprivate static let reconciliations = Self(
        whole: .reconciliationsNode, tenant: .reconciliationsTenant, payer: .reconciliationsMember)
    fileprivate static let outbound = Self(whole: .outboundNode, tenant: .outboundTenant, payer: .outboundMember)
    /// A tenant's provisioners are its operators': nobody in it pays apart.
    fileprivate static let provisioning = Self(
        whole: .provisioningNode, tenant: .provisioningTenant, payer: .provisioningTenant)
    fileprivate static let silentProvisioning = Self(
        whole: .provisioningSilent, tenant: .provisioningTenant, payer: .provisioningTenant)
    fileprivate static let webhookTests = Self(
        whole: .webhookTestsNode, tenant: .webhookTestsTenant, payer: .webhookTestsMember)
    fileprivate static let eventWaits = Self(
        whole: .eventWaitsNode, tenant: .eventWaitsTenant, payer: .eventWaitsMember)
    fileprivate static let files = Self(whole: .filesNode, tenant: .filesTenant, payer: .filesMember)
    fileprivate static let flows = Self(whole: .flowsNode, tenant: .flowsTenant, payer: .flowsMember)
}
