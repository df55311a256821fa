import HTTPCore

/// What a tenant's gateway calls, and what it sells ports for: its payment service, its provisioners, its countries,
/// through the operator's API (A6, W13, O9).
enum ServiceCommands {
    static let commands =
        [payments, setPayments, removePayments, provisioner, setProvisioner, removeProvisioner, testProvisioner]
        + [countries, setCountry]

    private static let api = CalledAPI.owner

    // MARK: The payment service

    private static let payments = api.call(
        "GET", "payment-service show", "Show the payment service in force, without its secrets", "/payment-service")

    private static let setPayments = Command(
        "payment-service set", "Put a payment service in force",
        options: [
            Option("--driver", "DRIVER", "http, or sandbox: a page on which payments are made up", isRequired: true),
            Option("--create-url", "URL", "Where payments are begun, for http"),
            Option("--api-key-file", "FILE", "Its first line is our key at the service, for http"),
            Option("--webhook-secret-file", "FILE", "Its first line is what the service signs with, for http"),
            Option("--callback-url", "URL", "Where the service reports to, if not to the gateway's own address"),
            Option("--return-url", "URL", "Where people come back to"),
            Option("--overlap-seconds", "N", "How long the service before may still report"),
        ] + api.options,
        notes: "One of the two files may be - (standard input)."
    ) { invocation in
        let files = [("--api-key-file", "api_key"), ("--webhook-secret-file", "webhook_secret")]
        let texts = SentFile.members(
            [
                ("--driver", "driver"), ("--create-url", "create_url"), ("--callback-url", "callback_url"),
                ("--return-url", "return_url"),
            ], invocation)
        let secrets = try files.compactMap { option, name in
            try invocation.text(option).map { JSONMember(name: name, value: .string(try PasswordFile.read($0))) }
        }
        let plain = try SentFile.plain([("--overlap-seconds", "overlap_seconds")], invocation)
        let body = JSON.object(texts + secrets + plain).encoded()
        try Answers.show(
            try api.client(invocation).send("PUT", "/payment-service", body: .bytes(body)), invocation)
        return ExitCode.ok
    }

    private static let removePayments = Command(
        "payment-service remove", "Take no payments any more", options: api.options
    ) { invocation in try api.done("DELETE", "/payment-service", "no payments are taken any more", invocation) }

    // MARK: Provisioners

    private static let product = Option("--product", "SKU", "A product's own (the tenant's)")

    private static let provisioner = Command(
        "provisioning show", "Show the provisioner in force, without its secret", options: [product] + api.options
    ) { invocation in
        try Answers.show(try api.client(invocation).send("GET", path(invocation)), invocation)
        return ExitCode.ok
    }

    private static let setProvisioner = Command(
        "provisioning set", "Put a provisioner in force", arguments: ["URL"],
        options: [
            product, Option("--secret-file", "FILE", "Its first line is what calls to it are signed with, whsec_…"),
            Option("--timeout-seconds", "N", "How long it may take to answer"),
        ] + api.options,
        notes: "Without --secret-file an existing one keeps its secret, and a new one is given a secret."
    ) { invocation in
        let secret = try invocation.text("--secret-file").map { try PasswordFile.read($0) }
        let timeout = try invocation.integer("--timeout-seconds", in: 0...Int(Int32.max))
        let body = JSONWriter.object { json in
            json.field("url", invocation.arguments[0])
            if let secret { json.field("secret", secret) }
            if let timeout { json.field("timeout_seconds", timeout) }
        }
        let answer = try api.client(invocation).send("PUT", path(invocation), body: .bytes(body))
        let isMinted = (try? Answers.parsed(answer))?["secret"]?.text != nil
        try Answers.show(
            answer, invocation, note: isMinted ? "The secret is shown this once." : nil,
            ifLost: isMinted ? "the provisioner's secret is lost: give it one by --secret-file" : nil)
        return ExitCode.ok
    }

    private static let removeProvisioner = Command(
        "provisioning remove", "Take a provisioner away; what is under way waits", options: [product] + api.options
    ) { invocation in try api.done("DELETE", path(invocation), "the provisioner is taken away", invocation) }

    private static let testProvisioner = Command(
        "provisioning test", "Try a provisioner with a dry run: the request, its signature, the answer",
        options: [
            Option("--product", "SKU", "Of this product (the tenant's provisioner)"),
            Option("--verb", "VERB", "create, suspend, unsuspend or terminate (create)"),
            Option("--show-only", "Send nothing"),
        ] + api.options, notes: "Exit code 1 if no readable answer came."
    ) { invocation in
        let texts = SentFile.members([("--product", "product"), ("--verb", "verb")], invocation)
        let send = JSONMember(name: "send", value: .bool(!invocation.has("--show-only")))
        let answer = try api.client(invocation).send(
            "POST", "/provisioning/test", body: .bytes(JSON.object(texts + [send]).encoded()))
        return try Answers.tried(answer, invocation)
    }

    private static func path(_ invocation: Invocation) -> String {
        invocation.text("--product").map { "/products/\($0.percentEncoded)/provisioning" } ?? "/provisioning"
    }

    // MARK: Countries

    private static let countries = api.list(
        "country list", "List countries of ports and what a day costs there", "/countries",
        columns: ["id", "name", "base_price", "currency", "updated_at"], empty: "no countries")

    private static let setCountry = Command(
        "country set", "Set what a day of a port costs in a country", arguments: ["COUNTRY"],
        options: [
            Option("--base-price", "AMOUNT", "Per day", isRequired: true),
            Option("--name", "NAME", "What people call it"),
        ] + api.options
    ) { invocation in
        let members = SentFile.members([("--base-price", "base_price"), ("--name", "name")], invocation)
        let answer = try api.client(invocation).send(
            "PUT", CalledAPI.path("/countries/{}", invocation), body: .bytes(JSON.object(members).encoded()))
        try Answers.show(answer, invocation)
        return ExitCode.ok
    }
}
