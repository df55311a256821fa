import HTTPCore

/// End customers of resellers, of orders and of codes, and codes themselves, through the operator's API (O11).
enum CustomerCommands {
    static let commands = [list, show, change, subscribers, subscriber, resetPassword, codes, code, users]

    private static let api = CalledAPI.owner

    private static let list = api.list(
        "customer list", "List end customers of orders, or find some", "/customers",
        filters: [
            .reseller,
            Filter(
                "--find", "TEXT", "Whose id, address or name begins so, in any case", named: "q", alias: "--q"),
            .mode,
        ],
        columns: ["id", "reseller", "external_id", "email", "name", "created_at"], empty: "no customers")

    private static let show = api.call(
        "GET", "customer show", "Show an end customer of orders", "/customers/{}", arguments: ["CUSTOMER_ID"])

    private static let change = Command(
        "customer change", "Change the address or the name of an end customer of orders", arguments: ["CUSTOMER_ID"],
        options: [
            Option("--email", "EMAIL", "The customer's address"), Option("--name", "NAME", "What people call it"),
            Filter.mode.option,
        ] + api.options,
        notes: "What is not named stays as it is. An order changes neither, but fills what is empty."
    ) { invocation in
        let members = SentFile.members([("--email", "email"), ("--name", "name")], invocation)
        let path = CalledAPI.path("/customers/{}", invocation) + Filter.text([.mode], invocation)
        let answer = try api.client(invocation).send(
            "PATCH", path, body: .bytes(JSON.object(members).encoded()))
        try Answers.show(answer, invocation)
        return ExitCode.ok
    }

    private static let subscribers = api.list(
        "subscriber list", "List end customers of codes, with their subscriptions", "/subscribers",
        filters: [Filter("--email", "EMAIL", "The one with this address"), .mode],
        columns: ["id", "email", "subscription.status", "subscription.ends_at", "created_at"], empty: "no subscribers")

    private static let subscriber = Command(
        "subscriber show", "Show an end customer of codes, and what they redeemed", arguments: ["SUBSCRIBER_ID"],
        options: Pages.options + api.options, notes: "With --json what it redeemed follows on a line of its own."
    ) { invocation in
        let path = CalledAPI.path("/subscribers/{}", invocation)
        let client = try api.client(invocation)
        try Answers.show(try client.send("GET", path), invocation)
        let rows = try Pages.rows(path + "/redemptions", client, invocation)
        if !invocation.has("--json") {
            let columns = ["redeemed_at", "product", "days", "reseller", "batch", "begins_at", "ends_at"]
            try Answers.table(rows, columns: columns, empty: "nothing was redeemed")
        }
        return ExitCode.ok
    }

    private static let resetPassword = Command(
        "subscriber reset-password", "Make a link by which an end customer of codes sets a new password",
        arguments: ["SUBSCRIBER_ID"], options: api.options
    ) { invocation in
        let path = CalledAPI.path("/subscribers/{}", invocation)
        return try PeopleCommands.makeLink(path, try api.client(invocation), invocation)
    }

    private static let codes = api.list(
        "code list", "List purchases of codes, newest first, without the codes", "/code-batches", filters: [.mode],
        columns: ["id", "created_at", "reseller", "product", "days", "quantity", "redeemed", "total", "currency"],
        empty: "no purchases", isOnePage: true)

    /// Whoever has a code may redeem it: none stands in a process list.
    private static let code = Command(
        "code show", "Find a code: whose it is, and whether it was redeemed",
        options: [Option("--code-file", "FILE", "Its first line is the code (- is standard input)", isRequired: true)]
            + api.options
    ) { invocation in
        let code = try PasswordFile.read(try invocation.required("--code-file"))
        try Answers.show(try api.client(invocation).send("GET", "/codes/\(code.percentEncoded)"), invocation)
        return ExitCode.ok
    }

    private static let users = api.list(
        "user list", "List users that were signed up for, by the key that did", "/users",
        filters: [Filter("--by-key", "KEY_ID", "Signed up by one key", named: "signed_up_via"), .mode],
        columns: ["id", "email", "name", "reseller", "signed_up_via", "created_at"], empty: "no users")
}
