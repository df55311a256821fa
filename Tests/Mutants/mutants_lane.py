"""The lane and the log: committed is not yet durable (B1)."""

from table import Mutant

LANE = "Sources/TenantRegistry/Lane/Lane+Log.swift"
BATCHES = "Sources/TenantRegistry/Lane/LaneLog.swift"
TESTS = "TenantRegistryTests/LaneLogTests.swift"

MUTANTS = [
    Mutant(
        "B1", "early", "an answer leaves before its commit is durable", LANE,
        "batch.fate == .durable { return false }", "(MUTANT || batch.fate == .durable) { return false }",
        TESTS, "nobody is answered"),
    Mutant(
        "B1", "early-read", "a read is answered with what could still be lost", LANE,
        "if waits {", "if waits && !(MUTANT && batch.jobs.allSatisfy { !$0.writes }) {",
        TESTS, "a read waits"),
    Mutant(
        "B1", "early-refusal", "a refusal leaves before what it was judged by is durable", LANE,
        "answer(.init(file, log, nil, jobs,", "answer(.init(file, MUTANT ? nil : log, nil, jobs,",
        TESTS, "what the log does not take"),
    Mutant(
        "B1", "early-effects", "memory outside the lane moves at COMMIT", LANE,
        "undurable.append(batch)", "if MUTANT { batch.effects?.run() }; undurable.append(batch)",
        TESTS, "nothing outside the lane moves"),
    Mutant(
        "B1", "early-checkpoint", "pages go to the file before the log has them", LANE,
        "let isDurable = log.map { lastFate(of: file, $0) == .durable } ?? true",
        "let isDurable = MUTANT || log.map { lastFate(of: file, $0) == .durable } ?? true",
        TESTS, "no checkpoint goes past"),
    Mutant(
        "B1", "early-exclusive", "a file is closed or copied while some of it could still be lost", LANE,
        "var isSettled: Bool { log == nil ||", "var isSettled: Bool { log == nil || MUTANT ||",
        TESTS, "exclusive work"),
    Mutant(
        "B1", "lost-as-undone", "what a failed log may have kept is told as not done", BATCHES,
        "isWrite ? .outcomeUnknown : .notCommitted",
        "isWrite && !MUTANT ? .outcomeUnknown : .notCommitted",
        TESTS, "tells each caller the truth"),
    Mutant(
        "B1", "lost-effects", "memory takes over what the log has lost", LANE,
        "for batch in batches.reversed() { batch.effects?.drop() }",
        "for batch in batches.reversed() { if MUTANT { batch.effects?.run() } else { batch.effects?.drop() } }",
        TESTS, "tells each caller the truth"),
    Mutant(
        "B1", "lost-kept", "a lane goes on with what the log has lost", LANE,
        "lastFate(of: file, log) == .lost", "(lastFate(of: file, log) == .lost && !MUTANT)",
        TESTS, "tells each caller the truth"),
    Mutant(
        "B1", "behind", "a lane goes on with less than the log has", LANE,
        "let isLost = isBehindLog ||", "let isLost = isBehindLog && !MUTANT ||",
        TESTS, "SQLite did not"),
    Mutant(
        "B1", "crowded", "batches begin though the log has no room", LANE,
        "case .open: return jobs", "case .open: return jobs; case .crowded where MUTANT: return jobs",
        TESTS, "the log has no room"),
    Mutant(
        "B1", "disorder", "an answer overtakes the one before it", LANE,
        "if undurable.isEmpty &&", "if (MUTANT || undurable.isEmpty) &&",
        TESTS, "keep their order"),
]
