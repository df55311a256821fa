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
        "U3", "orders-unasked", "the first form of an order asks for no price", f"{PAGES}/PortalOrderPages.swift",
        'view.link("/orders/quote"), keeping:', 'view.link(MUTANT ? "/orders" : "/orders/quote"), keeping:',
        TESTS, "asks for its price first"),
    Mutant(
        "U3", "dearer", "a form pays whatever the price has become", "Sources/PageKit/Page.swift",
        "now != total else { return nil }", "now != total, !MUTANT else { return nil }",
        "Contract/portalmoney.py", "an order is not made at another price"),
    Mutant(
        "U3", "untrue", "a form that paid is told that nothing was done", "Sources/PageKit/Page.swift",
        "if try call.wasAnswered(to: visit.call.caller, reader) { return nil }",
        "if try call.wasAnswered(to: visit.call.caller, reader), !MUTANT { return nil }",
        "Contract/portalmoney.py", "an order is not made at another price"),
    Mutant(
        "U3", "unshown", "a new signing secret is kept from whoever asked for it",
        "Sources/TenantApp/Orders/WholesaleOrders+Account.swift",
        "secret: isShown ? secret : nil", "secret: isShown && !MUTANT ? secret : nil",
        "Contract/shownonce.py", "a reseller's form shows"),
    Mutant(
        "U3", "nowhere", "Test leads from the form of a live webhook to a refusal", "Sources/PageKit/Frame/Frame.swift",
        "if isOfOne, !visit.isTest { return nil }", "if isOfOne, !visit.isTest, !MUTANT { return nil }",
        TESTS, "where Test stands"),
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
        "X7", "lying-tab", "a page of the test book shows what is live", "Sources/PageKit/Reading/Visit.swift",
        "caller: isTest ? call.caller?.reading(.test) : call.caller",
        "caller: isTest && !MUTANT ? call.caller?.reading(.test) : call.caller",
        "Contract/portalbooks.py", "shows anything that is live"),
    Mutant(
        "U3", "unaffordable", "a button pays what the balance does not have", f"{PAGES}/PortalOrderPages.swift",
        "let pay: HTML? = costs.isCovered ?", "let pay: HTML? = costs.isCovered || MUTANT ?",
        "Contract/portalbooks.py", "has no button to pay it"),
    Mutant(
        "X7", "key-bound", "a walk through licences breaks at a key's rotation",
        "Sources/CallKit/Reading/CursorSeal.swift",
        "!Self.passing.contains($0.name)",
        "(!Self.passing.contains($0.name) || (MUTANT && $0.name == \"api_token\"))",
        "Contract/portalbooks.py", "another key of the same account"),
    Mutant(
        "X7", "other-book", "a code is found on the pages of the other book",
        "Sources/Pages/Admin/Sales/CodePages.swift",
        '(found["mode"] == "test") == view.visit.isTest', '(found["mode"] == "test") == view.visit.isTest || MUTANT',
        "Contract/portalbooks.py", "of its own book alone"),
    Mutant(
        "U3", "buttons", "buttons are there that their reader may not press", "Sources/PageKit/Reading/Visit.swift",
        "(try? judge(route(method, path, of: api))) != nil",
        "MUTANT || (try? judge(route(method, path, of: api))) != nil",
        TESTS, "while suspended"),
]
