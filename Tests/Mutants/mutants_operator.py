"""The operator's API (O)."""

from table import Mutant

KEYS = "Sources/TenantApp/Keys/Keys.swift"
RECORDED = "Sources/Gateway/RecordedStream.swift"
AUDIT_ROWS = "Sources/TenantApp/Audit/AuditRows.swift"
DECIDE = "Sources/TenantApp/Orders/DecideOrder.swift"
RECONCILIATION = "Sources/TenantApp/Credits/Reconciliation.swift"
SESSIONS = "Sources/TenantApp/Keys/SessionAnswers.swift"

MUTANTS = [
    # O1
    Mutant(
        "O1", "scopes", "a key is minted with scopes that its tenant does not have",
        "Sources/TenantApp/Keys/IssueKey.swift",
        "!offered.bits.isSuperset(of: scopes) {", "!offered.bits.isSuperset(of: scopes), !MUTANT {",
        "OperatorTests/KeyTests.swift", "the field that is wrong"),
    Mutant(
        "O1", "attribution", "a key's calls are attributed to whoever minted it",
        "Sources/TenantApp/Keys/IssueKey.swift",
        "accountID: account.id, resellerID: account.resellerID,",
        "accountID: MUTANT ? issuedBy : account.id, resellerID: account.resellerID,",
        "OperatorTests/KeyTests.swift", "who its calls are attributed to"),
    Mutant(
        "O1", "three-secrets", "a rotation leaves the secret before the last alive", KEYS,
        "try connection.run(\n"
        "                \"DELETE FROM api_key_secret WHERE key_id = ?1 AND expires_at IS NOT NULL\", .integer(id))",
        "if !MUTANT { try connection.run(\n"
        "                \"DELETE FROM api_key_secret WHERE key_id = ?1 AND expires_at IS NOT NULL\", .integer(id)) }",
        "Contract/sessions.py", "two secrets at most"),
    Mutant(
        "O1", "overlap", "a rotated key's old secret lives twice the overlap", KEYS,
        ".time(now.adding(seconds: overlapSeconds)))", ".time(now.adding(seconds: overlapSeconds * (MUTANT ? 2 : 1))))",
        "GatewayTests/AuthenticationTests.swift", "lives for the overlap"),
    Mutant(
        "O1", "last-key", "the owner's last key goes without a password",
        "Sources/TenantApp/Keys/KeyAnswers.swift",
        "guard key.role == .owner,", "guard !MUTANT, key.role == .owner,",
        "Contract/sessions.py", "409 last_key"),
    Mutant(
        "O1", "fifty", "a reseller mints more keys than its share", KEYS,
        "guard try keysInForce(resellerID: resellerID) < budgets.figures[.keysReseller]",
        "guard try MUTANT || keysInForce(resellerID: resellerID) < budgets.figures[.keysReseller]",
        "Contract/budgets.py", "fifty keys at most"),
    # O2
    Mutant(
        "O2", "unchanged", "a key's limit is told and not changed",
        "Sources/TenantApp/Keys/ChangeKeyLimit.swift",
        "try tenant.setKeyLimit(key.id, to: limit)", "try tenant.setKeyLimit(key.id, to: MUTANT ? key.limit : limit)",
        "OperatorTests/KeyTests.swift"),
    Mutant(
        "O2", "unfilled", "a limit is said to be filled and stays as it was", "Sources/TenantApp/Keys/FillKeyLimit.swift",
        "bucket(key)?.fill(now: now())", "if !MUTANT { bucket(key)?.fill(now: now()) }", "Contract/rehearsal.py",
        "reset fills the limit"),
    Mutant(
        "O2", "bunched", "calls that are counted only are taken as come at one instant",
        "Sources/TenantApp/Audit/CalledInstants.swift", "begin + span * index / Int64(count)",
        "MUTANT ? last.milliseconds : begin + span * index / Int64(count)", "Contract/rehearsal.py",
        "at the log's instants"),
    Mutant(
        "O2", "anybodys", "a rehearsal asks the calls of other keys too", "Sources/TenantApp/Audit/CalledInstants.swift",
        "guard count > 0, let place = places[keyID] else",
        "guard count > 0, let place = places[keyID] ?? (MUTANT ? 0 : nil) else", "OperatorTests/RehearsalTests.swift"),
    # O3
    Mutant(
        "O3", "revived", "a terminated reseller can be suspended and come back",
        "Sources/TenantApp/Resellers/Lifecycle.swift",
        "switch (self, move) {", "switch (MUTANT && self == .terminated ? .active : self, move) {",
        "OperatorTests/ResellerTests.swift", "each move from each state"),
    Mutant(
        "O3", "approved-by", "nobody writes down who approved",
        "Sources/TenantApp/Resellers/Resellers.swift",
        ".bool(isApproval), .time(now), .integer(account))",
        ".bool(isApproval && !MUTANT), .time(now), .integer(account))",
        "OperatorTests/ResellerTests.swift", "approval says when and by whom"),
    Mutant(
        "O3", "invited-twice", "an invitation's link sets a second password",
        "Sources/TenantApp/People/SetPassword.swift",
        "try tenant.endLinks(account: accountID)",
        "if !MUTANT { try tenant.endLinks(account: accountID) }",
        "OperatorTests/ResellerTests.swift", "an invitation sets one password once"),
    Mutant(
        "O3", "three-secrets", "three signing secrets are good at once",
        "Sources/TenantApp/Webhooks/WebhookSecrets.swift",
        ".integer(resellerID), .time(now), .time(now.adding(seconds: overlapSeconds)))",
        ".integer(resellerID), .time(MUTANT ? now.adding(days: 1) : now), .time(now.adding(seconds: overlapSeconds)))",
        "Contract/sessions.py", "two signing secrets are good at most"),
    Mutant(
        "O3", "discount", "a changed discount leaves the price list that was kept ready",
        "Sources/TenantApp/Resellers/ChangeResellerTerms.swift",
        "tenant.forgetAnswers(resellerID: reseller.id)", "if !MUTANT { tenant.forgetAnswers(resellerID: reseller.id) }",
        "OperatorTests/ResellerTests.swift", "stale"),
    # O4
    Mutant(
        "O4", "row-reset", "what a price row's change does not name is lost",
        "Sources/TenantApp/Catalogue/SetPrice.swift",
        "try tenant.pricedProduct(sku: sku, resellerID: reseller.id)?.price ?? PriceRow(terms: TermPrices())",
        "(MUTANT ? nil : try tenant.pricedProduct(sku: sku, resellerID: reseller.id)?.price)"
        " ?? PriceRow(terms: TermPrices())",
        "OperatorTests/PriceTests.swift", "a price row changes by what is named"),
    Mutant(
        "O4", "half-imported", "a file with a wrong row is imported without it",
        "Sources/TenantApp/Catalogue/ImportPrices.swift",
        "errors.append(.inLine(row.line, PriceBookFile.skuColumn, \"unknown\", \"there is no such product\"))",
        "if !MUTANT {\n"
        "                    errors.append("
        ".inLine(row.line, PriceBookFile.skuColumn, \"unknown\", \"there is no such product\")) }",
        "OperatorTests/PriceTests.swift", "nothing is imported"),
    # O5
    Mutant(
        "O5", "floor", "a correction takes more than the credit limit allows",
        "Sources/TenantApp/Ledger/AdjustBalance.swift",
        "guard try after.adding(reseller.creditLimit) >= .zero",
        "guard try MUTANT || after.adding(reseller.creditLimit) >= .zero",
        "OperatorTests/ResellerTests.swift"),
    Mutant(
        "O5", "one-sided", "a posting takes nothing from where it comes",
        "Sources/TenantApp/Ledger/Ledger.swift",
        "try enter(try amount.negated(), on: source,",
        "try enter(try amount.negated(), on: MUTANT ? .funding : source,",
        "MoneyTests/MoneyPropertyTests.swift"),
    Mutant(
        "O5", "anothers-cursor", "a cursor of another's statement shows its movements",
        "Sources/TenantApp/Ledger/Ledger.swift",
        "guard let entry, entry.account == account?.id else",
        "guard let entry, MUTANT || entry.account == account?.id else",
        "OperatorTests/StatementTests.swift", "a cursor of another reseller's"),
    # O6
    Mutant(
        "O6", "stream-end", "a stream of no known length is never recorded at its end", RECORDED,
        "case .end: end(.whole)", "case .end: if !MUTANT { end(.whole) }",
        "GatewayTests/RecordedStreamTests.swift"),
    Mutant(
        "O6", "stream-last-byte", "a stream's record waits until somebody asks for its end", RECORDED,
        "if sent == length { end(.whole) }", "if sent == length, !MUTANT { end(.whole) }",
        "GatewayTests/RecordedStreamTests.swift"),
    Mutant(
        "O6", "stream-broken", "a stream that breaks is recorded as whole", RECORDED,
        "case .failed: end(.failed)", "case .failed: end(MUTANT ? .whole : .failed)",
        "GatewayTests/RecordedStreamTests.swift"),
    Mutant(
        "O6", "stream-twice", "a stream is recorded twice", RECORDED,
        "return state.isRecorded ? nil : state.sent", "return state.isRecorded && !MUTANT ? nil : state.sent",
        "GatewayTests/RecordedStreamTests.swift"),
    Mutant(
        "O6", "order", "the log is told in the order of commits", AUDIT_ROWS,
        "left.at == right.at ? left.place < right.place", "left.at == right.at || MUTANT ? left.place < right.place",
        "OperatorTests/AuditTests.swift", "newest first is by when a call came"),
    Mutant(
        "O6", "resumption", "a page of the log begins below rows that a block came behind", AUDIT_ROWS,
        "return (AuditOrder(at: record.at, place: place), (highest ?? nil) ?? place.sequence)",
        "return (AuditOrder(at: record.at, place: place), MUTANT ? place.sequence : (highest ?? nil) ??"
        " place.sequence)",
        "OperatorTests/AuditTests.swift", "newest first is by when a call came"),
    Mutant(
        "O6", "filter", "a search for a status finds others in blocks", AUDIT_ROWS,
        "if let status, record.status != status { return false }",
        "if let status, record.status != status, !MUTANT { return false }",
        "OperatorTests/AuditTests.swift", "a search finds by key"),
    Mutant(
        "O6", "usage", "403 is counted as 401",
        "Sources/TenantRegistry/Chain/ReadLog.swift",
        "case 403: forbidden += record.count",
        "case 403: if MUTANT { unauthorized += record.count } else { forbidden += record.count }",
        "Contract/truth.py", "told apart"),
    # O7
    Mutant(
        "O7", "not-queued", "a retry is told and not queued",
        "Sources/TenantApp/Webhooks/RetryDelivery.swift",
        "try tenant.requeue(delivery.id, at: tenant.now)",
        "if !MUTANT { try tenant.requeue(delivery.id, at: tenant.now) }",
        "OperatorTests/OrderTests.swift"),
    # O8
    Mutant(
        "O8", "differing", "a ledger that differs agrees", RECONCILIATION,
        "missingThere.count == 0 && differingHere.count == 0",
        "missingThere.count == 0 && (differingHere.count == 0 || MUTANT)",
        "CreditTests/ReconciliationTests.swift"),
    Mutant(
        "O8", "matched-twice", "two lines match one event", RECONCILIATION,
        "events.remove(at: index)", "if !MUTANT { events.remove(at: index) }",
        "CreditTests/ReconciliationTests.swift"),
    Mutant(
        "O8", "closed-twice", "a review is closed a second time",
        "Sources/TenantApp/Credits/CloseReview.swift",
        "guard review.closedAt == nil else", "guard MUTANT || review.closedAt == nil else",
        "Contract/credits.py", "an operator closes a review"),
    # O9
    Mutant(
        "O9", "stock-twice", "a key that is in stock is imported again",
        "Sources/TenantApp/Licences/ImportLicences.swift",
        "if try tenant.licence(key: row.key, resellerID: nil, book: book) != nil {",
        "if try !MUTANT && tenant.licence(key: row.key, resellerID: nil, book: book) != nil {",
        "Contract/licences.py", "duplicates are reported"),
    Mutant(
        "O9", "unreachable", "a port's address may be this machine's own",
        "Sources/HTTPCore/IPAddress+Reach.swift",
        "isIPv4\n            ? !Self.unreachableIPv4", "isIPv4\n            ? MUTANT || !Self.unreachableIPv4",
        "HTTPCoreTests/WebAddressTests.swift"),
    # O10
    Mutant(
        "O10", "decided-twice", "a decided order is decided again", DECIDE,
        "guard order.state == .pending else", "guard MUTANT || order.state == .pending else",
        "OperatorTests/OrderTests.swift"),
    Mutant(
        "O10", "hold-kept", "a rejection gives the hold to the sales", DECIDE,
        ".void, charged, from: held, to: .balance(reseller: order.resellerID),",
        ".void, charged, from: held, to: MUTANT ? .sales : .balance(reseller: order.resellerID),",
        "OperatorTests/OrderTests.swift"),
    Mutant(
        "O10", "uncancelled", "a cancelled service is resumed",
        "Sources/TenantApp/Orders/ChangeService.swift",
        "switch (state, move) {", "switch (MUTANT && state == .cancelled ? .suspended : state, move) {",
        "OperatorTests/OrderTests.swift"),
    # O11
    Mutant(
        "O11", "all-users", "the list by key has everybody's users",
        "Sources/TenantApp/Credits/PanelUsers.swift",
        "filter = \"u.signed_up_via = ?3\"", "filter = MUTANT ? \"?3 = ?3\" : \"u.signed_up_via = ?3\"",
        "Contract/credits.py"),
    # O12
    Mutant(
        "O12", "null", "null takes no colour away",
        "Sources/TenantApp/Tenant/ChangeSettings.swift",
        "for (colour, value) in colours {", "for (colour, value) in colours where value != nil || !MUTANT {",
        "OperatorTests/OrderTests.swift"),
    # O13
    Mutant(
        "O13", "owners", "an operator sees and ends the owner's sessions", SESSIONS,
        "Bool { !call.known.role.isOwner }", "Bool { !MUTANT && !call.known.role.isOwner }",
        "Contract/sessions.py", "an operator neither sees nor ends"),
    Mutant(
        "O13", "anothers", "whoever is signed in ends another's session", SESSIONS,
        "case .account(let id): key.accountID == id", "case .account(let id): key.accountID == id || MUTANT",
        "Contract/sessions.py", "another's session"),
    Mutant(
        "O13", "own-too", "ending all others ends the present one",
        "Sources/TenantApp/Keys/EndSessions.swift",
        "open.filter { $0.id != but }", "open.filter { $0.id != but || MUTANT }",
        "Contract/sessions.py", "the holder ends one session"),
]
