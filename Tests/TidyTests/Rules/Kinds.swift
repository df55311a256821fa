/// What kind a file of TenantApp is, by its name, and what a file of each kind may name (decision 0019).
enum Kind: String, Sendable {
    /// SQL beside the functions that say it: `Orders`.
    case table
    /// A verb, one thing that is done: `PlaceOrder`.
    case operation
    /// Routes, bodies and their descriptions: `OperatorAdmin+Orders`.
    case wire
    /// HTML: `ActivationPages`.
    case pages
    /// What the file must hold, for `verify`: `OrderCheck`.
    case proof
    /// Migrations.
    case schema
    /// A type that neither asks the file nor speaks HTTP: `Pricing`.
    case value
}

enum Kinds {
    static let surfaces: Set<String> = [
        "OperatorAdmin", "WholesaleOrders", "ActivationCodes", "ProxyPorts", "LicenceKeys", "CreditReports",
        "PaymentCallbacks", "ProvisioningCallbacks",
    ]

    private static let verbs: Set<String> = [
        "Accept", "Activate", "Add", "Adjust", "Allocate", "Announce", "Apply", "Arrive", "Assign", "Change", "Charge",
        "Close", "Configure", "Confirm", "Correct", "Create", "Decide", "End", "Expire", "Export", "Fetch",
        "Fill", "Finish", "Fork", "Generate", "Import", "Invite", "Issue", "List", "Mint", "Move", "Pay",
        "Place", "Price", "Quote", "Reconcile", "Record", "Redeem", "Refund", "Regenerate", "Rehearse",
        "Release", "Remove", "Renew", "Replay", "Report", "Reprice", "Retry", "Rotate", "Save", "Send", "Set",
        "Settle", "Sign", "Take", "Transfer", "Withdraw",
    ]

    /// Names that the rule reads wrongly, or not at all. Add a line where a name is right as it is.
    private static let named: [String: Kind] = [
        "AccountRole+Keys": .value, "AccountRoutes": .wire, "AccountShapes": .wire, "AmountRule": .value,
        "AskedDeliveries": .wire, "AskedOrders": .wire, "AuditLines": .value, "AuditSearch": .value,
        "AuditWalk": .value,
        "AskedKeys": .wire, "AskedStatement": .wire, "KeyFilter": .table,
        "ChainReading": .proof, "KeyActivity": .table, "LimitChanges": .table, "UsageGroups": .value,
        "VerifyChain": .proof,
        "CalledInstants": .value, "Blueprint": .value,
        "DeliverySchedule": .value, "CSV": .value, "CSVErrors": .value, "CreditReport": .value, "HTMLPage": .pages,
        "HTTPPaymentDriver": .value, "Housekeeping": .table,
        "KeyAnswers": .wire, "KeyLimitDefault": .value, "KeyShape": .value, "SessionAnswers": .wire, "Ledger": .table,
        "LedgerFile": .value,
        "LedgerScratch": .table, "LicenceFile": .value, "ListPrices": .table, "ListPrices+JSON": .wire,
        "LogoImage": .value,
        "LicenceStaging": .table, "Lifecycle": .value, "PortStaging": .table, "PriceChanges": .table,
        "ProductFile": .value, "ProductFilter": .table, "ProductStaging": .table, "TrialImport": .wire,
        "DayTotal": .value, "LedgerReport": .value, "ReportSheet": .wire, "ReportWalk": .value,
        "UsageAnswers": .wire, "UsageFilter": .value,
        "LowBalance": .operation, "LowStock": .table, "MeteredSales": .value,
        "MintedSecret": .value, "OfferedProduct": .wire, "OpenForm": .pages, "PasswordAnswers": .wire,
        "Payment": .value,
        "People": .table, "PersonRole": .value,
        "PaymentCallback": .value, "PaymentDriver": .value, "Plan": .value, "PortPricing": .value, "PortStock": .table,
        "PortStockFile": .value, "PriceBookFile": .value, "PriceRow+JSON": .wire, "PriceStaging": .table,
        "PriceEffect": .wire, "PriceSheet": .table, "StockLevels": .table, "CodeBatches": .table,
        "Pricing": .value, "Demo": .operation, "DemoFile": .operation, "Dialects": .wire,
        "Attention": .table, "OrderMoney": .table, "AttentionSources": .value, "DueHousekeeping": .table,
        "DueWork": .value,
        "DueWorks": .value, "QuotaLines": .value, "PaymentLimits": .value,
        "EntryPlaces": .table, "PostingSide": .proof,
        "PutOff": .value,
        "ProvisioningAsking": .value, "ProvisioningProtocol": .value, "ProvisioningState": .value,
        "Reconciliation": .value, "RedeemingCustomer": .operation, "ResellerApplication": .operation,
        "RunningReconciliations": .value, "Sandbox": .value, "Scopes+Dialects": .wire, "SelfServiceKeys": .value,
        "ServiceDetails": .value,
        "ServicePeriods": .value, "SessionTerms": .value,
        "StagedImport": .operation,
        "StockFile": .value, "TableReader": .value,
        "TableRows": .value, "Tenant+Reading": .table,
        "TenantMemory": .value, "Term": .value, "TopUpFlow": .operation, "VerificationReport": .proof,
        "EventCatalogue": .wire, "EventFeed": .wire, "EventWaits": .value,
        "Examination": .proof, "ExaminationProcess": .proof,
        "Verifier": .proof, "Warrant+Keys": .wire,
        "WebhookLimits": .value, "WebhookProbe": .value, "WebhookRoutes": .wire, "WebhookShapes": .wire,
        "WebhookSignature": .value,
    ]

