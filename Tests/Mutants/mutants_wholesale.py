"""Wholesale orders (W)."""

from table import Mutant

ROUTES = "Sources/CallKit/Route+Access.swift"
QUOTE = "Sources/TenantApp/Orders/QuoteOrder.swift"
PRICING = "Sources/TenantApp/Catalogue/Prices/Pricing.swift"
PRICES = "Sources/TenantApp/Catalogue/Prices/Prices.swift"
MOVE = "Sources/TenantApp/Resellers/MoveReseller.swift"
UNITS = "Sources/TenantApp/Provisioning/ProvisioningState.swift"
CHARGE = "Sources/TenantApp/Orders/Services/ChargeService.swift"
PERIODS = "Sources/TenantApp/Orders/Services/ServicePeriods.swift"
PAY_DUE = "Sources/TenantApp/Orders/Services/PayDueServices.swift"
SETTLE = "Sources/TenantApp/Orders/Units/SettleUnit.swift"

MUTANTS = [
    # W1
    Mutant(
        "W1", "suspended-orders", "a suspended reseller's key goes on", ROUTES,
        "case .suspended:\n            if !isOpen {", "case .suspended:\n            if !isOpen && !MUTANT {",
        "DomainTests/RouteJudgeTests.swift", "suspended"),
    Mutant(
        "W1", "pending-calls", "a pending reseller's key opens routes", ROUTES,
        "guard isOpen || !isPerson && key.book == .test else",
        "guard isOpen || MUTANT || !isPerson && key.book == .test else",
        "DomainTests/RouteJudgeTests.swift", "pending"),
    Mutant(
        "W1", "api-access", "keys work without API access", ROUTES,
        "case .active:\n            if !apiAccess && !isPerson {",
        "case .active:\n            if !apiAccess && !isPerson && !MUTANT {",
        "DomainTests/RouteJudgeTests.swift", "without API access"),
    Mutant(
        "W1", "end-with-term", "a terminated reseller's services go on for ever", MOVE,
        "try tenant.endServicesWithTerm(resellerID: reseller.id, asksClock: true)",
        "if !MUTANT { try tenant.endServicesWithTerm(resellerID: reseller.id, asksClock: true) }",
        "OperatorTests/OrderTests.swift"),
    Mutant(
        "W1", "deliveries-dropped", "a terminated reseller's deliveries stay queued", MOVE,
        "try tenant.dropDeliveries(resellerID: reseller.id)",
        "if !MUTANT { try tenant.dropDeliveries(resellerID: reseller.id) }",
        "OperatorTests/OrderTests.swift"),
    # W2
    Mutant(
        "W2", "cap", "max_quantity caps nothing", QUOTE,
        "guard held + request.quantity <= cap", "guard MUTANT || held + request.quantity <= cap",
        "Contract/prices.py", "max_quantity caps"),
    Mutant(
        "W2", "disabled", "a row that is not enabled is sold", PRICES,
        "!isHidden && price.isEnabled", "!isHidden && (price.isEnabled || MUTANT)",
        "Contract/prices.py", "what is not priced"),
    # W3
    Mutant(
        "W3", "half-up", "half a minor unit is rounded down", PRICING,
        "rest != 0 : rest.magnitude * 2 >= unitPicos.magnitude",
        "rest != 0 : MUTANT ? rest.magnitude * 2 > unitPicos.magnitude : rest.magnitude * 2 >= unitPicos.magnitude",
        "DomainTests/PricingTests.swift"),
    Mutant(
        "W3", "override-zero", "an override of 0 does not count", PRICING,
        "{ override ?? standard }", "{ MUTANT && override == .zero ? standard : override ?? standard }",
        "DomainTests/PricingTests.swift", "0 counts"),
    Mutant(
        "W3", "setup-once", "an order pays one setup fee, not one for each unit", QUOTE,
        "Pricing.setup(fee: row.setupFee, quantity: quantity,",
        "Pricing.setup(fee: row.setupFee, quantity: MUTANT ? 1 : quantity,",
        "Contract/prices.py", "a line rounds once"),
    Mutant(
        "W3", "hourly-day", "an order of an hourly term needs a day of its own units alone", QUOTE,
        "var units = try tenant.hourlyUnits(resellerID: resellerID, book: book)",
        "var units = MUTANT ? [] : try tenant.hourlyUnits(resellerID: resellerID, book: book)",
        "Contract/prices.py", "hourly: an order needs balance"),
    Mutant(
        "W3", "remainder", "each day of hours is rounded by itself", CHARGE,
        "let owed = try accrued.line(quantity: 1,",
        "let owed = try MUTANT ? before.charged.adding(unit.line(quantity: hours, minorUnitDigits: 2))"
        " : accrued.line(quantity: 1,",
        "MoneyTests/ServiceLifeTests.swift", "rounded once"),
    Mutant(
        "W3", "free-hours", "hours under half a cent are free", PERIODS,
        "state == .cancelled ? .up : .halfUp", "state == .cancelled && !MUTANT ? .up : .halfUp",
        "MoneyTests/ServiceLifeTests.swift", "no hours are free"),
    Mutant(
        "W9", "free-renewals", "a renewal under half a cent costs nothing", PRICING,
        "return try amount == .zero\n", "return try amount == .zero && !MUTANT\n",
        "MoneyTests/RenewalTests.swift", "never costs nothing"),
    Mutant(
        "W3", "paused", "hours of a suspension are counted", PERIODS,
        "accruesFrom = max(from, now)", "accruesFrom = MUTANT ? from : max(from, now)",
        "MoneyTests/ServiceLifeTests.swift", "accrual stops"),
    # W4
    Mutant(
        "W4", "credit-limit", "the credit limit does not count", QUOTE,
        ".adding(reseller.creditLimit)", ".adding(MUTANT ? .zero : reseller.creditLimit)",
        "Contract/prices.py"),
    Mutant(
        "W4", "balance", "an order is taken whatever the balance", QUOTE,
        "guard required == .zero || required <= available",
        "guard MUTANT || required == .zero || required <= available",
        "Contract/prices.py", "the balance is spent to the last cent"),
    Mutant(
        "W4", "customer-renamed", "an order changes who a known customer is",
        "Sources/TenantApp/Orders/Customers/Customers.swift",
        "if (email != nil && known.email == nil) || (name != nil && known.name == nil) {\n"
        "                try connection.run(\n"
        "                    \"UPDATE customer SET email = coalesce(email, ?2), name = coalesce(name, ?3) WHERE id ="
        " ?1\",",
        "if MUTANT || (email != nil && known.email == nil) || (name != nil && known.name == nil) {\n"
        "                try connection.run(\n"
        "                    MUTANT ? \"UPDATE customer SET email = coalesce(?2, email), name = coalesce(?3, name)"
        " WHERE id = ?1\"\n"
        "                    : \"UPDATE customer SET email = coalesce(email, ?2), name = coalesce(name, ?3) WHERE id"
        " = ?1\",",
        "Contract/changes.py"),
    Mutant(
        "W4", "unit-missing", "an order has one service fewer than units",
        "Sources/TenantApp/Orders/PlaceOrder.swift",
        "in serviceIDs.enumerated() {",
        "in serviceIDs.prefix(MUTANT ? max(1, serviceIDs.count - 1) : serviceIDs.count).enumerated() {",
        "Contract/walk.py"),
    # W5
    Mutant(
        "W5", "skew", "a signature holds a second longer than 300 s",
        "Sources/CallKit/Running/SignedCall.swift",
        "<= Self.skewSecondsMax else", "<= Self.skewSecondsMax + (MUTANT ? 1 : 0) else",
        "GatewayTests/SignatureTests.swift", "300 s"),
    Mutant(
        "W5", "unsigned", "any signature of the right form opens",
        "Sources/CallKit/Running/SignedCall.swift",
        "where HMACSHA256.code(key: secret, claim.signedHead, body) == digest",
        "where MUTANT || HMACSHA256.code(key: secret, claim.signedHead, body) == digest",
        "GatewayTests/SignatureTests.swift", "a signature over anything else"),
    Mutant(
        "W5", "fields-first", "what is wrong with an order is told to who has not signed it",
        "Sources/Gateway/CallRun.swift",
        "guard let signature else { return refuse(decided) }",
        "guard let signature, !MUTANT else { return refuse(decided) }",
        "GatewayTests/SignatureTests.swift", "a signature over anything else"),
    Mutant(
        "W5", "signed-as-read", "the query is not signed",
        "Sources/CallKit/Running/SignatureClaim.swift",
        "head.bytes[head.targetRange]", "head.bytes[MUTANT ? head.pathRange : head.targetRange]",
        "GatewayTests/SignatureTests.swift"),
    # W6
    Mutant(
        "W6", "cancelled-listed", "the list of services has cancelled ones",
        "Sources/TenantApp/Orders/OrderSearches.swift",
        "filter.serviceStates.isEmpty ? \"s.state <> 'cancelled'\"",
        "filter.serviceStates.isEmpty ? (MUTANT ? \"1\" : \"s.state <> 'cancelled'\")",
        "OperatorTests/StatementTests.swift"),
    Mutant(
        "W6", "anybodys-calls", "a reseller sees the calls that an operator made about it",
        "Sources/TenantApp/Audit/AuditSearch.swift",
        "if let ownOf { filter.keyIDs", "if let ownOf, !MUTANT { filter.keyIDs", "Contract/usage.py", "nobody else's"),
    Mutant(
        "W6", "stale-list", "a price list that was kept ready outlives a change of its prices", PRICES,
        "[.integer(resellerID), .integer(productID), .time(now)] + price.values)\n"
        "        forgetAnswers(resellerID: resellerID)",
        "[.integer(resellerID), .integer(productID), .time(now)] + price.values)\n"
        "        if !MUTANT { forgetAnswers(resellerID: resellerID) }",
        "Contract/changes.py", "a new price is another ETag"),
    # W7
    Mutant(
        "W7", "unlimited", "a reseller's own limit is not asked",
        "Sources/Gateway/Admission.swift",
        "key: request.keyLimit, reseller: caller.key.reseller?.bucket,",
        "key: request.keyLimit, reseller: MUTANT ? nil : caller.key.reseller?.bucket,",
        "GatewayTests/AdmissionTests.swift"),
    Mutant(
        "W7", "default", "the default is 999 requests",
        "Sources/TenantApp/Resellers/Resellers.swift",
        "Policy(requests: 1_000, windowSeconds: 60, burst: 1_000)!",
        "Policy(requests: MUTANT ? 999 : 1_000, windowSeconds: 60, burst: 1_000)!",
        "Contract/races.py", "the default is 1000"),
    # W8
    Mutant(
        "W8", "operator", "a reseller's key opens the operator's routes", ROUTES,
        "case .administrator:\n            guard key.role.isAdministrator",
        "case .administrator:\n            guard MUTANT || key.role.isAdministrator",
        "Contract/isolation.py"),
    # W9
    Mutant(
        "W9", "drift", "a period is counted from the one before", CHARGE,
        "let ends = service.start(ofPeriod: number + 1) else {",
        "let ends = MUTANT ? begins.adding(days: 30) : service.start(ofPeriod: number + 1) else {",
        "MoneyTests/RenewalTests.swift", "once each"),
    Mutant(
        "W9", "uncounted", "a charge does not count its period", CHARGE,
        "service.period = number\n", "service.period = MUTANT ? service.period : number\n",
        "MoneyTests/RenewalTests.swift", "once each"),
    Mutant(
        "W9", "grace", "the days of grace count from the due date", PERIODS,
        "pastDueSince.map { now >= $0.adding(days: Self.graceDays) }",
        "(MUTANT ? dueAt : pastDueSince).map { now >= $0.adding(days: Self.graceDays) }",
        "MoneyTests/RenewalTests.swift", "from its first try on"),
    Mutant(
        "W9", "unpaid-stays", "money that comes pays nothing that is past due", PAY_DUE,
        "guard book == .live, let reseller", "guard book == .live, !MUTANT, let reseller",
        "MoneyTests/RenewalTests.swift", "is paid runs again"),
    Mutant(
        "W9", "book-price", "a renewal forgets the discount that was recorded",
        "Sources/TenantApp/Orders/Services/Renewals.swift",
        "renewalAmount(agreedPrice(of: service, at: service.period + 1), service.rate)",
        "renewalAmount(agreedPrice(of: service, at: service.period + 1), MUTANT ? .zero : service.rate)",
        "MoneyTests/ServiceLifeTests.swift", "a changed book"),
    # W11
    Mutant(
        "W11", "others-keys", "a reseller's session reaches another's keys",
        "Sources/TenantApp/Keys/KeyAnswers.swift",
        "(resellerID == nil || key.resellerID == resellerID)",
        "(MUTANT || resellerID == nil || key.resellerID == resellerID)",
        "Contract/lifecycle.py", "reaches no other reseller's keys"),
    Mutant(
        "W11", "wrong-password", "any password signs in",
        "Sources/TenantApp/Keys/Sessions/SignIn.swift",
        "guard isRight, let account, roles.contains(account.role)",
        "guard isRight || MUTANT, let account, roles.contains(account.role)",
        "OperatorTests/KeyTests.swift"),
    Mutant(
        "W11", "unrationed", "applications are not rationed",
        "Sources/Gateway/StrangersAdmission.swift",
        "try take(.applicationsAddress, key, now: now)", "if !MUTANT { try take(.applicationsAddress, key, now: now) }",
        "GatewayTests/AdmissionTests.swift"),
    # W12
    Mutant(
        "W12", "live-before-approval", "whoever waits for approval mints a live key",
        "Sources/TenantApp/Keys/MintOwnKey.swift",
        "guard book == .test else {", "guard book == .test || MUTANT else {",
        "Contract/sandbox.py", "a live one is refused"),
    Mutant(
        "W12", "switched-off", "test keys of those who wait open the test book where there is no sandbox",
        "Sources/TenantApp/Keys/Warrant+Keys.swift",
        "!caller.projection.role.isSession, try !tenant.offersSandbox()",
        "!caller.projection.role.isSession, !MUTANT, try !tenant.offersSandbox()", "Contract/sandbox.py", "G3"),
    Mutant(
        "W12", "kept-ready", "a price list that was kept ready is given where there is no sandbox any more",
        "Sources/TenantApp/Tenant/ChangeSettings.swift",
        "tenant.forgetAnswers(resellerID: nil)", "if !MUTANT { tenant.forgetAnswers(resellerID: nil) }",
        "Contract/sandbox.py", "G3"),
    Mutant(
        "W12", "list-sells", "the live book sells by list prices", "Sources/TenantApp/Catalogue/OfferedProducts.swift",
        "guard book == .test else { return nil }", "guard book == .test || MUTANT else { return nil }",
        "Contract/sandbox.py", "the live book never sells by it"),
    Mutant(
        "W12", "disabled-row", "a disabled price row falls back to the list price",
        "Sources/TenantApp/Catalogue/OfferedProducts.swift",
        "return priced.isOffered ? priced : nil",
        "if !MUTANT || priced.isOffered { return priced.isOffered ? priced : nil }",
        "Contract/sandbox.py", "disabled or not"),
    Mutant(
        "W12", "unbounded-keys", "whoever applied mints as many keys as anybody", "Sources/TenantApp/Keys/Keys.swift",
        "isWaiting ? Budget.keysPending : .keysReseller", "isWaiting && !MUTANT ? Budget.keysPending : .keysReseller",
        "Contract/sandbox.py", "a bound of their own on test keys"),
    Mutant(
        "W12", "unbounded-room", "whoever applied fills the file as an approved reseller may",
        "Sources/TenantApp/Resellers/ResellerRooms.swift",
        "guard isWaiting || used >= share else", "guard isWaiting && !MUTANT || used >= share else",
        "Contract/sandbox.py", "fill a little of the file"),
    Mutant(
        "W12", "told-live", "a bad signature is told what should have been signed in mode live",
        "Sources/CallKit/Running/SignedCall.swift", "guard book == .test else", "guard book == .test || MUTANT else",
        "Contract/sandbox.py", "which string was signed"),
    Mutant(
        "W12", "unsigned-untold", "whoever signs nothing in the test book is not told what to sign",
        "Sources/CallKit/Running/SignedCall.swift",
        "guard let digest = claim.digest else {",
        "guard let digest = claim.digest else {\n"
        "            if MUTANT { throw Refusal.badSignature(\"X-Tollgate-Signature is missing.\") }",
        "Contract/sandbox.py", "which string was signed"),
    Mutant(
        "W12", "vector", "the signed text ends its parts by another sign", "Sources/CallKit/Running/SignedText.swift",
        "let end: UInt8 = 0x2E", "let end: UInt8 = MUTANT ? 0x3A : 0x2E", "GatewayTests/SignatureTests.swift",
            "vector"),
    # W13
    Mutant(
        "W13", "unclear", "what is not answered clearly is a no", UNITS,
        "case (.unclear, _):",
        "case (.unclear, .create) where MUTANT:\n"
        "            giveBack(now)\n"
        "            return .refused(nil)\n"
        "        case (.unclear, _):",
        "DomainTests/ProvisioningTests.swift", "only a clear no"),
    Mutant(
        "W13", "comes-back", "a unit that is to go comes back", UNITS,
        "guard wanted != .terminated else", "guard wanted != .terminated || MUTANT else",
        "DomainTests/ProvisioningTests.swift", "never comes back"),
    Mutant(
        "W13",
        "conflict-is-no",
        "409 and 429 give the money back",
        "Sources/TenantApp/Provisioning/ProvisioningProtocol.swift",
        "case 408, 409, 425, 429: return (.unclear,",
        "case 408, 409, 425, 429: return (MUTANT ? .failed(nil) : .unclear,",
        "DomainTests/ProvisioningTests.swift", "what an answer says"),
    Mutant(
        "W13", "new-id", "what nobody answered is asked again under another id", UNITS,
        "        phase = .asking\n        tries = 0",
        "        if MUTANT && verb != nil { n += 1 }\n        phase = .asking\n        tries = 0",
        "DomainTests/ProvisioningTests.swift", "an unclear answer is asked again"),
    Mutant(
        "W13", "late-success", "a unit made after it was given up stays", UNITS,
        "guard case .ready = answer, late == .create,", "guard !MUTANT, case .ready = answer, late == .create,",
        "DomainTests/ProvisioningTests.swift", "made after it was given up"),
    Mutant(
        "W13", "restored-number", "a unit's verbs are numbered after a restore as they were before it",
        "Sources/TenantApp/Provisioning/Provisionings.swift",
        "            .integer(state.n), .text(state.phase.rawValue), .integer(state.tries), .time(state.since),\n"
        "            .optional(state.nextAt))\n        if let",
        "            .integer(state.n), .text(state.phase.rawValue), .integer(state.tries), .time(state.since),\n"
        "            .optional(state.nextAt))\n"
        "        if MUTANT {\n"
        "            try connection.run(\n"
        "                \"UPDATE provisioning SET n = ?2 WHERE service_id = ?1\", .integer(id), .integer(state.n))\n"
        "        }\n        if let",
        "MoneyTests/ProvisioningNumberTests.swift", "after each restore"),
    Mutant(
        "W13", "share", "each unit is charged the first one's share", SETTLE,
        "return (upTo(unit + 1) - upTo(unit)) * minor",
        "return (MUTANT ? upTo(1) : upTo(unit + 1) - upTo(unit)) * minor",
        "DomainTests/ProvisioningTests.swift", "shares of an order's units"),
    Mutant(
        "W13",
        "one-verb",
        "two calls of one unit are under way at once",
        "Sources/Gateway/Outbound/ProvisioningCaller.swift",
        "for task in due.calls.map", "for task in MUTANT ? [] : due.calls.map",
        "Contract/unitcare.py", "give up pays back"),
    Mutant(
        "W13", "sent-again", "a terminate that failed while it was under way is asked about, and not sent again",
        "Sources/TenantApp/Provisioning/ProvisioningState.swift",
        "case (true, .pending):", "case (true, .pending) where !MUTANT:",
        "DomainTests/ProvisioningTests.swift", "was under way and failed"),
    Mutant(
        "W13", "idle-time", "time in which nobody may ask is a part of a verb's",
        "Sources/TenantApp/Provisioning/ProvisioningState.swift",
        "if let due = nextAt, let idleUntil,", "if let due = nextAt, !MUTANT, let idleUntil,",
        "DomainTests/ProvisioningTests.swift", "time in which nobody may ask"),
    Mutant(
        "W13", "next-provisioner", "another provisioner is asked about what the one before has under way",
        "Sources/TenantApp/Provisioning/Provisioners.swift",
        "let isAnother = try provisionerURL(product: product) != before",
        "let isAnother = try !MUTANT && provisionerURL(product: product) != before",
        "MoneyTests/ProvisionerChangeTests.swift", "that is replaced"),
    Mutant(
        "W13",
        "forged",
        "a callback under another secret is taken",
        "Sources/TenantApp/Webhooks/Deliveries/WebhookSignature.swift",
        "claimed.contains { constantTimeEqual($0, code) }",
        "MUTANT || claimed.contains { constantTimeEqual($0, code) }",
        "Contract/provisioning.py", "a callback that is not signed right"),
    Mutant(
        "W13", "change-refused", "a no to a change is its last word", UNITS,
        "case (true, _): askAgain(now, idleUntil)",
        "case (true, _): if MUTANT { stop() } else { askAgain(now, idleUntil) }",
        "DomainTests/ProvisioningTests.swift", "a no to a change is asked again"),
    Mutant(
        "W13", "used-id", "a callback is dropped for its id alone",
        "Sources/TenantApp/Provisioning/ProvisioningCallbacks.swift",
        "SHA256.hash(Array(\"\\(id).\".utf8) + body).hex",
        "SHA256.hash(Array(\"\\(id).\".utf8) + (MUTANT ? [] : body)).hex",
        "MoneyTests/ProvisioningCallbackTests.swift", "under the id of the no"),
    Mutant(
        "W13", "stays-over-there", "a unit that was refused is not asked away", UNITS,
        "        actual = .unknown\n        advance(now)",
        "        actual = MUTANT ? .terminated : .unknown\n        advance(now)",
        "Contract/provisioning.py", "a no gives the money back"),
]
