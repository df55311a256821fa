import HTTPCore

/// What a reseller looks at of its own: who it is, what it may buy, what it has and what moved on its balance, through
/// the API of wholesale orders (W3, W6).
enum OwnCommands {
    static let commands =
        [account, programme, overview, limit, balance, products, customers, holdings, statement, topUp, payment]

    private static let api = CalledAPI.wholesale

    private static let account = api.call(
        "GET", "my account", "Show who you are by your key: your state and your terms", "/account")

    private static let programme = api.call(
        "GET", "my programme", "Show whose programme you are in, and whom to ask", "/program", listing: "contacts",
        columns: ["name", "email"], empty: "nobody is named")

    private static let overview = api.call(
        "GET", "my overview", "Show what you have, what you spend and what is coming", "/overview",
        filters: [.mode], listing: "days", columns: ["day", "spent", "balance"])

    private static let limit = api.call(
        "GET", "my limit", "Show how much is left of the limit that your keys share", "/limit")

    private static let balance = api.call("GET", "my balance", "Show your balance", "/balance", filters: [.mode])

    private static let products = Command(
        "my products", "List what you may buy, term by term, and at what price",
        options: [Filter.mode.option] + Pages.options + api.options
    ) { invocation in
        let rows = try Pages.rows(
            "/products", query: Filter.query([.mode], invocation), try api.client(invocation), invocation)
        if !invocation.has("--json") {
            let columns = [
                "product", "name", "fulfilment", "term", "wholesale", "net", "setup_fee", "max_quantity", "currency",
            ]
            try Answers.table(rows.flatMap(terms), columns: columns, empty: "no products")
        }
        return ExitCode.ok
    }

    /// A line for each term of a product.
    private static func terms(_ product: JSON) -> [JSON] {
        guard case .object(let members) = product, case .object(let terms)? = product["terms"] else { return [] }
        return terms.map { term in
            let prices = ["wholesale", "net"].map { JSONMember(name: $0, value: term.value[$0] ?? .null) }
            return .object(members + [JSONMember(name: "term", value: .string(term.name))] + prices)
        }
    }

    private static let customers = api.list(
        "my customers", "List your end customers", "/customers",
        filters: [Filter("--external-id", "ID", "The one with this id of yours"), .mode],
        columns: ["id", "external_id", "email", "name", "created_at"], empty: "no customers")

    private static let holdings = api.list(
        "my holdings", "List how many units you hold of each product", "/holdings", filters: [.mode],
        columns: ["product", "held", "max_quantity"], empty: "you hold none")

    // MARK: Money

    private static let statement = ReportCommands.stating(
        "my statement", "Show what moved on your balance, newest first", "/statement", api)

    private static let topUp = Command(
        "my topup", "Begin a payment that tops your balance up", arguments: ["AMOUNT"],
        options: [OnceKey.option] + api.options,
        notes: "The answer says where to pay. " + OnceKey.note
    ) { invocation in
        let body = JSONWriter.object { $0.field("amount", invocation.arguments[0]) }
        let client = try api.client(invocation)
        try OnceKey.send(invocation) { key throws(CommandFailure) in
            try client.send("POST", "/topup", body: .bytes(body), headers: [key])
        } show: { answer throws(CommandFailure) in
            try Answers.show(answer, invocation)
        }
        return ExitCode.ok
    }

    private static let payment = api.call(
        "GET", "my payment", "Show what became of a payment", "/topup/{}", arguments: ["PAYMENT_ID"])
}
