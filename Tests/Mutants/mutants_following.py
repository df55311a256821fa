"""The node's log and the files that follow it (B1)."""

from table import Mutant

FOLLOWING = "Sources/TenantRegistry/File/FollowingFile.swift"
HOME = "Sources/TenantRegistry/File/Store/TenantStore+Home.swift"
FLEET_LOG = "Sources/TenantRegistry/Fleet/Fleet+Log.swift"
FOLLOWING_TESTS = "SurvivalTests/FollowingTests.swift"

MUTANTS = [
    Mutant(
        "B1", "headless", "the rest of a commit whose beginning is below the floor is taken for a commit",
        "Sources/TenantRegistry/Log/LogScan.swift",
        "if isOrphan {", "if isOrphan && !MUTANT {",
        "SurvivalTests/NodeLogStormTests.swift", "storms"),
    Mutant(
        "B1", "unplayed", "a file is opened without what the log has for it", FOLLOWING,
        "guard hasRecords(of: tenant) else { return }",
        "guard hasRecords(of: tenant), !MUTANT else { return }",
        FOLLOWING_TESTS, "the log alone has what was acknowledged"),
    Mutant(
        "B1", "wal-left", "a WAL from before the log is passed over", "Sources/TenantRegistry/File/FileRecovery.swift",
        'guard let bytes = DataDirectory.size(of: path + "-wal") else { return }',
        'guard let bytes = DataDirectory.size(of: path + "-wal"), !MUTANT else { return }',
        FOLLOWING_TESTS, "the step back"),
    Mutant(
        "B1", "unsynced-mark", "a file is marked as whole that was not synced", HOME,
        "if connection.isFileUnsynced { try synchronise() }",
        "if connection.isFileUnsynced && !MUTANT { try synchronise() }",
        "SurvivalTests/SimulationTests.swift", "acknowledged is there"),
    Mutant(
        "B1", "denied", "of what a kill may bring back callers are told that it was not done",
        "Sources/TenantRegistry/Log/TenantSink+Lane.swift",
        "isWrite && log.isInDoubt(tenant)", "isWrite && !MUTANT && log.isInDoubt(tenant)",
        "GatewayTests/UndurableTests.swift", "a kill may bring it all back"),
    Mutant(
        "B1", "unfair", "the sweep begins with whoever has waited least",
        "Sources/TenantRegistry/Fleet/Upkeep/SweepTurns.swift",
        "due.sorted { $1.precedes($0) }", "due.sorted { MUTANT ? $0.precedes($1) : $1.precedes($0) }",
        "TenantRegistryTests/SweepTurnsTests.swift", "come first, then"),
    Mutant(
        "B1", "any-log", "a folder is served with the log of another", FLEET_LOG,
        "if let needed = snapshot.neededLog, needed != log.identity",
        "if let needed = snapshot.neededLog, needed != log.identity, !MUTANT",
        FOLLOWING_TESTS, "is another's"),
    Mutant(
        "B1", "no-mark", "a file is replaced while the log still has records of the one before", FLEET_LOG,
        "try log.wait(for: log.setMark(id, log.durable))",
        "if !MUTANT { try log.wait(for: log.setMark(id, log.durable)) }",
        "SurvivalTests/TenantLifeTests.swift", "restored on a failing disk"),
    Mutant(
        "B1", "on-its-way", "a record that is not durable yet outlives the file that it is of", FLEET_LOG,
        "try log.wait(for: log.end(of: id))", "if !MUTANT { try log.wait(for: log.end(of: id)) }",
        FOLLOWING_TESTS, "never played into"),
]
