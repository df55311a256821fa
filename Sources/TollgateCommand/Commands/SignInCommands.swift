import HTTPCore
import TenantRegistry

/// A token for an e-mail address and a password, its end, and applying to become a reseller (O13, W11, A2, X1, C5, L6).
/// Passwords come from files: none stands in a process list.
enum SignInCommands {
    static let ofPeople = [
        Command(
            "account sign-in", signingIn, options: credentials + open,
            notes: note("TOLLGATE_OWNER_KEY=$(tollgate account sign-in …)")
        ) { invocation in
            try begin(people, invocation)
        },
        Command("account sign-out", signingOut, options: CalledAPI.owner.options) { invocation in
            try end(people, isOwners: true, invocation)
        },
    ]

    static let ofResellers = [
        apply,
        Command(
            "my sign-in", signingIn, options: credentials + [api] + open,
            notes: note("TOLLGATE_KEY=$(tollgate my sign-in …)")
        ) { invocation in
            try begin(try door(invocation), invocation)
        },
        Command("my sign-out", signingOut, options: [api] + CalledAPI.wholesale.options) { invocation in
            try end(try door(invocation), isOwners: false, invocation)
        },
    ]

    private static let signingIn = "Sign in: a token is all that standard output has"
    private static let signingOut = "End the session whose token --key is"
    /// In the environment no process list shows it.
    private static func note(_ line: String) -> String {
        "The token does what a key does, and looks after keys: export \(line). How long it is good is "
            + "said on standard error."
    }

    private static let email = Option("--email", "EMAIL", "Your address", isRequired: true)
    private static let password = Option(
        "--password-file", "FILE", "Its first line is your password (- is standard input)", isRequired: true)
    private static let credentials = [email, password]
    /// Nobody has a key yet.
    private static let open = GatewayClient.ownerOptions.filter { $0.name != "--key" }

    // MARK: Doors

    /// Where an API has its sessions, and how it writes their tokens.
    private struct Door: Sendable {
        /// What `--api` calls it.
        let name: String
        /// Below the tenant's address.
        let place: String
        var signIn = "/session"
        var signOut = (method: "DELETE", path: "/session")
        /// What the answer calls the token.
        var token = "token"
        /// Where the token stands where it is no bearer: in this header.
        var header: String?
        /// In this parameter.
        var parameter: String?
    }

    private static let people = Door(name: "people", place: GatewayClient.ownerPath)
    private static let doors = [
        Door(name: "orders", place: "/api/partner/v1"),
        Door(
            name: "codes", place: "/api/reseller", signIn: "/login", signOut: ("POST", "/logout"), token: "seedHash",
            header: "x-seed-hash"),
        Door(
            name: "ports", place: "/v1/login", signIn: "/signin", signOut: ("POST", "/signout"), token: "access_token"),
        Door(name: "licences", place: "/reseller", parameter: "api_token"),
        Door(name: "reports", place: "/api/v1/reseller"),
    ]

    private static let api = Option("--api", "API", "orders, codes, ports, licences or reports (orders)")

    private static func door(_ invocation: Invocation) throws(CommandFailure) -> Door {
        let name = invocation.text(api.name) ?? doors[0].name
        guard let door = doors.first(where: { $0.name == name }) else {
            throw .usage("\(api.name) takes \(doors.map(\.name).joined(separator: ", ")), not “\(name)”")
        }
        return door
    }

    /// What helps where the tenant does not have the door's API.
    private static func elsewhere(_ door: Door) -> String? {
        doors.contains { $0.name == door.name } ? "\(api.name) names another API: \(api.summary)" : nil
    }

    // MARK: Sessions

    private static func begin(_ door: Door, _ invocation: Invocation) throws -> Int32 {
        let secret = try PasswordFile.read(try invocation.required(password.name))
        let body = try JSONWriter.object { json in
            json.field("email", try invocation.required(email.name))
            json.field("password", secret)
        }
        var client = try GatewayClient.open(invocation, try CalledAPI.tenantPath(invocation) + door.place)
        client.ifNoPath = elsewhere(door)
        let answer = try client.send("POST", door.signIn, body: .bytes(body))
        let json = try Answers.parsed(answer)
        guard let token = json[door.token]?.text else {
            throw CommandFailure.failed("the answer has no \(door.token); is this a Tollgate gateway?")
        }
        let isWhole = invocation.has("--json")
        do throws(CommandFailure) {
            try Output.bytes((isWhole ? answer.body : Array(token.utf8)) + [0x0A])
        } catch {
            throw error.losing("the token is lost: sign in again") ?? error
        }
        if !isWhole, let time = goodFor(json) { Output.errorLine("the token is good \(time)") }
        return ExitCode.ok
    }

    /// A time, milliseconds since 1970, or seconds from now, as the API has it.
    private static func goodFor(_ session: JSON) -> String? {
        if case .number(let seconds)? = session["expires_in"] { return "for \(seconds.text) s" }
        switch session["expires_at"] ?? session["expiresAt"] {
        case .string(let time)?: return "until \(time)"
        case .number(let number)?: return number.integer().map { "until \(Timestamp(milliseconds: $0).text)" }
        default: return nil
        }
    }

    private static func end(_ door: Door, isOwners: Bool, _ invocation: Invocation) throws -> Int32 {
        let place = try CalledAPI.tenantPath(invocation) + door.place
        let (method, path) = door.signOut
        if let parameter = door.parameter {
            let token = try GatewayClient.key(invocation).percentEncoded
            _ = try GatewayClient.open(invocation, place).send(method, "\(path)?\(parameter)=\(token)")
        } else {
            var client = try GatewayClient.ofKey(invocation, place, header: door.header, isOwners: isOwners)
            client.ifNoPath = elsewhere(door)
            _ = try client.send(method, path)
        }
        try Answers.report(invocation, "signed out") { $0.field("ok", true) }
        return ExitCode.ok
    }

    // MARK: Applying

    private static let apply = Command(
        "my apply", "Apply to become a reseller, through the API of wholesale orders",
        options: [
            email, Option("--name", "NAME", "Who you are", isRequired: true),
            Option("--company", "COMPANY", "Whom you sell for"), password,
        ] + open, notes: "Who waits for approval may sign in already, and try in the test book."
    ) { invocation in
        let secret = try PasswordFile.read(try invocation.required(password.name))
        let body = try JSONWriter.object { json in
            json.field("email", try invocation.required(email.name))
            json.field("name", try invocation.required("--name"))
            if let company = invocation.text("--company") { json.field("company", company) }
            json.field("password", secret)
        }
        var client = try GatewayClient.open(invocation, try CalledAPI.wholesale.basePath(invocation))
        client.ifNoPath = "the tenant takes no applications by command line"
        try Answers.show(try client.send("POST", "/apply", body: .bytes(body)), invocation)
        return ExitCode.ok
    }
}
