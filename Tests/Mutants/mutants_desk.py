"""What the operator's desk reads and offers (U2)."""

from table import Mutant

MUTANTS = [
    Mutant(
        "U2", "steps", "a new tenant's reseller counts before it is approved",
        "Sources/TenantApp/Tenant/FirstSteps.swift",
        "reseller WHERE state = \\(ResellerState.active.rawValue))",
        "reseller WHERE state = \\(ResellerState.active.rawValue) OR \\(MUTANT ? 1 : 0))",
        "Contract/overview.py", "done one by one"),
    Mutant(
        "O3", "list-book", "the list of resellers has the live balance, whichever book is asked for",
        "Sources/TenantApp/Resellers/OperatorAdmin+Resellers.swift",
        "balances: try balances(of: reseller, book: book),",
        "balances: try balances(of: reseller, book: MUTANT ? .live : book),",
        "Contract/overview.py", "of the book that is asked for"),
    Mutant(
        "O6", "totals", "sums of calls leave out the last line of each stretch",
        "Sources/TenantApp/Audit/UsageFilter.swift",
        "found.rows.forEach(use)", "(MUTANT ? found.rows.dropLast() : found.rows[...]).forEach(use)",
        "Contract/overview.py", "sums of hours are those of the rows"),
    Mutant(
        "O6", "between-stretches", "the row with which a stretch of counts ends is in none",
        "Sources/TenantApp/Audit/UsageStretches.swift",
        "AND (\\(place)) >= (?5, ?6, ?7, ?8)", "AND (\\(place)) \\(MUTANT ? \">\" : \">=\") (?5, ?6, ?7, ?8)",
        "Contract/usage.py", "added up and grouped alike"),
    Mutant(
        "O6", "changes", "changes alone have refusals and reads among them",
        "Sources/TenantApp/Audit/AuditSearch.swift",
        "filter.changesAlone = changesAlone", "filter.changesAlone = changesAlone && !MUTANT",
        "Contract/overview.py", "leaves out reads and refusals"),
    Mutant(
        "O11", "find", "a search for customers finds all of them",
        "Sources/TenantApp/Orders/Customers/OperatorAdmin+Customers.swift",
        "let text = try query.search()", "let text = MUTANT ? nil : try query.search()",
        "Contract/overview.py", "how an id, an external id or an address begins"),
    Mutant(
        "U2", "count", "the navigation counts nobody who waits", "Sources/Gateway/PageSurfaces.swift",
        "\"/resellers\": Int(pending)", "\"/resellers\": MUTANT ? 0 : Int(pending)",
        "Contract/desk.py", "the navigation counts them"),
    Mutant(
        "U2", "lone-find", "a search that finds one thing lists it", "Sources/Pages/Admin/AdminSearchPages.swift",
        "if finds.count == 1 {", "if finds.count == 1, !MUTANT {", "Contract/desk.py", "to its page"),
    Mutant(
        "O6", "watched", "a meter that somebody watches is recorded each second",
        "Sources/Gateway/Pipeline+Records.swift",
        "if let watched, tenant.watchedReads.has(watched, at: now) {",
        "if let watched, !MUTANT, tenant.watchedReads.has(watched, at: now) {", "Contract/refusedpages.py",
        "recorded once a minute"),
    Mutant(
        "O6", "watched-refusal", "what a meter is refused is recorded once a minute",
        "Sources/Gateway/Pipeline+Records.swift",
        "guard routed.route.isWatched, status == 200,", "guard routed.route.isWatched, MUTANT || status == 200,",
        "Contract/refusedpages.py", "recorded each time"),
    Mutant(
        "U3", "first-hundred", "what stands behind the first hundred is chosen from them",
        "Sources/PageKit/Acting/View+Forms.swift", "isWhole ? .select(options) : .text",
        "isWhole || MUTANT ? .select(options) : .text", "Contract/longlists.py", "behind the first hundred"),
    Mutant(
        "O12", "unrefunded", "the dashboard's turnover is what was sold, whatever was given back",
        "Sources/Pages/Admin/AdminDashboardPages.swift", '($0["period"], $0["turnover"])',
        '($0["period"], $0[MUTANT ? "captures" : "turnover"])', "Contract/askedonce.py", "less what was given back"),
    Mutant(
        "O4", "nameless", "a review of prices has bare ids", "Sources/Pages/Admin/Listing.swift",
        "{ names[id] ?? id }", "{ MUTANT ? id : names[id] ?? id }", "Contract/askedonce.py", "says whose they are"),
    Mutant(
        "U5", "at-once", "a page that asks once more is not shown",
        "Sources/Pages/Admin/Catalogue/ItemStockPages.swift",
        "if mayWrite, let item = list", "if mayWrite, !MUTANT, let item = list", "Contract/askedonce.py",
        "is not taken away by one press"),
]
