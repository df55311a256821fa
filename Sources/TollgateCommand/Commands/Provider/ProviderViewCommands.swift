import HTTPCore

/// What the provider looks at: tenants in trouble, their traffic, the node in figures, blueprints, and where tenants
/// are (P6, P9).
enum ProviderViewCommands {
    static let commands = [attention, node, traffic, placement, blueprints]

    private static let api = CalledAPI.provider

    private static let attention = Command(
        "node attention", "List tenants with trouble, the worst first", options: api.options
    ) { invocation in
        let answer = try api.client(invocation).send("GET", "/attention")
        let json = try Answers.parsed(answer)
        guard case .array(let tenants)? = json["data"], !invocation.has("--json") else {
            try Answers.show(answer, invocation)
            return ExitCode.ok
        }
        for name in ["tenants", "troubled"] { try Answers.line(name, json[name]) }
        guard !tenants.isEmpty else { return ExitCode.ok }
        let rows = tenants.flatMap { lines(of: $0, "matters", under: ["slug", "state"]) }
        try Answers.table(rows, columns: ["slug", "state", "level", "code", "detail"], empty: "")
        return ExitCode.ok
    }

    private static let node = api.call(
        "GET", "node show", "Show how the node is, in figures", "/node", listing: "data",
        columns: ["group", "title", "value", "unit", "level"], empty: "no figures")

    private static let traffic = Command(
        "traffic", "Show how tenants' calls of the last day were answered, by hour",
        options: Filter.options(asked) + api.options
    ) { invocation in
        let answer = try api.client(invocation).send("GET", "/traffic" + Filter.text(asked, invocation))
        guard case .array(let tenants)? = try Answers.parsed(answer)["data"], !invocation.has("--json") else {
            try Answers.show(answer, invocation)
            return ExitCode.ok
        }
        let rows = tenants.flatMap { lines(of: $0, "hours", under: ["slug"]) }
        try Answers.table(rows, columns: ["slug", "at", "answered", "refused", "failed"], empty: "no calls")
        return ExitCode.ok
    }

    private static let asked = [Filter("--tenant", "SLUG", "Of this tenant", repeats: true, isRequired: true)]

    private static let placement = api.list(
        "placement", "List at which node of the cluster each tenant is", "/placement",
        filters: [Filter("--tenant", "SLUG", "Of this tenant", repeats: true)],
        columns: ["slug", "hosts", "node", "address"], empty: "no tenants")

    private static let blueprints = api.call(
        "GET", "blueprint list", "List blueprints of tenants", "/blueprints", listing: "data",
        columns: ["name", "title", "currency", "dialects"], empty: "no blueprints")

    /// A line for each element of one of a tenant's lists, with what names the tenant before it.
    private static func lines(of tenant: JSON, _ list: String, under names: [String]) -> [JSON] {
        guard case .array(let elements)? = tenant[list] else { return [] }
        let named = names.map { JSONMember(name: $0, value: tenant[$0] ?? .null) }
        return elements.map { element in
            guard case .object(let members) = element else { return .object(named) }
            return .object(named + members)
        }
    }
}
