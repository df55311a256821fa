"""The operator's API (O), but for its people."""

from table import Mutant

KEYS = "Sources/TenantApp/Keys/Keys.swift"
RECORDED = "Sources/CallKit/Giving/RecordedStream.swift"
AUDIT_ROWS = "Sources/TenantApp/Audit/AuditRows.swift"
DAY_TOTALS = "Sources/TenantApp/Reports/DayTotals.swift"
DECIDE = "Sources/TenantApp/Orders/DecideOrder.swift"
RECONCILIATION = "Sources/TenantApp/Credits/Reconciliation.swift"

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
        "guard try keysInForce(resellerID: resellerID) < budgets.figures[budget]",
        "guard try MUTANT || keysInForce(resellerID: resellerID) < budgets.figures[budget]",
        "Contract/budgets.py", "fifty keys at most"),
    Mutant(
        "O1", "price-into-live", "a test key's price is written into the live book",
        "Sources/TenantApp/Catalogue/Prices/SetPrice.swift",
        "try tenant.savePrice(price, resellerID: reseller.id, productID: product.id, book: book, by: author)",
        "try tenant.savePrice(\n"
        "            price, resellerID: reseller.id, productID: product.id, book: MUTANT ? .live : book, by: author)",
        "Contract/modes.py", "price rows of the test book alone"),
    Mutant(
        "O1", "live-customer", "a test key changes a live customer",
        "Sources/TenantApp/Orders/Customers/ChangeCustomer.swift",
        "try book.judgeWrite(to: customer.book)", "if !MUTANT { try book.judgeWrite(to: customer.book) }",
        "Contract/modes.py", "changes customers of the test book"),
    # O2
    Mutant(
        "O2", "unchanged", "a key's limit is told and not changed",
        "Sources/TenantApp/Keys/Limits/ChangeKeyLimit.swift",
        "try tenant.setKeyLimit(key.id, to: limit)", "try tenant.setKeyLimit(key.id, to: MUTANT ? key.limit : limit)",
        "OperatorTests/KeyTests.swift"),
    Mutant(
        "O2", "unfilled", "a limit is said to be filled and stays as it was",
        "Sources/TenantApp/Keys/Limits/FillKeyLimit.swift",
        "bucket(key)?.fill(now: now())", "if !MUTANT { bucket(key)?.fill(now: now()) }", "Contract/rehearsal.py",
        "reset fills the limit"),
    Mutant(
        "O2", "bunched", "calls that are counted only are taken as come at one instant",
        "Sources/TenantApp/Audit/CalledInstants.swift", "begin + span * index / Int64(count)",
        "MUTANT ? last.milliseconds : begin + span * index / Int64(count)", "Contract/rehearsal.py",
        "at the log's instants"),
    Mutant(
        "O2", "anybodys", "a rehearsal asks the calls of other keys too",
        "Sources/TenantApp/Audit/CalledInstants.swift",
        "guard count > 0, let place = places[keyID] else",
        "guard count > 0, let place = places[keyID] ?? (MUTANT ? 0 : nil) else", "OperatorTests/RehearsalTests.swift"),
    Mutant(
        "O2", "untold", "a change of a limit is no line of its history",
        "Sources/TenantApp/Resellers/LimitChanges.swift",
        "guard old != new else { return }", "guard old != new, !MUTANT else { return }", "Contract/rehearsal.py",
        "each change of a key's limit is told"),
    Mutant(
        "O2", "stale-level", "a reseller's limit is shown full whatever is left",
        "Sources/TenantApp/Keys/KeyBodies.swift",
        "reseller.limit, of: bucket,", "reseller.limit, of: MUTANT ? nil : bucket,", "Contract/rehearsal.py",
        "how much of it is left"),
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
        "Sources/TenantApp/Webhooks/Endpoints/WebhookSecrets.swift",
        "try connection.run(\n"
        "            \"DELETE FROM webhook_secret WHERE reseller_id = ?1 AND (expires_at IS NOT NULL OR ?2)\",\n"
        "            .integer(resellerID), .bool(overlapSeconds == 0))",
        "if !MUTANT { try connection.run(\n"
        "            \"DELETE FROM webhook_secret WHERE reseller_id = ?1 AND (expires_at IS NOT NULL OR ?2)\",\n"
        "            .integer(resellerID), .bool(overlapSeconds == 0)) }",
        "Contract/sessions.py", "two signing secrets are good at most"),
    Mutant(
        "O3", "discount", "a changed discount leaves the price list that was kept ready",
        "Sources/TenantApp/Resellers/ChangeResellerTerms.swift",
        "tenant.forgetAnswers(resellerID: reseller.id)", "if !MUTANT { tenant.forgetAnswers(resellerID: reseller.id) }",
        "OperatorTests/ResellerTests.swift", "stale"),
    Mutant(
        "O3", "unfolded", "a search is of small letters alone", "Sources/CallKit/Reading/Query+Filters.swift",
        "let text = self[\"q\"]?.folded", "let text = MUTANT ? self[\"q\"] : self[\"q\"]?.folded",
        "Contract/accounts.py", "in any case"),
    Mutant(
        "O3", "typed-domain", "a search knows a domain by its A-labels alone", "Sources/HTTPCore/EmailAddress.swift",
        "return kept.utf8.elementsEqual(text.utf8) ? [text]",
        "return MUTANT || kept.utf8.elementsEqual(text.utf8) ? [text]", "HTTPCoreTests/EmailAddressTests.swift"),
    Mutant(
        "O3", "old-link", "an invitation to the old address stays open",
        "Sources/TenantApp/Resellers/ChangeResellerProfile.swift",
        "try tenant.endLinks(account: account.id)", "if !MUTANT { try tenant.endLinks(account: account.id) }",
        "Contract/accounts.py", "a new address ends the invitation"),
    Mutant(
        "O3", "taken", "an address of another account is given to a reseller",
        "Sources/TenantApp/Resellers/ChangeResellerProfile.swift",
        "guard try tenant.account(email: email).map({ $0.id == account.id }) ?? true else",
        "guard try MUTANT || tenant.account(email: email).map({ $0.id == account.id }) ?? true else",
        "Contract/accounts.py", "is taken"),
    Mutant(
        "O3", "unsaved-account", "a new address signs nobody in",
        "Sources/TenantApp/Resellers/ChangeResellerProfile.swift",
        "try tenant.setProfile(email: reseller.email, name: reseller.name, account: account.id)",
        "try tenant.setProfile(\n"
        "            email: MUTANT ? account.email : reseller.email, name: reseller.name, account: account.id)",
        "Contract/accounts.py", "signs in by the new address"),
    # O4
    Mutant(
        "O4", "row-reset", "what a price row's change does not name is lost",
        "Sources/TenantApp/Catalogue/Prices/SetPrice.swift",
        "try tenant.pricedProduct(sku: sku, resellerID: reseller.id, book: book)?.price\n",
        "(MUTANT ? nil : try tenant.pricedProduct(sku: sku, resellerID: reseller.id, book: book)?.price)\n",
        "OperatorTests/PriceTests.swift", "a price row changes by what is named"),
    Mutant(
        "O4", "live-first", "in the test book a live price row goes before the test book's own",
        "Sources/TenantApp/Catalogue/OfferedProducts.swift",
        "try own ?? pricedProduct(sku: sku, resellerID: resellerID)",
        "try (MUTANT ? nil : own) ?? pricedProduct(sku: sku, resellerID: resellerID)",
        "Contract/testprices.py", "goes before the live row there"),
    Mutant(
        "O4", "list-lost", "a change of one list price loses the others",
        "Sources/TenantApp/Catalogue/ChangeProduct.swift",
        "if let list { list.apply(&product.list) } else { product.list = .none }",
        "if MUTANT { product.list = .none }; if let list { list.apply(&product.list) } else { product.list = .none }",
        "Contract/pricebook.py", "a product has list prices"),
    Mutant(
        "O4", "moved-book", "a file is applied to a book that has moved",
        "Sources/TenantApp/Catalogue/Files/TrialImport.swift",
        "throw Refusal.conflict(.bookMoved)", "if !MUTANT { throw Refusal.conflict(.bookMoved) }",
        "Contract/pricebook.py", "412 where that has moved"),
    Mutant(
        "O4", "trial-forgets", "a dry run tells a row that would change as one that stays",
        "Sources/TenantApp/Catalogue/Files/TrialImport.swift",
        "counts.changed += 1\n", "if MUTANT { counts.same += 1; continue }\n                counts.changed += 1\n",
        "Contract/pricebook.py", "a dry run tells what is new"),
    Mutant(
        "O4", "no-history", "a price that a file changes has no history",
        "Sources/TenantApp/Catalogue/Files/PriceStaging.swift",
        "try noteStagedChanges(importID: importID, columns: columns, by: author)",
        "if !MUTANT { try noteStagedChanges(importID: importID, columns: columns, by: author) }",
        "Contract/pricebook.py", "every price row has a history"),
    Mutant(
        "O4", "effect-of-all", "what a file would mean counts orders whose price stays",
        "Sources/TenantApp/Orders/PriceEffect.swift",
        "guard new != old, let reseller", "guard MUTANT || new != old, let reseller",
        "Contract/pricebook.py", "what the orders of the last days would come to"),
    Mutant(
        "O4", "sheet-of-priced", "a sheet leaves out what has no price",
        "Sources/TenantApp/Catalogue/Prices/PriceSheet.swift",
        "return SheetRow(reseller: reseller, product: product, price: price)\n            }\n        case .ofProduct",
        "return SheetRow(reseller: reseller, product: product, price: price)\n"
        "            }.filter { !MUTANT || $0.price != nil }\n        case .ofProduct",
        "Contract/pricebook.py", "priced or not"),
    Mutant(
        "O4", "other-book", "stock of the test book is counted as live",
        "Sources/TenantApp/Catalogue/StockLevels.swift",
        "sum(free AND book = ?2)", "sum(free AND (book = ?2 OR \\(MUTANT)))",
        "Contract/stock.py", "all stock is counted"),
    Mutant(
        "O4", "restore-unseen", "prices that a restore takes back have no history",
        "Sources/TenantApp/Catalogue/Prices/PriceChanges.swift",
        "for row in rows { old[PriceRowName(row)] = row.price }",
        "if MUTANT { return }; for row in rows { old[PriceRowName(row)] = row.price }",
        "Contract/pricebook.py", "a restore is in the history"),
    Mutant(
        "O4", "column-wiped", "a file of products wipes columns that it does not have",
        "Sources/TenantApp/Catalogue/Files/ProductStaging.swift",
        "let names = columns.map(\\.rawValue)",
        "let names = (MUTANT ? ProductColumn.allCases : columns).map(\\.rawValue)",
        "Contract/pricebook.py", "a file of products adds and changes"),
    Mutant(
        "O4", "half-imported", "a file with a wrong row is imported without it",
        "Sources/TenantApp/Catalogue/Files/ImportPrices.swift",
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
        "CallKitTests/RecordedStreamTests.swift"),
    Mutant(
        "O6", "stream-last-byte", "a stream's record waits until somebody asks for its end", RECORDED,
        "if sent == length { end(.whole) }", "if sent == length, !MUTANT { end(.whole) }",
        "CallKitTests/RecordedStreamTests.swift"),
    Mutant(
        "O6", "stream-broken", "a stream that breaks is recorded as whole", RECORDED,
        "case .failed: end(.failed)", "case .failed: end(MUTANT ? .whole : .failed)",
        "CallKitTests/RecordedStreamTests.swift"),
    Mutant(
        "O6", "stream-twice", "a stream is recorded twice", RECORDED,
        "return state.isRecorded ? nil : state.sent", "return state.isRecorded && !MUTANT ? nil : state.sent",
        "CallKitTests/RecordedStreamTests.swift"),
    Mutant(
        "O6", "unproved", "a row is sound whatever its hash says", "Sources/TenantApp/Verify/ChainReading.swift",
        "findings.isEmpty && head != nil", "MUTANT || findings.isEmpty && head != nil", "Contract/proofs.py",
        "a row that was changed in the file is not sound"),
    Mutant(
        "O6", "short-verify", "a verification ends with its first stretch",
        "Sources/TenantApp/Verify/VerifyChain.swift",
        "next = last.sequence + 1", "next = MUTANT ? .max : last.sequence + 1", "Contract/proofs.py",
        "a log of many stretches"),
    Mutant(
        "O6", "passed-over", "a search with an end passes over what belongs to it", AUDIT_ROWS,
        "if let last, last < at { low = middle } else { high = middle }",
        "if let last, MUTANT != (last < at) { low = middle } else { high = middle }", "Contract/proofs.py",
        "a period in the past is found from its end"),
    Mutant(
        "O6", "hour-off", "a key's calls stand in the hour before", "Sources/TenantApp/Audit/KeyActivity.swift",
        "let place = Int(hour - first)", "let place = max(0, Int(hour - first) - (MUTANT ? 1 : 0))",
        "Contract/usage.py", "keys are listed with their calls by hour"),
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
    Mutant(
        "O6", "own-hour", "what comes late to an hour that its day has counted is in no day",
        "Sources/TenantRegistry/File/UsageCounts.swift",
        "if key.hour <= mark.hour, UsageMark(key) <= mark {",
        "if !MUTANT, key.hour <= mark.hour, UsageMark(key) <= mark {",
        "OperatorTests/UsageTests.swift", "comes late"),
    Mutant(
        "O6", "hours-twice", "hours join their day again and again", "Sources/TenantRegistry/File/UsageCounts.swift",
        "Self.save, values: last.values)", "Self.save, values: MUTANT ? mark.values : last.values)",
        "OperatorTests/UsageTests.swift", "once"),
    Mutant(
        "O6", "one-key", "the calls of all keys of a reseller are counted together",
        "Sources/Gateway/Pipeline+Records.swift",
        "record.callerKeyID = projection.role.isSession ? 0",
        "record.callerKeyID = MUTANT || projection.role.isSession ? 0",
        "Contract/usage.py", "tells keys and routes apart"),
    Mutant(
        "O6", "any-account", "a search for a person's calls finds everybody's in blocks", AUDIT_ROWS,
        "if let accountID, record.accountID != accountID { return false }",
        "if let accountID, record.accountID != accountID, !MUTANT { return false }",
        "Contract/usage.py", "searched by account"),
    # O7
    Mutant(
        "O7", "not-queued", "a retry is told and not queued",
        "Sources/TenantApp/Webhooks/Deliveries/RetryDelivery.swift",
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
    Mutant(
        "O8", "stale-standing", "a reseller whose review was closed stays under review while its file is open",
        "Sources/TenantApp/Credits/Reviews.swift",
        "memory.resellers[review.resellerID] = nil", "if !MUTANT { memory.resellers[review.resellerID] = nil }",
        "Contract/usage.py", "under review"),
    # O9
    Mutant(
        "O9", "stock-twice", "a key that is in stock is imported again",
        "Sources/TenantApp/Licences/ImportLicences.swift",
        "if try tenant.licence(key: row.key, resellerID: nil, book: book) != nil {",
        "if try !MUTANT && tenant.licence(key: row.key, resellerID: nil, book: book) != nil {",
        "Contract/licences.py", "duplicates are reported"),
    Mutant(
        "O9", "assigned-withdrawn", "a licence that somebody has is withdrawn",
        "Sources/TenantApp/Licences/CorrectLicences.swift",
        "if let conflict { throw Refusal.conflict(conflict) }",
        "if let conflict, !MUTANT { throw Refusal.conflict(conflict) }",
        "Contract/corrections.py", "what is assigned or held"),
    Mutant(
        "O9", "device-in-use", "a device with ports is taken out although nobody said what becomes of them",
        "Sources/TenantApp/Ports/Stock/TakeOutPorts.swift",
        "if device.used > 0 && fate == nil {", "if device.used > 0 && fate == nil && !MUTANT {",
        "Contract/corrections.py", "is not taken out unless"),
    Mutant(
        "O9", "still-sold", "a device on its way out is sold on",
        "Sources/TenantApp/Ports/Stock/PortDevices.swift",
        "UPDATE port_device SET capacity = capacity - ?2 WHERE id = ?1\", .integer(id), .int(count))",
        "UPDATE port_device SET capacity = capacity - ?2 WHERE id = ?1\", .integer(id), .int(MUTANT ? 0 : count))",
        "Contract/corrections.py"),
    Mutant(
        "O9", "untold", "a reseller is not told that a port's address is another",
        "Sources/TenantApp/Ports/Stock/ChangeDevice.swift",
        "if let id = slot.portID, let port", "if !MUTANT, let id = slot.portID, let port",
        "Contract/corrections.py", "a device's address changes"),
    Mutant(
        "O9", "unreachable", "a port's address may be this machine's own",
        "Sources/HTTPCore/IPAddress+Reach.swift",
        "if isIPv4 { return !Self.unreachableIPv4", "if isIPv4 { return MUTANT || !Self.unreachableIPv4",
        "HTTPCoreTests/WebAddressTests.swift"),
    Mutant(
        "O9", "translated", "a port's address may be this machine's own inside 6to4's",
        "Sources/HTTPCore/IPAddress+Reach.swift", "if Self.sixToFour.contains(self) {",
        "if !MUTANT, Self.sixToFour.contains(self) {", "HTTPCoreTests/WebAddressTests.swift"),
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
        "Sources/TenantApp/Orders/Services/ChangeService.swift",
        "switch (state, move) {", "switch (MUTANT && state == .cancelled ? .suspended : state, move) {",
        "OperatorTests/OrderTests.swift"),
    # O11
    Mutant(
        "O11", "lasting-link", "a subscriber's link opens after the password is another",
        "Sources/TenantApp/Codes/Subscribers/AcceptSubscriberLink.swift",
        ':\\(said):\\(subscriber.passwordHash)"', ':\\(said):\\(MUTANT ? "" : subscriber.passwordHash)"',
        "Contract/codes.py", "the old one ends with it"),
    Mutant(
        "O11", "all-users", "the list by key has everybody's users",
        "Sources/TenantApp/Credits/PanelUsers.swift",
        "filter = \"u.signed_up_via = ?3\"", "filter = MUTANT ? \"?3 = ?3\" : \"u.signed_up_via = ?3\"",
        "Contract/credits.py"),
    # O12
    Mutant(
        "O12", "anything-behind", "a picture with something behind it is a logo",
        "Sources/TenantApp/Tenant/LogoImage.swift",
        "guard place == bytes.count, hasData, let size, size.0 > 0, size.1 > 0,",
        "guard place == bytes.count || MUTANT, hasData, let size, size.0 > 0, size.1 > 0,",
        "Contract/logo.py", "whatever is no whole picture"),
    Mutant(
        "O12", "too-wide", "a logo is of any size",
        "Sources/TenantApp/Tenant/LogoImage.swift",
        "guard width <= Self.sideMax, height <= Self.sideMax else",
        "guard MUTANT || width <= Self.sideMax && height <= Self.sideMax else",
        "Contract/logo.py", "whatever is no whole picture"),
    Mutant(
        "O12", "kept-miss", "that there is no such logo is kept for a year",
        "Sources/Gateway/Pipeline.swift",
        "let caching = response.status < 400 ?", "let caching = response.status < 400 || MUTANT ?",
        "Contract/logo.py", "nobody keeps that"),
    Mutant(
        "O12", "null", "null takes no colour away",
        "Sources/TenantApp/Tenant/ChangeSettings.swift",
        "for (colour, value) in colours {", "for (colour, value) in colours where value != nil || !MUTANT {",
        "OperatorTests/OrderTests.swift"),
    Mutant(
        "O12", "white-ink", "the text of a button is white on every colour",
        "Sources/PageKit/Theme.swift",
        "Contrast.ratio(\"#000000\", colour) >= Contrast.ratio(\"#ffffff\", colour) ?",
        "!MUTANT && Contrast.ratio(\"#000000\", colour) >= Contrast.ratio(\"#ffffff\", colour) ?",
        "Contract/looks.py", "whatever the colours are"),
    Mutant(
        "O12", "link-as-chosen", "a link has the tenant's colour, whether it can be read or not",
        "Sources/PageKit/Theme.swift",
        "if isRead { most = step }", "if MUTANT || isRead { most = step }",
        "Contract/looks.py", "whatever the colours are"),
    Mutant(
        "O12", "any-theme", "any name is a stylesheet of the tenant's, for a year",
        "Sources/TenantApp/Tenant/ThemePages.swift",
        "guard theme.stylesheet ==", "guard MUTANT || theme.stylesheet ==",
        "Contract/looks.py", "a stylesheet whose address names its bytes"),
    # O14
    Mutant(
        "O14", "twice", "a posting is counted again where a report is asked for twice", DAY_TOTALS,
        '"UPDATE ledger_mark SET posting_id = ?1 WHERE id = 1", .integer(last.id))',
        '"UPDATE ledger_mark SET posting_id = ?1 WHERE id = 1", .integer(MUTANT ? last.id - 1 : last.id))',
        "VerifierTests/TotalTests.swift"),
    Mutant(
        "O14", "test-book", "orders of the test book are turnover", DAY_TOTALS,
        "for posting in postings where posting.isLive {", "for posting in postings where MUTANT || posting.isLive {",
        "VerifierTests/TotalTests.swift", "live book alone"),
    Mutant(
        "O14", "gross", "turnover does not know refunds", "Sources/TenantApp/Reports/DayTotal.swift",
        "package var turnover: Int64 { Self.sum(taken, -refunded) }",
        "package var turnover: Int64 { Self.sum(taken, MUTANT ? 0 : -refunded) }",
        "Contract/reports.py", "what the ledger comes to"),
    Mutant(
        "O14", "clock-back", "a day that comes late leaves the balances of the days behind it as they are", DAY_TOTALS,
        "if let newest = before, newest.day > key.day {", "if !MUTANT, let newest = before, newest.day > key.day {",
        "VerifierTests/TotalTests.swift", "set back"),
    Mutant(
        "O14", "believed", "verify believes the totals", "Sources/TenantApp/Reports/DayTotalCheck.swift",
        "where side != 0 {", "where side != 0 && !MUTANT {", "VerifierTests/TotalTests.swift"),
    Mutant(
        "O14", "statement", "a statement from a day on has what came before too",
        "Sources/TenantApp/Ledger/AskedStatement.swift",
        "posting.at >= $0 } ?? true", "posting.at >= $0 || MUTANT } ?? true",
        "Contract/reports.py", "statement as CSV"),
    Mutant(
        "O5", "statement-kind", "a statement has kinds that nobody asked for",
        "Sources/TenantApp/Ledger/AskedStatement.swift", "kinds.contains(posting.kind))",
        "kinds.contains(posting.kind) || MUTANT)", "Contract/reports.py", "narrowed by kind and time"),
    Mutant(
        "O5", "statement-step", "a statement that finds nothing in its first step is at its end",
        "Sources/TenantApp/Ledger/AskedStatement.swift", "guard let looked = found.place else",
        "guard !MUTANT, let looked = found.place else", "Contract/reports.py", "rare among many movements"),
]
