import SQLite

/// How the node's log and the files that follow it stand. A value.
package struct LogFigures: Sendable {
    package let log: LogStanding
    /// WALs of all files in memory.
    package let memoryBytes: Int
    /// Of lanes: see `LaneMetrics`.
    package let batchesUnknown: UInt64
    package let parked: UInt64
}

extension Fleet {
    /// Whether tenants' files follow a log, the node's own or the one that nodes share; else each has a WAL beside it.
    package var filesFollow: Bool { log != nil || cluster != nil }

    /// Of WALs of tenants' files in memory: pages that are mapped, and come from no heap.
    package var logMemoryBytes: Int { Connection.memoryLogBytesOfAll }

    /// Nil where commits do not go to the log.
    package var logFigures: LogFigures? {
        log.map { log in
            LogFigures(
                log: log.standing, memoryBytes: logMemoryBytes,
                batchesUnknown: pool.metrics.batchesUnknown.load(ordering: .relaxed),
                parked: pool.metrics.parked.load(ordering: .relaxed))
        }
    }
}
