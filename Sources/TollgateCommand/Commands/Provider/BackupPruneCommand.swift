import Archive
import HTTPCore
import TenantRegistry

/// `tollgate backup prune`: old backups go from a place, and with them what none of the others needs (P11).
enum BackupPruneCommand {
    private static let countMax = 100_000

    static let command = Command(
        "backup prune", "Remove old backups from a place, and what no other backup needs", arguments: ["PLACE"],
        options: [
            Option("--keep", "N", "Keep so many backups, the newest"),
            Option("--keep-days", "D", "Keep the backups of so many days"),
            Option("--dry-run", "Say what would go, and remove nothing"),
        ] + OpenedBackup.keyOptions + [
            ArchivePlaces.credentialsOption,
            Option("--scratch", "DIR", "Where a copy of the registry lies meanwhile ($TMPDIR, /tmp)"),
            Option("--json", "Print the report as JSON"),
        ],
        notes: "The newest backup always stays, and so does the last copy of a tenant that the newest could not copy;\n"
            + "with a passphrase also the newest backup that it opens by itself.\n"
            + "An object goes once it is a day old. Every backup of the place must open: otherwise nothing goes."
    ) { invocation in
        let rule = try wanted(invocation)
        let opener = try OpenedBackup.opener(invocation)
        let isDry = invocation.has("--dry-run")
        let plan = try OpenedBackup.withScratch(invocation) { scratch in
            try Progress.during("pruning") { progress throws(CommandFailure) in
                try prune(invocation, opener, rule, isDry: isDry, scratch: scratch, progress)
            }
        }
        return try report(plan, isDry: isDry, invocation)
    }

    private static func wanted(_ invocation: Invocation) throws(CommandFailure) -> BackupPruning.Rule {
        let count = try invocation.integer("--keep", in: 1...countMax)
        let days = try invocation.integer("--keep-days", in: 1...countMax)
        switch (count, days) {
        case (let count?, nil): return .last(count)
        case (nil, let days?): return .since(SystemClock().now().adding(days: -Int64(days)))
        default: throw .usage("one of --keep N and --keep-days D says what stays")
        }
    }

    private static func prune(
        _ invocation: Invocation, _ opener: ArchiveManifest.Opener, _ rule: BackupPruning.Rule, isDry: Bool,
        scratch: String, _ progress: Progress
    ) throws(CommandFailure) -> BackupPruning.Plan {
        do {
            let archive = try ArchivePlaces.forPruning(invocation, isDry: isDry)
            var pruning = BackupPruning(archive, by: opener, scratch: scratch)
            return try pruning.run(rule, isDry: isDry) { unit, done, total in
                progress.tell("pruning", Int64(done), of: Int64(total), unit: unit)
            }
        } catch let failure as CommandFailure {
            throw failure
        } catch {
            throw .failed("\(error)")
        }
    }

    private static func report(_ plan: BackupPruning.Plan, isDry: Bool, _ invocation: Invocation) throws -> Int32 {
        let json = JSONWriter.object { json in
            json.field("dry_run", isDry)
            json.array("backups") { json in
                for backup in plan.backups { json.object { write(backup, to: &$0) } }
            }
            json.field("objects_removed", plan.objects.count)
            json.field("objects_waiting", plan.waiting)
            json.field("bytes_freed", plan.bytes)
            if let name = plan.keptForPassphrase { json.field("kept_for_passphrase", name) }
        }
        if let name = plan.keptForPassphrase {
            Output.errorLine("\(name) stays: it is the newest that this passphrase opens by itself")
        }
        if invocation.has("--json") {
            try Output.bytes(json + [0x0A])
            return ExitCode.ok
        }
        if case .array(let rows)? = try JSON.parse(json)["backups"] {
            try Answers.table(
                rows, columns: ["manifest", "started_at", "tenants", "not_copied", "fate"], empty: "no backups")
        }
        try Output.line(text(plan, isDry: isDry))
        return ExitCode.ok
    }

    private static func text(_ plan: BackupPruning.Plan, isDry: Bool) -> String {
        let gone = plan.backups.count { !$0.isKept }
        let backups = "\(gone) of \(plan.backups.count) backups"
        let objects = "\(plan.objects.count) \(plan.objects.count == 1 ? "object" : "objects")"
        let done = isDry ? "would go" : "are gone"
        let waiting = plan.waiting == 0 ? "" : "; \(plan.waiting) that no backup needs are younger than a day"
        return "\(backups) and \(objects) \(done), \(plan.bytes) bytes\(waiting)"
    }

    private static func write(_ backup: BackupPruning.Backup, to json: inout JSONWriter) {
        json.field("manifest", backup.name)
        json.field("started_at", backup.manifest.startedAt.text)
        json.field("tenants", backup.manifest.tenants.count)
        json.field("not_copied", backup.manifest.failed.count)
        json.field("fate", backup.isKept ? "kept" : "removed")
    }
}
