"""Files at rest (P2), forks and the past (B2)."""

from table import Mutant

FORK = "Sources/TenantApp/Tenant/Forks.swift"
FORKING = "Sources/TenantApp/Tenant/ForkTenant.swift"
PACKED = "Sources/TenantRegistry/File/PackedFile.swift"
PAST = "Sources/TenantRegistry/Past/Past.swift"

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
        "B2", "moment", "a commit from after the moment is played in", PAST,
        "if frame.at > moment {", "if !MUTANT, frame.at > moment {",
        "SurvivalTests/PastTests.swift", "goes back to any moment"),
    Mutant(
        "B2", "holed", "what is kept is played though a piece of it is missing", PAST,
        "guard let start = parts.first, start.number == 1 || start.first <= base.lsn,",
        "guard !MUTANT else { return }\n"
        "        guard let start = parts.first, start.number == 1 || start.first <= base.lsn,",
        "SurvivalTests/PastTests.swift", "where a kept piece is missing"),
    Mutant(
        "B2", "hold", "the log forgets what was not kept", PAST,
        "self.map { $0.keptUpTo >= lsn } ?? true", "self.map { MUTANT || $0.keptUpTo >= lsn } ?? true",
        "SurvivalTests/PastTests.swift", "goes back to any moment"),
]
