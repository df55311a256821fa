/// What may break a rule for now, each with its reason. A line that is not needed any more fails its test.
enum Allowances {
    private static let catalogue = "Sources/TenantApp/Catalogue"
    private static let credits = "Sources/TenantApp/Credits"
    private static let licences = "Sources/TenantApp/Licences"
    private static let resellers = "Sources/TenantApp/Resellers"

    private static let steps = "it takes several steps, and is handed the call to answer in between"

    static let kinds = [
        Allowance("\(credits)/ReconcileCredits.swift", "Call", steps),
        Allowance("\(licences)/ListAvailableLicences.swift", "Call", steps),
        Allowance("Sources/TenantApp/Codes/RedeemingCustomer.swift", "Call", steps),
        Allowance("Sources/TenantApp/Keys/Sessions/SignIn.swift", "Call", steps),
        Allowance("Sources/TenantApp/Payments/TopUps/TopUpFlow.swift", "Call", steps),
        Allowance(
            "Sources/TenantApp/Webhooks/Events/Events.swift", "JSONWriter",
            "an event is kept as the JSON that is sent"),
    ]

    static let judging = [
        Allowance(
            "\(catalogue)/Files/TrialImport.swift", "conflict", "what was tried is what is there, of whichever import"),
        Allowance("Sources/TenantApp/Keys/KeyAnswers.swift", "conflict", "every way to revoke a key leads here"),
        Allowance(
            "Sources/TenantApp/People/PasswordAnswers.swift", "conflict",
            "an account without a password is refused before the old one is verified"),
    ]

    private static let event = "a type of event is named for what it tells of"

    static let features = [
        Allowance("Sources/TenantApp/Webhooks/Events/Events.swift", "codeRedeemed", event),
        Allowance("Sources/TenantApp/Webhooks/Events/Events.swift", "customerQuotaExceeded", event),
        Allowance("Sources/TenantApp/Webhooks/Events/Events.swift", "portExpired", event),
        Allowance(
            "Sources/TenantApp/Webhooks/Deliveries/RetryDelivery.swift", "terminatedGetsNoWebhooks",
            "the reseller's state is refused in its own words"),
        Allowance(
            "\(resellers)/ChangeResellerTerms.swift", "forgetAnswers", "kept price lists show the reseller's discount"),
        Allowance(
            "\(resellers)/MoveReseller.swift", "endServicesWithTerm",
            "the end of a reseller is that of its services (W1)"),
    ]

    private static let looks = "tests look at a bound that nobody else has to see"
    private static let replays = "tests replay by it"

    static let dead = [
        Allowance("Sources/CallKit/OutboundCalls.swift", "NoOutboundCalls", "tests run without a network"),
        Allowance("Sources/Cryptography/RandomSource.swift", "SeededRandom", replays),
        Allowance("Sources/RateLimiter/AddressMeter.swift", "addressesCount", looks),
        Allowance(
            "Sources/HTTPClient/SignedCaller.swift", "debugDescription", "whoever prints the value gets no secret"),
        Allowance("Sources/SQLite/Connection.swift", "cachedStatementCount", looks),
        Allowance("Sources/SQLite/Log/Connection+Log.swift", "memoryLogBytes", looks),
        Allowance("Sources/SQLite/OpenFlags.swift", "readOnly", "tests read copies that they must not change"),
        Allowance("Sources/SQLite/SQLiteError.swift", "isTrigger", "tests tell which constraint spoke"),
        Allowance("Sources/SQLite/SQLiteError.swift", "isUnique", "tests tell which constraint spoke"),
        Allowance("Sources/TenantRegistry/Chain/ReadLog.swift", "isBlockFull", looks),
        Allowance("Sources/TenantRegistry/Time/Clocks.swift", "ManualClock", replays),
        Allowance("Sources/TenantRegistry/Time/Clocks.swift", "ManualMonotonicClock", replays),
    ]

    private static let script = "written before the rule"
    private static let contract = "Tests/Contract"

    static let folders = [
        Allowance("Sources/TenantApp/Schema/Migrations", "folder", "one migration a file, and never one less")
    ]

    static let sizes = [
        Allowance("Benchmarks/*.py", "columns", script, times: 26),
        Allowance("Tests/*.py", "columns", script, times: 395),
        Allowance("\(contract)/badinput.py", "main", script),
        Allowance("\(contract)/endpoints.py", "file", script),
        Allowance("\(contract)/schema.py", "admin", script),
        Allowance("\(contract)/schema.py", "file", script),
        Allowance("\(contract)/codes.py", "file", script),
        Allowance("\(contract)/codes.py", "pages", script),
        Allowance("\(contract)/codes.py", "registering", script),
        Allowance("\(contract)/command.py", "starts", script),
        Allowance("\(contract)/credits.py", "reconciliation", script),
        Allowance("\(contract)/faults.py", "file", script),
        Allowance("\(contract)/gate.py", "file", script),
        Allowance("\(contract)/hostile.py", "refused", script),
        Allowance("\(contract)/licences.py", "imports", script),
        Allowance("\(contract)/lifecycle.py", "application", script),
        Allowance("\(contract)/lifecycle.py", "states", script),
        Allowance("\(contract)/payments.py", "callbacks", script),
        Allowance("\(contract)/payments.py", "file", script),
        Allowance("\(contract)/ports.py", "file", script),
        Allowance("\(contract)/ports.py", "ports", script),
        Allowance("\(contract)/prices.py", "money", script),
        Allowance("\(contract)/provider.py", "file", script),
        Allowance("\(contract)/provider.py", "restoring", script),
        Allowance("\(contract)/races.py", "file", script),
        Allowance("\(contract)/races.py", "last_units", script),
        Allowance("\(contract)/races.py", "old_state", script),
        Allowance("\(contract)/races.py", "one_effect", script),
    ]

    static let words = [
        Allowance("Tests/DomainTests/MoneyTests.swift", "XXX", "ISO 4217's code for no currency")
    ]

    static let classes = [
        Allowance("Sources/PageKit/Parts/Charts.swift", "s", "the number of a series stands behind it", times: 3)
    ]

    static let fractions = [
        Allowance("Sources/PageKit/Theme.swift", "Double", "contrast is no money", times: 4),
        Allowance(
            "Sources/Pages/Admin/Catalogue/PriceReview.swift", "Double",
            "a change is shown as a share, and nothing is priced by it",
            times: 3),
        Allowance("Sources/Pages/Admin/ThemePreview.swift", "Double", "contrast is no money", times: 3),
        Allowance("Sources/SQLite/Rows/RowReader.swift", "Double", "SQL has such a type"),
        Allowance("Sources/SQLite/Rows/SQLValue.swift", "Double", "SQL has such a type"),
    ]

    static let markup = [
        Allowance(
            "Sources/HTTPCore/RequestHead.swift", "stringLiteral", "a name of a header is written as a literal too")
    ]
}
