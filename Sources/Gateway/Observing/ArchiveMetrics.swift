import Archive

/// How far the archive is, for `/metrics` (B3, B4); there only where there is one.
extension MetricsPage {
    private static let microsecondsInMillisecond: UInt64 = 1_000

    mutating func append(_ archive: ArchiveFigures) {
        gauge(
            "tollgate_archive_behind_seconds", "How long ago that was of which everything is in the archive.",
            microseconds: UInt64(archive.behindMilliseconds) * Self.microsecondsInMillisecond)
        gauge("tollgate_archive_in_trouble", "1: the archive is away, or refuses.", archive.trouble == nil ? 0 : 1)
        gauge(
            "tollgate_archive_incomplete", "1: what was put there is lost, and copies from behind it are on their way.",
            archive.loss == nil ? 0 : 1)
        gauge("tollgate_archive_tenants_without_copy", "Tenants that have no copy there yet.", archive.owed)
        counter("tollgate_archive_objects_total", "Objects of the log that were written there.", archive.objects)
        counter("tollgate_archive_bytes_total", "Their bytes.", archive.bytes)
        counter(
            "tollgate_archive_failures_total", "Calls that the archive did not answer, or refused.", archive.failures)
        let trial = archive.lastTrial
        gauge(
            "tollgate_archive_tried_timestamp", "When tenants were last restored from there and proved; 0: not yet.",
            trial.map { $0.at.milliseconds / 1_000 } ?? 0)
        gauge("tollgate_archive_tried_sound", "Tenants of that trial that were sound.", trial?.sound.count ?? 0)
        gauge("tollgate_archive_tried_faults", "Tenants of that trial that were not.", trial?.faults.count ?? 0)
        gauge(
            "tollgate_archive_pruned_timestamp",
            "When the last removal of what lies behind --archive-days came to its end; 0: none has since the start.",
            archive.prunedAt.map { $0.milliseconds / 1_000 } ?? 0)
        gauge(
            "tollgate_archive_kept_timestamp",
            "From when on every moment can be had there; 0: from its beginning, or nobody has looked since the start.",
            archive.keptFrom.map { $0.milliseconds / 1_000 } ?? 0)
        counter(
            "tollgate_archive_removed_total", "Objects that went from behind those days.", archive.removedObjects)
    }
}
