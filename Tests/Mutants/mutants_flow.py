"""What operators see of orders, services and events, and do about them (O7, O10, H4, U2)."""

from table import Mutant

HOOKS = "Sources/TenantApp/Webhooks/"
ORDERS = "Sources/TenantApp/Orders/"
REPLAYS, DESK = "Contract/replays.py", "Contract/orderdesk.py"

MUTANTS = [
    Mutant(
        "H4", "progress", "a delivery does not know its replay", HOOKS + "Deliveries/ReplayDeliveries.swift",
        "tenant.replay(delivery, at: at, of: id)", "tenant.replay(delivery, at: at, of: MUTANT ? nil : id)",
        REPLAYS, "what fails again is counted"),
    Mutant(
        "O7", "counted", "a count before a replay counts one too many",
        HOOKS + "Deliveries/OperatorAdmin+Deliveries.swift",
        "try await replay.count(steps), in: currency", "try await replay.count(steps) + (MUTANT ? 1 : 0), in: currency",
        REPLAYS, "not counted"),
    Mutant(
        "O7", "recent", "enabling forgets what the last attempts came to", HOOKS + "Endpoints/EndpointHealths.swift",
        "health.recent = recent\n", "if !MUTANT { health.recent = recent }\n", "WebhookTests/EndpointTests.swift",
        "last attempts"),
    Mutant(
        "O10", "another's-end", "an operator takes back a reseller's own end", ORDERS + "Services/EndService.swift",
        "guard service.endedBy == cause else {", "guard service.endedBy == cause || MUTANT else {", DESK,
        "reseller's own end"),
    Mutant(
        "O10", "terminated-renews", "what a terminated reseller holds renews again",
        ORDERS + "Services/TakeBackEnd.swift",
        "guard reseller.state != .terminated else", "guard reseller.state != .terminated || MUTANT else", DESK,
        "terminated reseller"),
    Mutant(
        "O10", "share", "a unit that waits counts as captured", ORDERS + "OrderMoney.swift",
        "case .pending: .held\n", "case .pending: MUTANT ? .captured : .held\n", DESK, "what is held"),
    Mutant(
        "O10", "today", "today's price is the recorded one", ORDERS + "Services/ServiceCharges.swift",
        "service, termPrice: price,", "service, termPrice: MUTANT ? service.nextPrice : price,", DESK,
        "what it would cost today"),
    Mutant(
        "U2", "dialect", "pages of a dialect stand where the tenant has it not",
        "Sources/Pages/Admin/Sales/CreditPages.swift",
        "if !has(dialect: dialect) {", "if !has(dialect: dialect) && !MUTANT {", DESK, "tenant has none"),
]
