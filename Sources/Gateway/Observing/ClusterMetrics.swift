import TenantRegistry

/// This node among others, for `/metrics` (G7, N1–N4).
extension MetricsPage {
    mutating func append(_ cluster: ClusterMember) {
        let (figures, log) = (cluster.figures, cluster.log.standing)
        gauge("tollgate_cluster_serving", "1 while this node may show what it has.", cluster.isServing ? 1 : 0)
        gauge(
            "tollgate_cluster_log_reachable", "1 while the log that the nodes share answers.",
            cluster.log.isReachable ? 1 : 0)
        gauge(
            "tollgate_cluster_beat_age_seconds", "Since the last beat that came back was sent.",
            microseconds: figures.beatAgeNanoseconds / 1_000)
        counter("tollgate_cluster_beats_total", "Beats that came back.", figures.beats)
        counter("tollgate_cluster_beats_lost_total", "Beats that did not.", figures.beatsLost)
        gauge(
            "tollgate_cluster_nodes", "Nodes of the cluster that have not left.",
            cluster.nodes.count { $0.state != .left })
        gauge("tollgate_cluster_tenants", "Tenants that this node serves.", figures.owned)
        counter(
            "tollgate_cluster_claimed_total", "Tenants that it took over from nodes that were gone.", figures.claimed)
        counter("tollgate_cluster_moved_total", "Tenants that it gave to others.", figures.moved)
        counter("tollgate_cluster_restored_total", "Files that were made whole from the log.", figures.restored)
        counter("tollgate_cluster_records_total", "Commits that went to the log.", figures.records)
        counter("tollgate_cluster_record_bytes_total", "What they were before they were sealed.", figures.bytes)
        counter("tollgate_cluster_shipped_bytes_total", "What of them went to the log.", log.bytes)
        counter("tollgate_cluster_append_groups_total", "Transactions of the log that commits went in.", log.groups)
        counter(
            "tollgate_cluster_append_seconds_total", "What those took.", microseconds: log.nanoseconds / 1_000)
        gauge("tollgate_cluster_appends_waiting", "Commits on their way to the log.", log.waiting)
        let lag = "tollgate_cluster_standby_lag_bytes"
        head(lag, "gauge", "What the log's standby that is furthest behind lacks, where that may be seen.")
        if let bytes = log.standbyLagBytes { line(lag, bytes) }
        counter("tollgate_cluster_refused_total", "Commits that another node's epoch refused.", figures.refused)
        counter(
            "tollgate_cluster_unsettled_total", "Commits whose outcome had to be settled by a new epoch.", log.unsettled
        )
        counter("tollgate_cluster_snapshots_total", "Snapshots of tenants that were put.", figures.snapshots)
        gauge("tollgate_cluster_snapshots_due", "Tenants that wait for one.", figures.snapshotsDue)
        gauge("tollgate_cluster_records_behind", "Commits since the tenants' last snapshots.", figures.recordsBehind)
        counter(
            "tollgate_cluster_catch_ups_total", "Looks at what other nodes committed to the registry.", figures.catchUps
        )
        counter(
            "tollgate_cluster_registry_conflicts_total", "Commits of the registry that came late, and ran again.",
            figures.registryConflicts)
    }
}
