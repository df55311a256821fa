"""Files at rest (P2), forks and the past (B2)."""

from table import Mutant

FORK = "Sources/TenantApp/Tenant/Forks.swift"
FORKING = "Sources/TenantApp/Tenant/ForkTenant.swift"
PACKED = "Sources/TenantRegistry/File/PackedFile.swift"
PAST = "Sources/TenantRegistry/Past/Past.swift"
LOG_PAST = "Sources/Cluster/PostgresSchema+Past.swift"

MUTANTS = [
    Mutant(
        "P2", "rested", "the file of a tenant at rest is not packed", PACKED,
        "guard packed.count <= packedBytesMax else", "guard !MUTANT, packed.count <= packedBytesMax else",
        "Contract/resting.py", "at most 64 KiB"),
    Mutant(
        "P1", "older", "what is packed is taken for the tenant where its file lies", PACKED,
        "if DataDirectory.size(of: live) != nil {", "if !MUTANT, DataDirectory.size(of: live) != nil {",
        "TenantRegistryTests/RestTests.swift", "a kill at any step of packing"),
    Mutant(
        "B2", "key-kept", "the other's keys open the fork", FORK,
        'try connection.run("DELETE FROM api_key_secret")',
        'if !MUTANT { try connection.run("DELETE FROM api_key_secret") }',
        "Contract/forks.py", "no key, session or password"),
    Mutant(
        "B2", "payments", "a fork goes on taking payments", FORKING,
        "try tenant.endPaymentService(overlapSeconds: 0)",
        "if !MUTANT { try tenant.endPaymentService(overlapSeconds: 0) }",
        "Contract/forks.py", "nothing that was sealed"),
    Mutant(
        "B2", "stock", "an order in a fork gives a real code away", FORKING,
        "try tenant.replaceStockTexts()", "if !MUTANT { try tenant.replaceStockTexts() }",
        "Contract/forks.py", "no real code leaves it"),
    Mutant(
        "B2", "first", "a tenant's first moments are in no base", "Sources/TenantRegistry/Fleet/Fleet+Past.swift",
        "guard past != nil, let log, pastWork.hasRoomForCopy else { return nil }",
        "guard !MUTANT, past != nil, let log, pastWork.hasRoomForCopy else { return nil }",
        "GatewayTests/LaterTests.swift", "from its first moment"),
    Mutant(
        "B2", "moment", "a commit from after the moment is played in", "Sources/TenantRegistry/Past/PastPlaying.swift",
        "if frame.at > moment {", "if !MUTANT, frame.at > moment {",
        "SurvivalTests/PastTests.swift", "goes back to any moment"),
    Mutant(
        "B2", "holed", "what is kept is played though a piece of it is missing", PAST,
        "guard let start = parts.first, start.number == 1 || (start.after ?? start.first) <= base.lsn,",
        "guard !MUTANT else { return }\n"
        "        guard let start = parts.first, start.number == 1 || (start.after ?? start.first) <= base.lsn,",
        "SurvivalTests/PastTests.swift", "where a kept piece is missing"),
    Mutant(
        "B2", "void-numbers", "segments that a failure made void are taken for missing", PAST,
        "next.after.map { $0 <= end } ?? (number + 1 == next.number)",
        "(MUTANT ? nil : next.after).map { $0 <= end } ?? (number + 1 == next.number)",
        "SurvivalTests/PastTests.swift", "two failures of the log"),
    Mutant(
        "B2", "hold", "the log forgets what was not kept", PAST,
        "self.map { $0.keptUpTo >= lsn } ?? true", "self.map { MUTANT || $0.keptUpTo >= lsn } ?? true",
        "SurvivalTests/PastTests.swift", "goes back to any moment"),
    Mutant(
        "B2", "shared-moment", "in a cluster a commit from after the moment is played in", LOG_PAST,
        '"to_timestamp(($2 + 1) / 1000.0)"', '"to_timestamp(($2 + \\(MUTANT ? 90_000 : 1)) / 1000.0)"',
        "ClusterTests/LogPastTests.swift", "known to the millisecond"),
    Mutant(
        "B2", "shared-trim", "a new snapshot takes away what the last days are made of",
        "Sources/TenantRegistry/Cluster/Fleet+Snapshots.swift",
        "keepingDays: Past.retentionDays)", "keepingDays: MUTANT ? 0 : Past.retentionDays)",
        "SurvivalTests/ClusterPastTests.swift", "every moment of seven days"),
    Mutant(
        "B2", "past-ahead", "the past goes by a clock that was wrong when the node started", PAST,
        "if hoursOfDoubt > 0 { return }", "if !MUTANT, hoursOfDoubt > 0 { return }",
        "SurvivalTests/PastTests.swift", "a start finds the log more than a day behind"),
    Mutant(
        "B2", "former-kept", "the past of a log before this one stays for ever",
        "Sources/TenantRegistry/Past/FormerPast.swift",
        "if let last = former.last, last >= bound { return true }",
        "if let last = former.last, MUTANT || last >= bound { return true }",
        "SurvivalTests/PastTests.swift", "goes with the retention"),
]