    /// Nil for a name that says nothing of its file.
    static func kind(of file: SourceFile) -> Kind? {
        let name = file.name
        if let kind = named[name] { return kind }
        let stem = String(name.prefix { $0 != "+" })
        if surfaces.contains(stem) || stem == "Schema" || stem == "FieldReader" { return .wire }
        if stem == "Field" || stem == "Shape" || name.hasSuffix("Bodies") { return .wire }
        if name.hasSuffix("Pages") { return .pages }
        if name.hasSuffix("Refusals") { return .value }
        if name.hasSuffix("Check") || name.hasPrefix("Vouched") { return .proof }
        if stem.hasPrefix("Migration") || stem == "TenantSchema" { return .schema }
        if verbs.contains(firstWord(stem)) { return .operation }
        // A plural noun.
        return stem.hasSuffix("s") && file.hasSQL ? .table : nil
    }

    private static func firstWord(_ name: String) -> String {
        guard let first = name.first else { return "" }
        return String(first) + name.dropFirst().prefix { $0.isLowercase }
    }

    /// Names of the wire that a file of this kind leaves alone.
    private static func foreignNames(_ kind: Kind) -> Set<String> {
        switch kind {
        case .table: ["Call", "Route", "Schema", "JSONWriter", "Answer", "Response"]
        case .operation, .value, .proof: ["Call", "Route", "Schema"]
        case .schema: ["Call", "Route", "Schema", "JSONWriter", "Answer", "Response"]
        case .wire, .pages: []
        }
    }

    /// Rules that the wire keeps to itself: whatever else does the same thing would not know of them.
    static func judging(_ file: SourceFile) -> [Violation] {
        guard kind(of: file) == .wire else { return [] }
        var found: [Violation] = []
        for (index, token) in file.tokens.enumerated() where token.kind == .word {
            let throwsConflict =
                token.text == "conflict" && index >= 3 && file.tokens[index - 2].text == "Refusal"
                && file.tokens[index - 3].text == "throw"
            if throwsConflict || token.text == "judgeWrite" {
                found.append(Violation(file.path, token.line, token.text, "an operation judges what may be done"))
            }
        }
        return found
    }

    static func violations(_ file: SourceFile) -> [Violation] {
        guard let kind = kind(of: file) else {
            return [Violation(file.path, 1, file.name, "its name says no kind: table, verb, surface, check, pages")]
        }
        var found: [Violation] = []
        let foreign = foreignNames(kind)
        var seen: Set<String> = []
        file.words { word, line in
            if foreign.contains(word), seen.insert(word).inserted {
                found.append(Violation(file.path, line, word, "a file of kind \(kind.rawValue) does not name it"))
            }
        }
        switch kind {
        case .table, .proof, .schema: break
        case .operation, .wire, .pages, .value:
            if let (_, line) = file.imports.first(where: { $0.name == "SQLite" }) {
                found.append(Violation(file.path, line, "SQLite", "a file of kind \(kind.rawValue) does not import it"))
            }
            if file.hasSQL { found.append(Violation(file.path, 1, "SQL", "statements stand with their table")) }
        }
        return found
    }
}
