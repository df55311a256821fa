import HTTPCore

/// Whose API a command calls, and what it takes to reach it. Most commands ask it for one thing or for a list, and show
/// that: they are made here from a path and columns.
enum CalledAPI: Sendable {
    case provider
    /// The operator's, of one tenant.
    case owner
    /// A reseller's own: of wholesale orders, activation codes, proxy ports, licence keys, credit reports.
    case wholesale, codes, ports, licences, reports

    private static let tenant = Option("--tenant", "SLUG", "The tenant, where its key does not say it")

    var options: [Option] {
        switch self {
        case .provider: GatewayClient.options
        case .owner: GatewayClient.ownerOptions
        case .wholesale, .codes, .ports, .licences, .reports: [Self.tenant] + GatewayClient.resellerOptions
        }
    }

    func client(_ invocation: Invocation) throws -> GatewayClient {
        switch self {
        case .provider: return try GatewayClient.provider(invocation)
        case .owner: return try GatewayClient.owner(invocation)
        case .wholesale, .codes, .ports, .licences, .reports:
            var client = try GatewayClient.ofKey(invocation, try basePath(invocation), header: keyHeader)
            client.ifNoPath = Self.others
            return client
        }
    }

    /// Where a reseller looks whose tenant sells through another API.
    private static let others =
        "the tenant may sell through another API: “tollgate my codes”, “my ports”, “my licences” and “my report” each "
        + "call one, the other “tollgate my …” that of wholesale orders"

    /// Where a tenant's calls begin, as orders are signed. Without the tenant's name their key identifies it.
    func basePath(_ invocation: Invocation) throws(CommandFailure) -> String {
        try Self.tenantPath(invocation) + place
    }

    /// Of the tenant that the command line names; empty where a key or a host name says which.
    static func tenantPath(_ invocation: Invocation) throws(CommandFailure) -> String {
        try GatewayClient.tenant(invocation).map { "/t/\($0.percentEncoded)" } ?? ""
    }

    private var place: String {
        switch self {
        case .provider: GatewayClient.providerPath
        case .owner: GatewayClient.ownerPath
        case .wholesale: "/api/partner/v1"
        case .codes: "/api/reseller"
        case .ports: "/v1/reseller"
        case .licences: "/reseller"
        case .reports: "/api/v1/reseller"
        }
    }

    /// Where the key stands; nil: it is a bearer.
    var keyHeader: String? { self == .codes || self == .ports ? "X-API-Key" : nil }

    /// A path with the arguments in the places of its braces.
    static func path(_ pattern: String, _ invocation: Invocation) -> String {
        invocation.arguments.reduce(pattern) { path, argument in
            path.replacing("{}", with: argument.percentEncoded, maxReplacements: 1)
        }
    }

    // MARK: Commands

    /// A command that lists the rows of a path, page by page; `member` is what the API calls its list.
    func list(
        _ name: String, _ summary: String, _ path: String, arguments: [String] = [], filters: [Filter] = [],
        member: String = "data", columns: [String], empty: String, isOnePage: Bool = false, notes: String = ""
    ) -> Command {
        Command(
            name, summary, arguments: arguments, options: Filter.options(filters) + Pages.options + options,
            notes: notes
        ) { invocation in
            let rows = try Pages.rows(
                Self.path(path, invocation), member: member, query: Filter.query(filters, invocation),
                isOnePage: isOnePage, try client(invocation), invocation)
            if !invocation.has("--json") { try Answers.table(rows, columns: columns, empty: empty) }
            return ExitCode.ok
        }
    }

    /// A command whose answer is one object; `listing` names one of its lists, which is a table below it.
    func call(
        _ method: String, _ name: String, _ summary: String, _ path: String, arguments: [String] = [],
        filters: [Filter] = [], listing: String? = nil, columns: [String] = [], empty: String = "none",
        notes: String = ""
    ) -> Command {
        Command(name, summary, arguments: arguments, options: Filter.options(filters) + options, notes: notes) {
            invocation in
            let query = Filter.text(filters, invocation)
            let answer = try client(invocation).send(method, Self.path(path, invocation) + query)
            if let listing {
                try Answers.show(answer, invocation, listing: listing, columns: columns, empty: empty)
            } else {
                try Answers.show(answer, invocation)
            }
            return ExitCode.ok
        }
    }

    /// A call whose answer is empty, and the line that says what it did.
    func done(_ method: String, _ path: String, _ text: String, _ invocation: Invocation) throws -> Int32 {
        _ = try client(invocation).send(method, path)
        try Answers.report(invocation, text) { $0.field("ok", true) }
        return ExitCode.ok
    }
}

/// An option of a command that is a parameter of its call.
struct Filter: Sendable {
    let option: Option
    let parameter: String

    /// `named`: the parameter, where it is not called like the option.
    init(
        _ name: String, _ value: String, _ summary: String, named: String? = nil, repeats: Bool = false,
        isRequired: Bool = false, alias: String? = nil
    ) {
        option = Option(name, value, summary, repeats: repeats, isRequired: isRequired, alias: alias)
        parameter = named ?? String(name.dropFirst(2)).replacing("-", with: "_")
    }

    /// The other of both books.
    static let mode = Filter("--mode", "MODE", "live or test (the key's)")
    static let reseller = Filter("--reseller", "ID", "Of one reseller")
    static let times = [
        Filter("--from", "TIME", "RFC 3339 or a day, from then on"),
        Filter("--to", "TIME", "RFC 3339 or a day, before then"),
    ]
    /// Of what is counted by day or hour.
    static let periods = [
        times[0], Filter("--to", "TIME", "RFC 3339 or a day; its day or hour is the last that counts"),
    ]

    static func options(_ filters: [Filter]) -> [Option] { filters.map(\.option) }

    /// What was given of them; several values of one have commas between them.
    static func query(_ filters: [Filter], _ invocation: Invocation) -> [(String, String)] {
        filters.compactMap { filter -> (String, String)? in
            let given = invocation.texts(filter.option.name)
            return given.isEmpty ? nil : (filter.parameter, given.joined(separator: ","))
        }
    }

    /// The same as the end of an address.
    static func text(_ filters: [Filter], _ invocation: Invocation) -> String {
        let parts = query(filters, invocation).map { "\($0.0)=\($0.1.percentEncoded)" }
        return parts.isEmpty ? "" : "?" + parts.joined(separator: "&")
    }
}
