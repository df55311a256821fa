import Archive
import CallKit
import Cryptography
import Foundation
import Glibc
import HTTPCore
import TenantApp
import TenantRegistry

/// `tollgate restore-node`: a node made of a backup: on an empty machine, as whatever user runs it, under a master key
/// of its own (P11).
enum RestoreNodeCommand {
    static let command = Command(
        "restore-node", "Make a node from a backup or an archive", arguments: ["[PLACE]"],
        options: OpenedBackup.options + [
            Option("--archive", "PLACE", "The archive, in place of the argument"),
            Option(
                "--data", "NEW", "The new node's data folder: missing, empty, or half restored before",
                isRequired: true),
            Option("--json", "Print what was done as JSON"),
        ],
        notes:
            "Every tenant is proved before it takes its place. What would leave a tenant waits until its operator says\n"
            + "“tollgate outbound resume”: it may have left the old node since. Provider keys are those of the old node."
    ) { invocation in
        let path = try invocation.required("--data")
        let places = invocation.arguments + invocation.texts("--archive")
        guard let place = places.first, places.count == 1 else {
            throw CommandFailure.usage("one PLACE is restored: a folder or s3://BUCKET/PREFIX")
        }
        let wasThere = FileManager.default.fileExists(atPath: path)
        let data = try DataDirectory.forRestoring(path)
        let making: Making
        let made: Made
        do {
            // What is on its way is as large as the node.
            let backup = try OpenedBackup(invocation, at: place, scratch: data.restoringFolder)
            making = Making(backup: backup, data: data, invocation: invocation)
            made = try making.run()
        } catch {
            data.giveUpRestoring()
            if !wasThere { rmdir(path) }
            throw error
        }
        try data.endRestoring()
        return try making.report(made)
    }
}

/// `unplanned`: whose planned deletions were taken back.
private typealias Made = (restored: [String], failed: [(slug: String, reason: String)], unplanned: [String])

/// One node on its way.
private struct Making {
    let backup: OpenedBackup
    let data: DataDirectory
    let invocation: Invocation

    func run() throws -> Made {
        let random = SystemRandom()
        let copy = data.temporaryPath(random.uint64())
        let unplanned: [String]
        do {
            try backup.reading.makeRegistry(at: copy)
            unplanned = try NodeCopy.place(
                registry: copy, in: data, from: backup.reading.masterKey, keeping: Set(backup.tenants.map(\.id)),
                random: random)
        } catch {
            throw CommandFailure.failed("the registry: \(error)")
        }
        for slug in unplanned {
            Output.errorLine("\(slug): its planned deletion is taken back: plan it again if it holds")
        }
        let fleet = try Fleet(
            data: data, schema: TenantSchema.app.examining(by: ExaminationProcess.ownProgram),
            report: { Output.errorLine($0) })
        defer { fleet.stop() }
        var made: Made = ([], backup.failures, unplanned)
        try Progress.during("restoring") { progress throws(CommandFailure) in restoreAll(fleet, progress, &made) }
        for failure in made.failed { Output.errorLine("\(failure.slug): NOT restored: \(failure.reason)") }
        return made
    }

    private func restoreAll(_ fleet: Fleet, _ progress: Progress, _ made: inout Made) {
        let tenants = backup.tenants.filter { fleet.roster.tenant(id: $0.id) != nil }
        for (number, tenant) in tenants.enumerated() {
            progress.tell("restoring \(tenant.slug)", Int64(number), of: Int64(tenants.count), unit: "tenants")
            do {
                try restore(tenant, fleet)
                made.restored.append(tenant.slug)
            } catch {
                made.failed.append((tenant.slug, "\(error)"))
            }
        }
    }

    private func restore(_ tenant: ArchiveManifest.Tenant, _ fleet: Fleet) throws {
        guard let record = fleet.roster.tenant(id: tenant.id) else { throw ArchiveFailure.missing(tenant.slug) }
        let path = data.temporaryPath(fleet.random.uint64())
        _ = try backup.reading.makeFile(of: tenant.id, at: path)
        backup.reading.forget(tenant.id)
        let done = DispatchSemaphore(value: 0)
        let outcome = Outcome()
        fleet.restore(record, from: path, as: fleet.ownAct(AuditRecord.restored)) { result in
            outcome.result = result.map { _ in }
            done.signal()
        }
        done.wait()
        try outcome.result?.get()
    }

    /// `@unchecked Sendable`: written before the semaphore is signalled, read after it was waited for.
    private final class Outcome: @unchecked Sendable {
        var result: Result<Void, any Error>?
    }

    func report(_ made: Made) throws -> Int32 {
        let (restored, failed, unplanned) = made
        let text =
            "\(data.path): \(restored.count) \(restored.count == 1 ? "tenant" : "tenants") as of "
            + "\(backup.reading.asOf.text), \(failed.count) failed; “tollgate serve --data \(data.path)” runs it"
        return try Answers.report(invocation, text, code: failed.isEmpty ? ExitCode.ok : ExitCode.failed) { json in
            json.field("data", data.path)
            json.field("as_of", backup.reading.asOf.text)
            json.array("restored") { json in for slug in restored { json.element(slug) } }
            json.bySlug("failed", "reason", failed.map { ($0.slug, $0.reason) })
            json.array("deletions_taken_back") { json in for slug in unplanned { json.element(slug) } }
        }
    }
}
