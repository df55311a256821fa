"""The reseller's portal and what it is read from (U3)."""

from table import Mutant

PAGES = "Sources/Pages/Portal"
OVERVIEW = "Sources/TenantApp/Reports/Overviews.swift"
TESTS = "Contract/portal.py"

MUTANTS = [
    Mutant(
        "U6", "bare", "a call's page leaves its parameters out", "Sources/Pages/Reference/Reference.swift",
        "if parameters.isEmpty { return nil }", "if MUTANT || parameters.isEmpty { return nil }",
        "Contract/reference.py", "has a page"),
    Mutant(
        "U3", "orders-unasked", "the first form of an order orders at once", f"{PAGES}/PortalOrderPages.swift",
        'view.form("POST /orders/quote") {', 'view.form(MUTANT ? "POST /orders" : "POST /orders/quote") {',
        TESTS, "asks for its price first"),
    Mutant(
        "U3", "twice", "a form that is sent twice orders twice", "Sources/PageKit/Acting/FormCall.swift",
        "if let once = form[.once], served.route.takesIdempotencyKey {",
        "if let once = form[.once].map({ MUTANT ? \"\\($0)-\\(pairs.count)-\\(visit.call.requestID.text)\" : $0 }),\n"
        "            served.route.takesIdempotencyKey {",
        TESTS, "once, however often"),
    Mutant(
        "W6", "anothers-units", "holdings show another reseller's units", OVERVIEW,
        ".integer(resellerID), .book(book), .integer(id), .int(limit)",
        ".integer(MUTANT ? 1 : resellerID), .book(book), .integer(id), .int(limit)", TESTS, "/holdings has"),
    Mutant(
        "U3", "spent", "what was not counted yet is not spent", OVERVIEW,
        "total.add(uncounted[day] ?? DayTotal())", "total.add(MUTANT ? DayTotal() : uncounted[day] ?? DayTotal())",
        TESTS, "the dashboard has the balance"),
    Mutant(
        "U3", "buttons", "buttons are there that their reader may not press", "Sources/PageKit/Reading/Visit.swift",
        "(try? expects(method, path, of: api)) != nil", "MUTANT || (try? expects(method, path, of: api)) != nil",
        TESTS, "while suspended"),
]
