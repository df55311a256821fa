"""One log under all tenants (B1), and what SQLite needs for a kill to lose nothing (G8)."""

from table import Mutant

MEMORY = "Sources/SQLite/Log/MemoryLog.swift"
RUNS = "Sources/SQLite/Log/PageRuns.swift"
LOGGED = "SurvivalTests/LoggedFileTests.swift"
REPLAY = "SurvivalTests/ReplayTests.swift"
LOG = "Sources/TenantRegistry/Log/"
NODE_LOG = "SurvivalTests/NodeLogTests.swift"

MUTANTS = [
    Mutant(
        "B1", "stale-base", "a commit says what differs from the file, not from the commit before", MEMORY,
        "var base = images.find(number).flatMap { UnsafeRawPointer($0.pointee.page) }",
        "var base = MUTANT ? nil : images.find(number).flatMap { UnsafeRawPointer($0.pointee.page) }",
        REPLAY, "after any mark"),
    Mutant(
        "B1", "first-frame", "a page that was written out twice goes to the log as it was first", MEMORY,
        "{ _, later in later }", "{ earlier, later in MUTANT ? earlier : later }", REPLAY, "after any mark"),
    Mutant(
        "B1", "rolled-back", "frames that a rolled-back transaction left behind go to the log", MEMORY,
        "var count: UInt32 = 0\n        for index in committed..<end {",
        "var count: UInt32 = 0\n        for index in committed..<(MUTANT ? self.count : end) {",
        LOGGED, "rolled back are not in the next commit"),
    Mutant(
        "B1", "over-zeros", "a new page is put over what lay there before", RUNS,
        "base == nil ? overZeros : 0", "base == nil && !MUTANT ? overZeros : 0", REPLAY, "after any mark"),
    Mutant(
        "B1", "ahead", "a checkpoint does not wait until the commit is durable", "Sources/SQLite/Checkpoint.swift",
        "guard isLogDurable else {", "guard MUTANT || isLogDurable else {", LOGGED, "not durable"),
    Mutant(
        "B1", "unlogged", "COMMIT succeeds though the log took nothing", MEMORY,
        "return error == .full ? SQLITE_FULL : FileStatus.syncFailed",
        "return MUTANT ? SQLITE_OK : error == .full ? SQLITE_FULL : FileStatus.syncFailed",
        LOGGED, "the sink refuses"),
    Mutant(
        "B1", "hidden-wal", "a WAL on the disk is passed over", "Sources/SQLite/Log/LoggingVFS.swift",
        "guard isOnDisk == 0, let logged", "guard MUTANT || isOnDisk == 0, let logged", LOGGED, "lies on the disk"),
    Mutant(
        "B1", "sync-again", "a sync that failed is asked for again", "Sources/SQLite/Log/LoggedFile.swift",
        "guard !isSpoilt else", "guard MUTANT || !isSpoilt else", LOGGED, "one that succeeded later"),
    Mutant(
        "G8", "spills", "pages are written out before a commit that has savepoints",
        "Sources/SQLite/Connection+Configuration.swift",
        'maySpill ? "ON"', 'MUTANT || maySpill ? "ON"', "SurvivalTests/GatheredLogTests.swift", "survives kill -9"),
    Mutant(
        "B1", "out-of-order", "a sync that ends early is told of before those that began before it",
        LOG + "LogSyncThread.swift",
        "while let first = state.tickets.first, first.result == .done {",
        "while let first = state.tickets.first, first.result == .done || MUTANT && isDone {",
        NODE_LOG, "syncs that overlap"),
    Mutant(
        "B1", "skipped-sync", "the tenth sync is told of without having been made", LOG + "LogSyncThread.swift",
        "for chunk in chunks where chunk.segment > synced {",
        "for chunk in chunks where chunk.segment > synced && !(MUTANT && chunk.offset > 8_192) {",
        NODE_LOG, "told to be durable is there"),
    Mutant(
        "B1", "past-a-hole", "what stands behind a hole is part of the log", LOG + "LogScan.swift",
        "evidence(segment, later)) > end else {", "evidence(segment, later)) > (MUTANT ? 0 : end) else {",
        NODE_LOG, "a hole ends the log"),
    Mutant(
        "B1", "old-epoch", "the log goes on after a failure under the epoch that it had",
        LOG + "NodeLog+Reopening.swift", "epoch: epoch + 1,", "epoch: MUTANT ? epoch : epoch + 1,",
        NODE_LOG, "under a higher epoch"),
    Mutant(
        "B1", "lsn-again", "LSNs that became void are given out again", LOG + "NodeLog+Reopening.swift",
        "first: end, after:", "first: MUTANT ? durable : end, after:", NODE_LOG, "never come"),
    Mutant(
        "B1", "any-gap", "a tenant that lost a record is taken for whole", LOG + "LogGap.swift",
        "if lost.contains(tenant) { return false }", "if lost.contains(tenant) { return MUTANT }",
        "SurvivalTests/LogDamageTests.swift", "its own tenant alone"),
]
