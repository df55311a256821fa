/// Everything that somebody can use up of what others need too: one list of who may use how much of what, and of the
/// answer when it is spent (G6; docs/internals/budgets.md). Each has a figure, which `--budget NAME=N` changes, and a
/// count of how often it was found spent (`tollgate_budget_spent_total`).
package enum Budget: String, Sendable, CaseIterable {
    case openCallsAddress = "open_calls_address"
    case openCallsTenant = "open_calls_tenant"
    case pageFilesTenant = "page_files_tenant"
    case signInsAddress = "sign_ins_address"
    case applicationsAddress = "applications_address"
    case applicationsPending = "applications_pending"
    case linksTenant = "links_tenant"
    case linkCalls = "link_calls"
    case guessesAddress = "guesses_address"
    case guessesInFlight = "guesses_in_flight"
    case passwordsAccountAddress = "passwords_account_address"
    case passwordsAddress = "passwords_address"
    case passwordsAccount = "passwords_account"
    case keysReseller = "keys_reseller"
    case callsPending = "calls_pending"
    case keysPending = "keys_pending"
    case roomReseller = "room_reseller"
    case roomPending = "room_pending"
    case hashingNode = "hashing_node"
    case hashingTenant = "hashing_tenant"
    case hashingAddress = "hashing_address"
    case backgroundNode = "background_node"
    case backgroundTenant = "background_tenant"
    case backgroundMember = "background_member"
    case bodiesNode = "bodies_node"
    case bodiesTenant = "bodies_tenant"
    case bodiesMember = "bodies_member"
    case importsRunning = "imports_running"
    case importsNode = "imports_node"
    case importsTenant = "imports_tenant"
    case importsMember = "imports_member"
    case scratchNode = "scratch_node"
    case scratchTenant = "scratch_tenant"
    case scratchMember = "scratch_member"
    case forwardedAddress = "forwarded_address"
    case reconciliationsNode = "reconciliations_node"
    case reconciliationsTenant = "reconciliations_tenant"
    case reconciliationsMember = "reconciliations_member"
    case outboundNode = "outbound_node"
    case outboundTenant = "outbound_tenant"
    case outboundMember = "outbound_member"
    case provisioningNode = "provisioning_node"
    case provisioningSilent = "provisioning_silent"
    case provisioningTenant = "provisioning_tenant"
    case webhooksNode = "webhooks_node"
    case webhookTestsNode = "webhook_tests_node"
    case webhookTestsTenant = "webhook_tests_tenant"
    case webhookTestsMember = "webhook_tests_member"
    case eventWaitsNode = "event_waits_node"
    case eventWaitsTenant = "event_waits_tenant"
    case eventWaitsMember = "event_waits_member"
    case filesNode = "files_node"
    case filesTenant = "files_tenant"
    case filesMember = "files_member"
    case flowsNode = "flows_node"
    case flowsTenant = "flows_tenant"
    case flowsMember = "flows_member"

    /// One row of the table.
    package struct Terms: Sendable {
        /// Who pays.
        package let payer: String
        /// What is paid for.
        package let resource: String
        /// What it starts with.
        package let figure: Int
        /// In which time it comes back; nil for what is in use or there at once.
        package let windowSeconds: Int?
        /// What the caller is told when it is spent.
        package let answer: String
    }

    package var terms: Terms {
        switch self {
        case .openCallsAddress: calls("an address at a tenant", "open calls", 300, 60)
        case .openCallsTenant: calls("a tenant's strangers together", "open calls", 3_000, 60)
        case .pageFilesTenant: calls("a tenant's strangers together", "its colours and logo", 30_000, 60)
        case .signInsAddress: calls("an address at a tenant", "sign-ins asked for, right or wrong", 300, 60)
        case .applicationsAddress:
            calls("an address at a tenant, for each of `/apply` and `/register`", "applications", 20, 900)
        case .applicationsPending:
            held(
                "a tenant's strangers together", "applications that wait for the operator", 100, "429 applications_full"
            )
        case .linksTenant: calls("a tenant, apart for links and for signatures", "such calls that are valid", 3_000, 60)
        case .linkCalls: calls("one link, or a session", "calls by it, or that end it", 300, 60)
        case .guessesAddress: calls("an address at a tenant", "wrong keys, links and signatures", 300, 60)
        case .guessesInFlight:
            held("an address at a tenant that has used up its guesses", "links looked at at once", 4, "429")
        case .passwordsAccountAddress:
            calls("an address at an account", "wrong passwords before each next one waits longer", 10, nil)
        case .passwordsAddress: calls("an address at a tenant", "wrong passwords", 60, 900)
        case .passwordsAccount:
            calls("an account, but for addresses that know its password", "wrong passwords", 100, 3_600)
        case .keysReseller: held("a reseller", "keys in force", 50, "402 share_exceeded")
        case .roomReseller: held("a reseller", "per cent of its tenant's quota of bytes", 25, "402 share_exceeded")
        case .callsPending: calls("a tenant's resellers that wait for approval, together", "calls", 3_000, 60)
        case .keysPending: held("a reseller that applied and waits", "test keys in force", 5, "402 share_exceeded")
        case .roomPending: held("a reseller that applied and waits", "MiB of the file", 2, "402 share_exceeded")
        case .hashingNode: held("the node's strangers", "password hashes waiting", 256)
        case .hashingTenant: held("a tenant's strangers", "password hashes waiting", 128)
        case .hashingAddress: held("an address at a tenant", "password hashes waiting", 32)
        case .backgroundNode: held("the node", "long tasks waiting", 256)
        case .backgroundTenant: held("a tenant", "long tasks waiting", 128)
        case .backgroundMember: held("a reseller, or a tenant's operators", "long tasks waiting", 64)
        case .bodiesNode: held("the node", "MiB of bodies in memory", 256)
        case .bodiesTenant: held("a tenant's callers, and as much its strangers", "MiB of bodies in memory", 64)
        case .bodiesMember: held("a reseller, a tenant's operators, or an address", "MiB of bodies in memory", 16)
        case .importsRunning: held("the node", "bodies of over 1 MiB in memory; the others wait on disk", 2, "none")
        case .importsNode: held("the node", "bodies of over 1 MiB that wait on disk", 64)
        case .importsTenant: held("a tenant", "bodies of over 1 MiB that wait on disk", 16)
        case .importsMember: held("a reseller, or a tenant's operators", "bodies of over 1 MiB that wait on disk", 16)
        case .scratchNode: held("the node", "MiB of files on their way in", 16_384)
        case .scratchTenant: held("a tenant", "MiB of files on their way in", 4_096)
        case .scratchMember: held("a reseller, or a tenant's operators", "MiB of files on their way in", 4_096)
        case .forwardedAddress: held("an address behind a trusted proxy", "calls under way", 512)
        case .reconciliationsNode: held("the node", "reconciliations under way", 16)
        case .reconciliationsTenant: held("a tenant", "reconciliations under way", 2)
        case .reconciliationsMember: held("a tenant's operators", "reconciliations under way", 2)
        case .outboundNode: held("the node", "calls of others' services under way or waiting", 1_024)
        case .outboundTenant: held("a tenant", "calls of others' services under way or waiting", 72)
        case .outboundMember: held("a reseller", "calls of others' services under way or waiting", 36)
        case .provisioningNode: held("the node", "calls of provisioners under way; the others wait", 1_024, "none")
        case .provisioningSilent: held("the node", "of these, calls of provisioners that were silent", 512, "none")
        case .provisioningTenant: held("a tenant", "calls of provisioners under way; the others wait", 8, "none")
        case .webhooksNode: held("the node", "webhooks under way; the others wait", 1_024, "none")
        case .webhookTestsNode: held("the node", "tests of webhooks under way", 256)
        case .webhookTestsTenant: held("a tenant", "tests of webhooks under way", 32)
        case .webhookTestsMember: held("a reseller, or a tenant's operators", "tests of webhooks under way", 10)
        case .eventWaitsNode: held("the node", "calls that wait for an event; 64 of a cluster's node", 2_048)
        case .eventWaitsTenant: held("a tenant", "calls that wait for an event", 256)
        case .eventWaitsMember: held("a reseller, or a tenant's operators", "calls that wait for an event", 2)
        case .filesNode: held("the node", "pieces of files and bodies waiting", 4_096)
        case .filesTenant: held("a tenant", "pieces of files and bodies waiting", 1_024)
        case .filesMember: held("a reseller, or a tenant's operators", "pieces of files and bodies waiting", 256)
        case .flowsNode: held("the node", "calls of several steps under way", 4_096)
        case .flowsTenant: held("a tenant", "calls of several steps under way", 1_024)
        case .flowsMember: held("a reseller or an address", "calls of several steps under way", 256)
        }
    }

    private func calls(_ payer: String, _ resource: String, _ figure: Int, _ seconds: Int?) -> Terms {
        Terms(payer: payer, resource: resource, figure: figure, windowSeconds: seconds, answer: "429")
    }

    private func held(_ payer: String, _ resource: String, _ figure: Int, _ answer: String = "503") -> Terms {
        Terms(payer: payer, resource: resource, figure: figure, windowSeconds: nil, answer: answer)
    }
}

/// The figures of one process: what the table starts with, and what its operator changed.
package struct BudgetFigures: Sendable {
    package static let figureMax = Policy.requestsMax
    private var changed: [Budget: Int] = [:]

    package init() {}

    package subscript(_ budget: Budget) -> Int {
        get { changed[budget] ?? budget.terms.figure }
        set { changed[budget] = newValue }
    }

    /// Another figure to start with. What the operator has said stays.
    package mutating func start(_ budget: Budget, with figure: Int) {
        if changed[budget] == nil { changed[budget] = figure }
    }

    /// How many in a window, all of them at once; for budgets that have a window.
    package func policy(_ budget: Budget) -> Policy {
        let figure = self[budget]
        guard let window = budget.terms.windowSeconds,
            let policy = Policy(requests: figure, windowSeconds: window, burst: figure)
        else { preconditionFailure("\(budget.rawValue) has no window, or a figure out of bounds") }
        return policy
    }
}
