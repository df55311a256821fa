"""Searches, look-ups, refunds, top-ups and analytics (O10, W4, W6, X4)."""

from table import Mutant

SEARCH = "Sources/TenantApp/Orders/OrderSearches.swift"
ASKED = "Sources/TenantApp/Orders/AskedOrders.swift"
REFUND = "Sources/TenantApp/Orders/Refunds/RefundOrder.swift"
REFUNDS = "Sources/TenantApp/Orders/Refunds/Refunds.swift"
SALES = "Sources/TenantApp/Ports/PortSales.swift"
BODIES = "Sources/TenantApp/Payments/PaymentBodies.swift"
SEARCH_TESTS = "OperatorTests/SearchTests.swift"
REFUND_TESTS = "MoneyTests/RefundTests.swift"

MUTANTS = [
    # Searches
    Mutant(
        "O10", "unbounded-step", "a step of a search looks at every row", SEARCH,
        "query.go(along: base, book: filter.book, below: place, from: beginning, limit: Self.rowsMax)",
        "query.go(\n            along: base, book: filter.book, below: place, from: beginning,\n"
        "            limit: MUTANT ? Int(Int32.max) : Self.rowsMax)",
        SEARCH_TESTS, "no more than 1,000 rows"),
    Mutant(
        "O10", "slack", "a clock that was set back hides orders from a period", SEARCH,
        "private static let slackSeconds: Int64 = 600", "private static let slackSeconds: Int64 = MUTANT ? 0 : 600",
        SEARCH_TESTS, "the clock was set back"),
    Mutant(
        "O10", "q-case", "a search tells capitals from small letters", SEARCH,
        'var columns = ["o.public_id", "o.reference_folded", "c.external_folded", "c.email"]',
        'var columns = ["o.public_id", MUTANT ? "o.reference" : "o.reference_folded", "c.external_folded", "c.email"]',
        "Contract/searches.py", "q finds the beginning"),
    Mutant(
        "O10", "to-counts", "the end of a period counts", SEARCH,
        'rules.append("o.created_at < \\(bind(.time(to)))")',
        'rules.append("o.created_at \\(MUTANT ? "<=" : "<") \\(bind(.time(to)))")',
        "Contract/searches.py", "from counts and to does not"),
    Mutant(
        "W6", "own-product", "a reseller's orders of a product are all of its orders", ASKED,
        "filter.productID = try product.map", "filter.productID = try (MUTANT ? nil : product).map",
        "Contract/searches.py", "narrows its orders and services"),
    Mutant(
        "W6", "anothers-order", "a reseller finds the services of another's order", ASKED,
        "publicID: id, resellerID: resellerID, book: book)",
        "publicID: id, resellerID: MUTANT ? nil : resellerID, book: book)",
        "Contract/searches.py", "another's order is 404"),
    Mutant(
        "W6", "old-key", "an order is lost to its key when its stored answer is gone", SEARCH,
        "let oldest = tenant.now.adding(days: -TenantReader.idempotencyDays)",
        "let oldest = tenant.now.adding(days: -TenantReader.idempotencyDays * (MUTANT ? 2 : 1))",
        "Contract/searches.py", "when its stored answer is gone"),
    Mutant(
        "W4", "reference", "an order forgets its reference", "Sources/TenantApp/Orders/PlaceOrder.swift",
        "reference: request.reference)", "reference: MUTANT ? nil : request.reference)",
        "Contract/searches.py", "finds its own orders by reference"),
    # Refunds
    Mutant(
        "O10", "refund-over", "more is paid back than was taken", REFUND,
        "guard request.amount <= rest else {", "guard request.amount <= rest || MUTANT else {",
        REFUND_TESTS, "no sequence of refunds"),
    Mutant(
        "O10", "refund-wholes", "a period's refunds are bounded by the order alone", REFUNDS,
        "if period != nil { wholes.append(self) }", "if period != nil && !MUTANT { wholes.append(self) }",
        REFUND_TESTS, "a refund names a period"),
    Mutant(
        "O10", "refund-dues", "a refund pays nothing that is due", REFUND,
        "let paid = try PayDueServices.run(", "let paid = try MUTANT ? [] : PayDueServices.run(",
        REFUND_TESTS, "a refund resumes"),
    Mutant(
        "W13", "refused-dues", "what comes back of a unit that was refused pays nothing that is due",
        "Sources/TenantApp/Orders/Units/TakeProvisioningAnswer.swift",
        "if case .refused = outcome {", "if case .refused = outcome, !MUTANT {",
        "MoneyTests/VoidTests.swift", "what comes back"),
    Mutant(
        "W13", "unit-proof", "verify does not see that what is active is to be ended",
        "Sources/TenantApp/Orders/Units/UnitCheck.swift",
        'case "pending", "active", "past_due": wanted == "active"',
        'case "pending", "active", "past_due": wanted == "active" || MUTANT',
        "MoneyTests/UnitTamperingTests.swift", "of a unit is found out and named"),
    Mutant(
        "O10", "refund-pending", "a pending order is refunded", REFUND,
        "guard order.state != .pending else", "guard order.state != .pending || MUTANT else",
        "Contract/refunds.py", "a pending order is 409"),
    Mutant(
        "O10", "refund-test-key", "a test key refunds live orders", REFUND,
        "try callerBook.judgeWrite(to: order.book)", "if !MUTANT { try callerBook.judgeWrite(to: order.book) }",
        "Contract/refunds.py", "a key of mode test refunds test orders alone"),
    Mutant(
        "O10", "refund-proof", "verify does not see that more was paid back than was taken",
        "Sources/TenantApp/Orders/Refunds/RefundCheck.swift",
        "guard back > taken else { continue }", "guard back > taken, !MUTANT else { continue }",
        REFUND_TESTS, "is found out and named"),
    # Top-ups and analytics
    Mutant(
        "W6", "anothers-topup", "a reseller reads another's top-up", BODIES,
        "payment.resellerID == resellerID, payment.book == book",
        "payment.resellerID == resellerID || MUTANT, payment.book == book",
        "Contract/topups.py", "its own reseller's and book's"),
    Mutant(
        "X4", "renewals", "renewals are left out of what ports came to", SALES,
        "renewalsAfter = try add(Self.renewed,", "renewalsAfter = try MUTANT ? nil : add(Self.renewed,",
        "Contract/analytics.py", "those of the ports and renewals"),
    Mutant(
        "X4", "all-resellers", "a seller's margin has other sellers' ports in it", SALES,
        "statement, .integer(resellerID), .book(book), .time(place.at),",
        "statement, .integer(MUTANT ? 2 : resellerID), .book(book), .time(place.at),",
        "Contract/analytics.py", "nothing sold"),
    Mutant(
        "X4", "same-instant", "of ports of one instant those of the next step are left out", SALES,
        "(created_at, id) > (?3, ?4)", "\\(MUTANT ? \"created_at > ?3 + 0 * ?4\" : \"(created_at, id) > (?3, ?4)\")",
        "PortTests/PortSalesTests.swift", "goes on"),
]
