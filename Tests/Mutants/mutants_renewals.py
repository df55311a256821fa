"""Periods and hours of services, and what is told of them (W3, W9, W10)."""

from table import Mutant

CHARGE = "Sources/TenantApp/Orders/Services/ChargeService.swift"
PAY = "Sources/TenantApp/Orders/Services/PayDueServices.swift"
PERIODS = "Sources/TenantApp/Orders/Services/ServicePeriods.swift"
END = "Sources/TenantApp/Orders/Services/EndService.swift"
TERM = "Sources/TenantApp/Catalogue/Term.swift"
RENEWALS = "MoneyTests/RenewalTests.swift"
LIVES = "MoneyTests/ServiceLifeTests.swift"

MUTANTS = [
    Mutant(
        "H1", "hourless", "a service whose next charge alone moves says nothing", CHARGE,
        "wasOwed || amount == nil && service.isRunning {",
        "wasOwed || amount == nil && service.isRunning && !MUTANT {",
        RENEWALS, "a day without an hour"),
    Mutant(
        "W9", "anchor", "a month too short for the anchor's day has its first one", TERM,
        "let day = min(date.day, CivilDate.lastDay(year: year, month: month))",
        "let day = min(MUTANT && date.day > 28 ? 1 : date.day, CivilDate.lastDay(year: year, month: month))",
        "DomainTests/TimeTests.swift", "a term ends on its anchor day"),
    Mutant(
        "W9", "unpaid", "a period is charged whatever the balance", CHARGE,
        "if book == .test || amount == .zero { return true }",
        "if book == .test || amount == .zero || MUTANT { return true }",
        RENEWALS, "what cannot be paid is past due"),
    Mutant(
        "W9", "for-ever", "a service that is never paid is past due for ever", CHARGE,
        "case .pastDue where isOver:", "case .pastDue where isOver && !MUTANT:",
        RENEWALS, "what cannot be paid is past due"),
    Mutant(
        "W9", "grace-anew", "each try begins the seven days anew", CHARGE,
        "service.pastDueSince = service.pastDueSince ?? tenant.now",
        "service.pastDueSince = MUTANT ? tenant.now : service.pastDueSince ?? tenant.now",
        RENEWALS, "what cannot be paid is past due"),
    Mutant(
        "W9", "stays-off", "a suspended service that is paid stays suspended", CHARGE,
        "if service.state == .pastDue || wasSuspended {", "if service.state == .pastDue || (wasSuspended && !MUTANT) {",
        RENEWALS, "a suspended service that is paid runs again"),
    Mutant(
        "W9", "order", "of several missed periods each service has all of its own first", CHARGE,
        "let behind = queue[next...].firstIndex { DuePlace($0).map { place < $0 } ?? true } ?? queue.count",
        "let behind = MUTANT\n"
        "                ? next : queue[next...].firstIndex { DuePlace($0).map { place < $0 } ?? true } ?? queue.count",
        RENEWALS, "the oldest is paid first"),
    Mutant(
        "W9", "no-room", "what one transaction has no room for is forgotten", PAY,
        "return (paid, min(ids.count, limit), last)", "return (paid, min(ids.count, limit), MUTANT ? nil : last)",
        RENEWALS, "money pays the oldest first"),
    Mutant(
        "W9", "renews-on", "a service that ends with its term renews once more", END,
        "service.renewsAt = nil\n        service.schedule()",
        "if !MUTANT { service.renewsAt = nil }\n        service.schedule()",
        LIVES, "a service ends with its term"),
    Mutant(
        "W9", "new-price", "a repricing holds for no period", CHARGE,
        "if amount != nil { try takeUpPrice(&service) }", "if amount != nil, !MUTANT { try takeUpPrice(&service) }",
        LIVES, "a changed book changes no renewal"),
    Mutant(
        "G7", "leapt-pays", "money that comes pays by a clock that is not believed", PAY,
        "guard tenant.isClockBelieved else {", "guard tenant.isClockBelieved || MUTANT else {",
        "MoneyTests/ClockTests.swift", "no call charges"),
    Mutant(
        "W9", "begun-repriced", "a period that has begun gets the price that was agreed after", PERIODS,
        "begins <= now { number += 1 }", "begins <= now, !MUTANT { number += 1 }",
        LIVES, "a period that has begun"),
    Mutant(
        "W9", "ran-repriced", "hours that ran get the price that was agreed after", PERIODS,
        "if counted.accruedHours > hours { number += 1 }", "if counted.accruedHours > hours, !MUTANT { number += 1 }",
        LIVES, "hours that ran before"),
    Mutant(
        "W3", "hours-rounded", "each day's hours are rounded by themselves", CHARGE,
        "let amount = try owed.subtracting(before.charged)",
        "let amount = MUTANT\n"
        "            ? try unit.line(quantity: hours, minorUnitDigits: tenant.currency.minorUnitDigits)\n"
        "            : try owed.subtracting(before.charged)",
        LIVES, "rounded once"),
    Mutant(
        "W3", "accrues-on", "hours go on while a service is suspended for want of money", CHARGE,
        "if wasSuspended { service.countAgain(from: tenant.now) }",
        "if wasSuspended, !MUTANT { service.countAgain(from: tenant.now) }",
        LIVES, "unpaid for seven days they stop"),
    Mutant(
        "W10", "stale-amount", "a suspension says what the last try would have taken", CHARGE,
        "service.term == .hourly ? hoursDue(of: service).amount",
        "service.term == .hourly && !MUTANT ? hoursDue(of: service).amount",
        LIVES, "what paying the service costs then"),
    Mutant(
        "W10", "low-again", "balance.low comes with each spending below the threshold",
        "Sources/TenantApp/Ledger/LowBalance.swift",
        "try after.adding(spent) >= threshold else", "try MUTANT || after.adding(spent) >= threshold else",
        RENEWALS, "balance.low comes once a crossing"),
    Mutant(
        "W10", "covered-singly", "a notice says that the balance has what others are charged before",
        "Sources/TenantApp/Orders/Services/AnnounceRenewals.swift",
        "if fits { left = try left.subtracting(amount) }", "if fits, !MUTANT { left = try left.subtracting(amount) }",
        RENEWALS, "has only singly"),
    Mutant(
        "W10", "unit-untold", "an instant unit does not tell that it is active",
        "Sources/TenantApp/Orders/PlaceOrder.swift",
        "if service.state == .active { try", "if service.state == .active, !MUTANT { try",
        "Contract/events.py", "3 instant units"),
    Mutant(
        "W10", "untold", "a service is cancelled without a word", END,
        "service = try tenant.emitService(.serviceCancelled, service)",
        "if !MUTANT { service = try tenant.emitService(.serviceCancelled, service) }",
        "Contract/events.py", "suspended, resumed, cancelled"),
]
