import TenantRegistry

/// The node's log, for `/metrics` (G7, B1).
extension MetricsPage {
    mutating func append(_ figures: LogFigures) {
        let log = figures.log
        counter("tollgate_log_bytes_total", "Bytes appended to the node's log.", log.end)
        gauge("tollgate_log_undurable_bytes", "Of them, those that no sync has covered.", log.end - log.durable)
        counter("tollgate_log_syncs_total", "Syncs of the log.", log.syncs)
        counter("tollgate_log_sync_seconds_total", "What they took.", microseconds: log.syncNanoseconds / 1_000)
        counter("tollgate_log_failures_total", "Times that the log failed.", log.failures)
        gauge("tollgate_log_failed", "1 while it takes no commits.", log.isFailed ? 1 : 0)
        counter(
            "tollgate_log_batches_unknown_total", "Batches that the log lost; their callers were told so.",
            figures.batchesUnknown)
        counter("tollgate_lanes_parked_total", "Times that a lane waited for the log.", figures.parked)
        gauge("tollgate_log_segments", "Segments of the log that are kept.", log.segments)
        gauge("tollgate_log_files_behind", "Tenants' files that lack something.", log.tenantsPending)
        gauge("tollgate_log_records_behind", "Commits that those files lack.", log.recordsPending)
        gauge("tollgate_log_memory_bytes", "WALs of tenants' files in memory.", figures.memoryBytes)
    }
}
