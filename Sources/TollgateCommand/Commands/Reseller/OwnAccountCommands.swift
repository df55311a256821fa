/// Keys, sessions and password of a reseller's person who signed in, through the API of wholesale orders (W11, O13).
enum OwnAccountCommands {
    static let commands = SignInCommands.ofResellers + [keys, mint, rotate, revoke, sessions, password]

    private static let api = CalledAPI.wholesale
    private static let signedIn =
        "--key is the token of somebody who signed in (“tollgate my sign-in”): keys do not look after keys."
    private static let key = ["KEY_ID"]

    private static let keys = api.list(
        "my keys", "List your keys", "/keys",
        columns: ["id", "prefix", "name", "role", "mode", "scopes", "limit", "created_at", "expires_at", "revoked_at"],
        empty: "no keys", notes: signedIn)

    private static let mint = Command(
        "my mint", "Mint a key of yours",
        options: [
            Option("--name", "NAME", "What people call it"), Option("--mode", "MODE", "live or test (live)"),
            Option("--scope", "SCOPE", "What it may do (all that you may)", repeats: true),
            Option("--expires-at", "TIME", "RFC 3339 or a day"),
        ] + api.options, notes: signedIn
    ) { invocation in
        try PeopleCommands.mintOwn("/keys", api, revoking: "my revoke", invocation)
    }

    private static let rotate = Command(
        "my rotate", "Give a key of yours a new secret; its id and limits stay", arguments: key,
        options: [KeyCommands.overlap] + api.options, notes: signedIn
    ) { invocation in
        try KeyCommands.giveNewSecret(CalledAPI.path("/keys/{}", invocation), api, invocation)
    }

    private static let revoke = api.call(
        "DELETE", "my revoke", "Revoke a key of yours for ever", "/keys/{}", arguments: key, notes: signedIn)

    private static let sessions = Command(
        "my sessions", "List where you are signed in, or sign out elsewhere",
        options: PeopleCommands.sessionOptions + api.options, notes: signedIn
    ) { invocation in
        try PeopleCommands.sessions("/account/sessions", try api.client(invocation), invocation)
    }

    private static let password = Command(
        "my password", "Set a new password; all of your sessions end, your keys go on",
        options: PeopleCommands.passwordOptions + api.options, notes: signedIn + " " + PeopleCommands.passwordNote
    ) { invocation in
        try PeopleCommands.setPassword(api, invocation)
    }
}
