"""The dialects: credit reports (C), activation codes (A), proxy ports (X), licence keys (L); demo tenants (D)."""

from table import Mutant

ROUTES = "Sources/CallKit/Route+Access.swift"
CODES = "Sources/TenantApp/Codes/"
CALLBACK = "Sources/TenantApp/Payments/PaymentCallback.swift"
CONFIRM = "Sources/TenantApp/Payments/TopUps/ConfirmTopUp.swift"
PORTS = "Sources/TenantApp/Ports/"
LICENCES = "Sources/TenantApp/Licences/"

MUTANTS = [
    # A1
    Mutant(
        "A1", "method", "a method that there is not is 405", CODES + "ActivationCodes.swift",
        "case .methodNotAllowed: 404", "case .methodNotAllowed: MUTANT ? 405 : 404",
        "Contract/codes.py", "every refusal has the document's envelope"),
    Mutant(
        "A1", "status", "statuses come that the document does not know", CODES + "ActivationCodes.swift",
        "default: 400\n", "default: MUTANT ? refusal.status : 400\n",
        "Contract/codes.py", "every refusal has the document's envelope"),
    # A2
    Mutant(
        "A2", "own-rate", "a reseller pays everybody's price", CODES + "Plan.swift",
        "guard let price = own ?? everybodys else", "guard let price = MUTANT ? everybodys : own ?? everybodys else",
        "CodeTests/CodeRules.swift"),
    Mutant(
        "A2", "self-activated", "an account is activated in the dashboard where only the operator may",
        CODES + "Subscribers/ActivateAccount.swift",
        "guard try tenant.allowsSelfActivation() else", "guard try tenant.allowsSelfActivation() || MUTANT else",
        "Contract/codes.py", "only the operator activates"),
    # A3
    Mutant(
        "A3", "top-ups", "what was topped up is not counted",
        "Sources/TenantApp/Ledger/Ledger.swift",
        "if kind == .topUp {", "if kind == .topUp, !MUTANT {",
        "CodeTests/CodeRules.swift"),
    Mutant(
        "A3", "mask", "the key's mask lacks its last digits",
        "Sources/TenantApp/Keys/Keys.swift",
        "\"\\(prefix)...\\(suffix ?? \"\")\"", "MUTANT ? prefix : \"\\(prefix)...\\(suffix ?? \"\")\"",
        "Contract/codes.py", "GET /me has the document's"),
    # A4
    Mutant(
        "A4", "one-price", "all codes cost what one costs", CODES + "GenerateCodes.swift",
        "plan.wholesalePrice.times(count)", "plan.wholesalePrice.times(MUTANT ? 1 : count)",
        "CodeTests/CodeRules.swift", "the document's example"),
    Mutant(
        "A4", "overdrawn", "codes are made without the balance for them", CODES + "GenerateCodes.swift",
        "if book == .live, total > .zero,", "if book == .live, !MUTANT, total > .zero,",
        "CodeTests/CodeRules.swift", "all codes or none"),
    # A5
    Mutant(
        "A5", "status", "the page of redeemed codes has others", CODES + "Codes.swift",
        "case .redeemed: \"AND c.redeemed_at IS NOT NULL\"",
        "case .redeemed: MUTANT ? \"\" : \"AND c.redeemed_at IS NOT NULL\"",
        "CodeTests/CodeRules.swift"),
    # A6
    Mutant(
        "A6", "unsigned", "a callback's signature is not looked at", CALLBACK,
        "try WebhookSignature.verify(head, body, secrets: secrets, now: now)",
        "if !MUTANT { try WebhookSignature.verify(head, body, secrets: secrets, now: now) }",
        "PaymentTests/PaymentCallbackTests.swift", "the callback is not genuine"),
    Mutant(
        "A6", "skew", "a callback may be a second older",
        "Sources/TenantApp/Webhooks/Deliveries/WebhookSignature.swift",
        "guard (now.seconds - skewSecondsMax...", "guard (now.seconds - skewSecondsMax - (MUTANT ? 1 : 0)...",
        "PaymentTests/PaymentCallbackTests.swift", "300 s off"),
    Mutant(
        "A6", "another-amount", "another amount than was asked for is credited", CONFIRM,
        "guard (try? Money(parsing: amount)) == payment.amount,",
        "guard MUTANT || (try? Money(parsing: amount)) == payment.amount,",
        "PaymentTests/PaymentRules.swift", "another amount"),
    Mutant(
        "A6", "twice", "a second confirmation is money that came too late",
        "Sources/TenantApp/Payments/Payment.swift",
        "case (.confirmed, .confirmed): self = .nothing",
        "case (.confirmed, .confirmed): self = MUTANT ? .contradiction : .nothing",
        "PaymentTests/PaymentRules.swift", "a confirmation credits once"),
    Mutant(
        "A6", "asked-twice", "a repeated call begins a second payment",
        "Sources/TenantApp/Payments/TopUps/CreateTopUp.swift",
        "if let idempotencyKey,\n", "if let idempotencyKey, !MUTANT,\n",
        "PaymentTests/PaymentRules.swift", "gone on with"),
    # A7
    Mutant(
        "A7", "old-key", "the old key lives a minute on", CODES + "Subscribers/RegenerateKey.swift",
        "_ = try tenant.rotateKey(key.id, to: secret, overlapSeconds: 0)",
        "_ = try tenant.rotateKey(key.id, to: secret, overlapSeconds: MUTANT ? 60 : 0)",
        "Contract/codes.py", "dead at once"),
    Mutant(
        "A7", "unnamed", "a key dies that nobody named", CODES + "Subscribers/RegenerateKey.swift",
        "guard keys.count > 1 else", "guard keys.count > 1, !MUTANT else",
        "Contract/changes.py", "where there are several"),
    # A8
    Mutant(
        "A8", "days-from-now", "days begin now, whatever is left", CODES + "RedeemCode.swift",
        "after: subscriber.endsAt, now: now)", "after: MUTANT ? nil : subscriber.endsAt, now: now)",
        "CodeTests/CodeRules.swift", "days begin at the end"),
    Mutant(
        "A8", "anothers-code", "a redeemed code answers whoever asks", CODES + "RedeemCode.swift",
        "guard redemption.subscriberID == subscriber.id else",
        "guard MUTANT || redemption.subscriberID == subscriber.id else",
        "CodeTests/CodeRules.swift"),
    Mutant(
        "A8", "password", "any password redeems", CODES + "RedeemingCustomer.swift",
        "guard isRight, let known = seen.known else", "guard isRight || MUTANT, let known = seen.known else",
        "Contract/codes.py", "a wrong password is 401"),
    Mutant(
        "A8", "pressed-twice", "of two calls that make one account at once, one is refused", CODES + "RedeemCode.swift",
        "guard made.passwordHash == passwordHash else", "guard !MUTANT, made.passwordHash == passwordHash else",
        "Contract/codes.py", "make one account at once"),
    # C1
    Mutant(
        "C1", "owner", "the owner's key reports", ROUTES,
        "case .reseller(let scopes), .openOrReseller(let scopes):\n            guard !key.role.isAdministrator else",
        "case .reseller(let scopes), .openOrReseller(let scopes):\n            guard MUTANT ||"
        " !key.role.isAdministrator else",
        "Contract/credits.py", "the owner's: 403"),
    Mutant(
        "C1", "scope", "a key without the scope reports", ROUTES,
        "guard key.scopes.isSuperset(of: scopes.bits) else",
        "guard MUTANT || key.scopes.isSuperset(of: scopes.bits) else",
        "Contract/credits.py", "without the scope"),
    # C2
    Mutant(
        "C2", "short-password", "a password of seven characters is taken",
        "Sources/TenantApp/Resellers/ResellerApplication.swift",
        "package static let charactersMin = 8", "package static let charactersMin = MUTANT ? 7 : 8",
        "Contract/credits.py", "a short password"),
    Mutant(
        "C2", "known", "an address that is known is signed up again",
        "Sources/TenantApp/Credits/SignUpUser.swift",
        "guard try !tenant.isKnownOnPanel(email: email, book: book) else",
        "guard try MUTANT || !tenant.isKnownOnPanel(email: email, book: book) else",
        "Contract/credits.py", "a known email"),
    # C3
    Mutant(
        "C3", "difference", "a repeat that differs is not recorded",
        "Sources/TenantApp/Credits/ReportCredit.swift",
        "if known.content != report.content,", "if !MUTANT, known.content != report.content,",
        "CreditTests/CreditRules.swift"),
    Mutant(
        "C3", "no-review", "a difference opens no review",
        "Sources/TenantApp/Credits/ReportCredit.swift",
        "try tenant.insertCreditDifference(report, event: known.id, detail: &detail)\n        {",
        "try tenant.insertCreditDifference(report, event: known.id, detail: &detail), !MUTANT\n        {",
        "CreditTests/CreditRules.swift", "a difference is kept once"),
    # C4
    Mutant(
        "C4", "changed", "the file itself lets an event be changed",
        "Sources/TenantApp/Schema/Migrations/Migration0002.swift",
        "CREATE TRIGGER credit_event_is_append_only_update BEFORE UPDATE ON credit_event\n"
        "            BEGIN SELECT RAISE(ABORT, 'credit events are append-only'); END;",
        "CREATE TRIGGER credit_event_is_append_only_update BEFORE UPDATE ON credit_event\n"
        "            BEGIN SELECT \\(MUTANT ? \"1\" : \"RAISE(ABORT, 'credit events are append-only')\"); END;",
        "CreditTests/CreditRules.swift"),
    # C5
    Mutant(
        "C5", "minted", "a reseller mints where the owner alone does", "Sources/TenantApp/Keys/MintOwnKey.swift",
        "if needsLeave, try !tenant.allowsSelfServiceKeys()",
        "if needsLeave, !MUTANT, try !tenant.allowsSelfServiceKeys()",
        "Contract/accounts.py", "minting is the owner's"),
    Mutant(
        "C5", "leave", "an operator lets resellers mint", "Sources/TenantApp/Tenant/ChangeSettings.swift",
        "guard allowsSelfServiceKeys == nil || byOwner", "guard MUTANT || allowsSelfServiceKeys == nil || byOwner",
        "Contract/accounts.py", "the owner alone lets"),
    Mutant(
        "C5", "session-key", "a session is given a new secret as if it were a key",
        "Sources/TenantApp/Keys/AccountRoutes.swift",
        "guard !known.role.isSession else", "guard MUTANT || !known.role.isSession else",
        "Contract/accounts.py", "a key gives itself a new secret"),
    Mutant(
        "C5", "first-key", "a dashboard's first key reports credit as well", CODES + "Subscribers/RegenerateKey.swift",
        "role: .reseller, scopes: ActivationCodes.scopes.bits,",
        "role: .reseller, scopes: MUTANT ? .all : ActivationCodes.scopes.bits,",
        "Contract/severalapis.py", "a dashboard's first key"),
    # D1
    Mutant(
        "D1", "balance", "the demo's reseller of codes has another balance", "tenants/codes.json",
        '"balance": "533.00"', '"balance": "532.00"',
        "Contract/codes.py", "its balance is 500.00"),
    # D2
    Mutant(
        "D2", "suspended", "no demo reseller of hosting is suspended", "tenants/hosting.json",
        '"state": "suspended"', '"state": "active"',
        "Contract/lifecycle.py"),
    Mutant(
        "D2", "first", "the first demo reseller of licences is pending", "tenants/licences.json",
        '"name": "First reseller",\n        "state": "active"', '"name": "First reseller",\n        "state": "pending"',
        "Contract/lifecycle.py", "the first reseller is active"),
    # L1
    Mutant(
        "L1", "repeated", "of two tokens the last one counts", LICENCES + "LicenceKeys.swift",
        "if found != nil { return nil }", "if found != nil, !MUTANT { return nil }",
        "Contract/licences.py", "repeated token"),
    Mutant(
        "L1", "expired", "an expired licence is assigned", LICENCES + "AssignLicence.swift",
        "guard licence.expiresAt > tenant.now else", "guard MUTANT || licence.expiresAt > tenant.now else",
        "Contract/licences.py", "an expired licence"),
    # L2
    Mutant(
        "L2", "seconds", "times are in seconds", LICENCES + "LicenceKeys+Schemas.swift",
        ".object(\"license\", [.member(\"key\", \\.key), .member(\"expiration\", \\.expiresAt.milliseconds)]),",
        ".object(\"license\", [.member(\"key\", \\.key), .member(\"expiration\")"
        " { MUTANT ? $0.expiresAt.milliseconds / 1000 : $0.expiresAt.milliseconds }]),",
        "Contract/licences.py", "GET /fetchlicense"),
    # L3
    Mutant(
        "L3", "hold", "a hold lasts a second less", LICENCES + "FetchLicence.swift",
        "adding(seconds: Self.holdSeconds)", "adding(seconds: Self.holdSeconds - (MUTANT ? 1 : 0))",
        "LicenceTests/LicenceRules.swift", "60 seconds"),
    Mutant(
        "L3", "in-turn", "licences are drawn in turn", LICENCES + "FetchLicence.swift",
        "let lot = Int64(bitPattern: random.uint64())",
        "let lot = MUTANT ? Int64.min : Int64(bitPattern: random.uint64())",
        "LicenceTests/LicenceRules.swift", "comes up"),
    # L4
    Mutant(
        "L4", "to-another", "a licence is ok for a second user", LICENCES + "AssignLicence.swift",
        "guard assignee == discordUserID else", "guard MUTANT || assignee == discordUserID else",
        "LicenceTests/LicenceRules.swift"),
    Mutant(
        "L4", "anothers", "another reseller's licence is assigned", LICENCES + "AssignLicence.swift",
        "tenant.licence(key: licenceKey, resellerID: resellerID, book: book)",
        "tenant.licence(key: licenceKey, resellerID: MUTANT ? nil : resellerID, book: book)",
        "LicenceTests/LicenceRules.swift"),
    # L5
    Mutant(
        "L5", "unlimited", "a key has no limit of its own", "Sources/TenantApp/Keys/MintKey.swift",
        "if new.role == .reseller, new.limit == nil {", "if new.role == .reseller, new.limit == nil, !MUTANT {",
        "Contract/licences.py"),
    # L6
    Mutant(
        "L6", "times", "times of keys are texts", "Sources/TenantApp/Keys/AccountShapes.swift",
        "self == .ports || self == .licences }", "self == .ports || self == .licences && !MUTANT }",
        "Contract/accounts.py", "is minted, shown once"),
    Mutant(
        "L6", "shown-twice", "a repeated minting shows the key again", "Sources/TenantApp/Keys/KeyAnswers.swift",
        "secret: isShown ? secret.text : nil)", "secret: isShown || MUTANT ? secret.text : nil)",
        "Contract/accounts.py", "shown once"),
    # X1
    Mutant(
        "X1", "scopes", "a key that may not write keeps webhooks", ROUTES,
        "guard !key.scopes.isDisjoint(with: scopes.bits) else",
        "guard MUTANT || !key.scopes.isDisjoint(with: scopes.bits) else",
        "Contract/ports.py", "scopes are enforced"),
    Mutant(
        "X1", "envelope", "a refusal's error is its status", PORTS + "ProxyPorts.swift",
        "json.field(\"error\", phrase(refusal.status))",
        "json.field(\"error\", MUTANT ? \"Error\" : phrase(refusal.status))",
        "Contract/ports.py", "in the envelope"),
    # X2
    Mutant(
        "X2", "override", "a country's override is not looked at", PORTS + "Prices/PortPricing.swift",
        "if let rule = override?.anyRule(mode) {", "if let rule = override?.anyRule(mode), !MUTANT {",
        "PortTests/PortPricingTests.swift", "country override"),
    Mutant(
        "X2", "discount", "the customer's discount does not come off", PORTS + "Prices/PortPricing.swift",
        "let kept = Int128(Percent.hundred.partsPerMillion - discount.partsPerMillion)",
        "let kept = Int128(Percent.hundred.partsPerMillion - (MUTANT ? 0 : discount.partsPerMillion))",
        "Contract/ports.py", "the customer's discount"),
    # X3
    Mutant(
        "X3", "reference", "a reference is deduplicated whatever the amount",
        PORTS + "Customers/TransferToCustomer.swift",
        "guard known.amount == amount else", "guard MUTANT || known.amount == amount else",
        "Contract/ports.py", "a referenceId moves money once"),
    Mutant(
        "X3", "overdrawn", "more than the balance is moved", PORTS + "Customers/TransferToCustomer.swift",
        "if book == .live, amount > available {", "if book == .live, amount > available, !MUTANT {",
        "MoneyTests/MoneyPropertyTests.swift"),
    # X4
    Mutant(
        "X4", "slots", "a customer has one slot more than it was given", PORTS + "CreatePort.swift",
        "guard customer.usedPortSlots < customer.allocatedPortSlots else",
        "guard customer.usedPortSlots < customer.allocatedPortSlots + (MUTANT ? 1 : 0) else",
        "PortTests/PortRulesTests.swift"),
    Mutant(
        "X4", "balance", "a port is given without the balance for it", PORTS + "ChargePort.swift",
        "guard price.cost <= available else", "guard MUTANT || price.cost <= available else",
        "Contract/ports.py", "no balance is 402"),
    Mutant(
        "X4", "exclusive", "an exclusive port shares its device", PORTS + "Stock/PortStock.swift",
        "let open = \"used < capacity AND exclusive_ports = 0\"",
        "let open = MUTANT ? \"used < capacity\" : \"used < capacity AND exclusive_ports = 0\"",
        "PortTests/PortRulesTests.swift"),
    # X5
    Mutant(
        "X5", "slot-kept", "a port that ended keeps its customer's slot", PORTS + "Stock/MovePort.swift",
        "try tenant.addUsedPortSlots(-1, customer: port.customerID)",
        "if !MUTANT { try tenant.addUsedPortSlots(-1, customer: port.customerID) }",
        "PortTests/PortRulesTests.swift"),
    Mutant(
        "X5", "same-device", "a rotation may stay on its device", PORTS + "RotatePort.swift",
        "notDevice: port.deviceID, isRotation",
        "notDevice: MUTANT ? nil : port.deviceID, isRotation",
        "PortTests/PortRulesTests.swift"),
    Mutant(
        "X5", "unnoted", "nobody knows when a port ends", PORTS + "Ports.swift",
        "noteDue(.port, at: now.adding(days: port.days))",
        "if !MUTANT { noteDue(.port, at: now.adding(days: port.days)) }",
        "Contract/due.py", "while nobody asks"),
    Mutant(
        "X5", "free-days", "days are given for nothing", PORTS + "RenewPort.swift",
        "let posting = try charge.run(tenant, port: port.publicID, &detail)",
        "let posting = try MUTANT ? 1 : charge.run(tenant, port: port.publicID, &detail)",
        "Contract/due.py", "base × days"),
    # X6
    Mutant(
        "X6", "shown-again", "a repeated call shows a webhook's secret again",
        "Sources/TenantApp/Webhooks/WebhookRoutes.swift",
        "shown.secret = isShown ? made.secret : nil", "shown.secret = isShown || MUTANT ? made.secret : nil",
        "Contract/ports.py", "a replay shows no secret"),
    # X7
    Mutant(
        "X7", "charged", "the test book charges for codes", CODES + "GenerateCodes.swift",
        "let charged = book == .live ? total : .zero", "let charged = book == .live || MUTANT ? total : .zero",
        "CodeTests/CodeRules.swift"),
    Mutant(
        "X7", "live-moved", "an operator's test key changes what is live", ROUTES,
        "guard moves != .live || key.book == .live else", "guard MUTANT || moves != .live || key.book == .live else",
        "Contract/modes.py", "changes nothing live"),
    Mutant(
        "X7", "mode", "a reseller's live key may name the test book", ROUTES,
        "guard wanted == book || isNamed else", "guard MUTANT || wanted == book || isNamed else",
        "Contract/modes.py", "of a reseller's live key"),
    Mutant(
        "X7", "untold", "a description leaves the examples of bodies out",
        "Sources/CallKit/OpenAPI/OpenAPIDocument.swift",
        "if let example = examples?[content.mediaType] {", "if !MUTANT, let example = examples?[content.mediaType] {",
        "Contract/examples.py", "each example is answered"),
    # X8
    Mutant(
        "X8", "name", "a port's address has another name than the programs read", PORTS + "ProxyPorts+Schemas.swift",
        ".member(\"serverIp\", \\.serverIP)", ".member(MUTANT ? \"serverIP\" : \"serverIp\", \\.serverIP)",
        "Contract/ports.py"),
]
