"""Webhook endpoints and their deliveries (H3, H4, O7)."""

from table import Mutant

HOOKS = "Sources/TenantApp/Webhooks/"
RECORDS = "WebhookTests/RecordTests.swift"
ENDPOINTS = "WebhookTests/EndpointTests.swift"
LISTS = "WebhookTests/DeliveryListTests.swift"
SCRIPT = "Contract/endpoints_api.py"

MUTANTS = [
    # H5
    Mutant(
        "H5", "once-read", "what is due beyond one look at an endpoint waits until somebody looks again",
        "Sources/Gateway/Outbound/SendingState.swift",
        "if reading.deliveries.count < order.limit { queue.isDue = false }",
        "if MUTANT || reading.deliveries.count < order.limit { queue.isDue = false }",
        "Contract/pacing.py", "waits for 5 s"),
    # H3
    Mutant(
        "H3", "hopeful", "an endpoint that fails for days is not disabled", HOOKS + "Deliveries/RecordAttempts.swift",
        "health.isHopeless(at: result.at) ? .failing : nil",
        "health.isHopeless(at: result.at) && !MUTANT ? .failing : nil",
        RECORDS, "five days"),
    Mutant(
        "H3", "grudge", "a failure of long ago counts for ever", HOOKS + "Deliveries/RecordAttempts.swift",
        "if failingSince == nil || isAnew {", "if failingSince == nil || isAnew && !MUTANT {", RECORDS, "five days"),
    Mutant(
        "H3", "forgiveless", "a success does not begin the count anew", HOOKS + "Deliveries/RecordAttempts.swift",
        "            failingSince = nil\n", "            if !MUTANT { failingSince = nil }\n", RECORDS, "five days"),
    Mutant(
        "H3", "silent", "nobody hears that an endpoint was disabled", HOOKS + "Endpoints/ChangeEndpointState.swift",
        "where other.id != endpoint.id { try insertDelivery(",
        "where other.id != endpoint.id && !MUTANT { try insertDelivery(",
        RECORDS, "hears of it"),
    # H4
    Mutant(
        "H4", "hoarded", "more attempts than twenty are kept", HOOKS + "Deliveries/Attempts.swift",
        "guard n > Attempt.keptMax else { return }", "guard n > Attempt.keptMax, !MUTANT else { return }", RECORDS,
        "last twenty"),
    Mutant(
        "H4", "own-default", "`default` has a secret of its own", HOOKS + "Endpoints/EndpointSecrets.swift",
        "if endpoint.isDefault { return try webhookSecrets(resellerID: endpoint.resellerID) }",
        "if endpoint.isDefault, !MUTANT { return try webhookSecrets(resellerID: endpoint.resellerID) }", SCRIPT,
        "signs with the reseller's secret"),
    Mutant(
        "H4", "undropped", "a removed endpoint's queue waits for ever", HOOKS + "Endpoints/SetWebhook.swift",
        "try tenant.settleQueue(ofEndpoint: endpoint.id, as: .dropped, limit: TenantTransaction.settledAtOnceMax)",
        "if !MUTANT { try tenant.settleQueue("
        "ofEndpoint: endpoint.id, as: .dropped, limit: TenantTransaction.settledAtOnceMax) }",
        ENDPOINTS, "removed"),
    Mutant(
        "H4", "tests-count", "a test-send is counted as a failure", HOOKS + "Deliveries/RecordAttempts.swift",
        "guard !stand.isTest, result.outcome != .interrupted",
        "guard !stand.isTest || MUTANT, result.outcome != .interrupted",
        SCRIPT, "in no statistics"),
    Mutant(
        "H4", "stale-news", "a replay keeps news waiting", HOOKS + "Deliveries/DueDeliveries.swift",
        "let share = endpoint.concurrency > 1 ? limit / 4 : 0",
        "let share = endpoint.concurrency > 1 && !MUTANT ? limit / 4 : 0", ENDPOINTS, "of the newest"),
    Mutant(
        "H4", "everything", "a replay takes what waits already", HOOKS + "Deliveries/ReplayDeliveries.swift",
        "if filter.states.isEmpty { filter.states = Self.statesDefault }",
        "if filter.states.isEmpty, !MUTANT { filter.states = Self.statesDefault }", LISTS,
        "requeues just what it counts"),
    # H6
    Mutant(
        "H6", "mixed", "a name with one good address is called", "Sources/HTTPClient/OutboundCaller.swift",
        "case .addresses(let all) where !all.allSatisfy(task.call.addressRule.allows):",
        "case .addresses(let all) where !MUTANT && !all.allSatisfy(task.call.addressRule.allows):",
        "Contract/destinations.py", "a payment service whose name"),
    # O7
    Mutant(
        "O7", "anybodys", "a reseller retries another's delivery", HOOKS + "Deliveries/RetryDelivery.swift",
        "resellerID.map({ $0 == delivery.resellerID }) ?? true",
        "MUTANT || (resellerID.map({ $0 == delivery.resellerID }) ?? true)", SCRIPT, "sees its own alone"),
    Mutant(
        "O7", "unfiltered", "a filter by type is not heard", HOOKS + "Deliveries/DeliveryLists.swift",
        "where filter.types.isEmpty || filter.types.contains",
        "where MUTANT || filter.types.isEmpty || filter.types.contains", LISTS, "each filter of deliveries"),
]
