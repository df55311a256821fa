import CallKit
import Cryptography
import Foundation
import HTTPClient
import HTTPCore
import Provider
import TenantApp
import TenantRegistry

/// `tollgate backup`: the whole node in one folder, while it serves; what has not changed since the last backup there
/// is used again (P11).
enum BackupCommand {
    static let commands = [command, BackupVerifyCommand.command, RestoreNodeCommand.command]

    private static let command = Command(
        "backup", "Back the whole node up into DIR, while it serves", arguments: ["DIR"],
        options: [
            Option(
                "--passphrase-file", "FILE",
                "Keep the master key in it, under the passphrase in the first line (- is standard input)")
        ] + GatewayClient.options,
        notes: "Without a passphrase only the data folder's master.key opens the backup: keep a copy of it apart.\n"
            + "Run it again on the same DIR: what is there already is used again."
    ) { invocation in
        var headers: [(String, String)] = []
        if invocation.has("--passphrase-file") {
            headers = [MoveCommands.header(try MoveCommands.passphrase(invocation))]
        }
        let client = try GatewayClient.provider(invocation)
        let writing = try Writing(ArchiveFolder(writing: invocation.arguments[0]), invocation)
        _ = try client.send(
            "GET", "/backup", headers: headers, sink: .stream { try writing.take($0) }, isLong: true)
        return try writing.finish()
    }

    /// One backup on its way in.
    private final class Writing {
        let folder: ArchiveFolder
        let invocation: Invocation
        private var reader = BackupFrameReader()
        private var manifest: String?
        private var tenants: [(slug: String, bytes: Int64, written: Int64, again: Int)] = []
        private var failures: [(slug: String, reason: String)] = []
        /// Objects and their bytes, of all.
        private var written = (objects: 0, bytes: Int64(0))
        private var again = 0

        init(_ folder: ArchiveFolder, _ invocation: Invocation) {
            self.folder = folder
            self.invocation = invocation
        }

        func take(_ bytes: UnsafeRawBufferPointer) throws {
            for frame in try reader.take(bytes) { try take(frame) }
        }

        private func take(_ frame: BackupFrame) throws {
            switch frame.kind {
            case .tenant:
                tenants.append((frame.name, Int64(String(decoding: frame.body, as: UTF8.self)) ?? 0, 0, 0))
            case .failure:
                failures.append((frame.name, String(decoding: frame.body, as: UTF8.self)))
            case .object:
                let isThere = try folder.write(frame.name, frame.body)
                let isTenants = frame.name.hasPrefix("tenants/") && !tenants.isEmpty
                if isThere {
                    again += 1
                    if isTenants { tenants[tenants.count - 1].again += 1 }
                } else {
                    written = (written.objects + 1, written.bytes + Int64(frame.body.count))
                    if isTenants { tenants[tenants.count - 1].written += Int64(frame.body.count) }
                }
            case .manifest:
                try folder.writeManifest(frame.name, frame.body)
                manifest = frame.name
            }
        }

        func finish() throws -> Int32 {
            guard let manifest, reader.isEmpty else {
                throw CommandFailure.failed(
                    "the backup was cut short, and has no manifest: run it again, what came is used again")
            }
            for failure in failures { Output.errorLine("\(failure.slug): \(failure.reason)") }
            let text =
                "\(manifest): \(tenants.count) \(tenants.count == 1 ? "tenant" : "tenants"), "
                + "\(written.bytes) bytes in \(written.objects) new objects, \(again) objects used again, "
                + "\(failures.count) failed"
            return try Answers.report(invocation, text, code: failures.isEmpty ? ExitCode.ok : ExitCode.failed) {
                report(manifest, &$0)
            }
        }

        private func report(_ manifest: String, _ json: inout JSONWriter) {
            json.field("manifest", manifest)
            json.field("new_objects", written.objects)
            json.field("new_bytes", written.bytes)
            json.field("used_again", again)
            json.array("tenants") { json in
                for tenant in tenants {
                    json.object { json in
                        json.field("slug", tenant.slug)
                        json.field("bytes", tenant.bytes)
                        json.field("new_bytes", tenant.written)
                    }
                }
            }
            json.bySlug("failed", "reason", failures.map { ($0.slug, $0.reason) })
        }
    }
}

extension JSONWriter {
    /// Of several tenants, each a text: what was wrong with it, say.
    mutating func bySlug(_ list: StaticString, _ name: StaticString, _ texts: [(slug: String, text: String)]) {
        array(list) { json in
            for (slug, text) in texts {
                json.object { json in
                    json.field("slug", slug)
                    json.field(name, text)
                }
            }
        }
    }
}

/// What opens a backup, and its parts, for commands that need no gateway.
struct OpenedBackup {
    static let options = [
        Option("--passphrase-file", "FILE", "The passphrase that the backup was made with (- is standard input)"),
        Option("--master-key", "FILE", "A copy of the master.key of the node that was backed up"),
        Option("--manifest", "NAME", "Another backup in DIR than the newest"),
    ]

    let folder: ArchiveFolder
    let manifest: ArchiveManifest
    let masterKey: [UInt8]

    private static let masterKeyBytes = 32

    init(_ invocation: Invocation) throws {
        let opener: ArchiveManifest.Opener
        switch (invocation.text("--passphrase-file"), invocation.text("--master-key")) {
        case (.some, .some), (nil, nil):
            throw CommandFailure.usage("one of --passphrase-file FILE and --master-key FILE opens a backup")
        case (.some, nil):
            guard let passphrase = Passphrase(try MoveCommands.passphrase(invocation)) else {
                throw ArchiveFailure.wrongPassphrase
            }
            opener = .passphrase(passphrase)
        case (nil, .some(let path)):
            guard let key = FileManager.default.contents(atPath: path), key.count == Self.masterKeyBytes else {
                throw CommandFailure.failed("\(path) is no master key: it has \(Self.masterKeyBytes) bytes")
            }
            opener = .masterKey(Array(key))
        }
        do {
            folder = try ArchiveFolder(reading: invocation.arguments[0])
            (manifest, masterKey) = try folder.open(invocation.text("--manifest"), by: opener)
        } catch let failure as ArchiveFailure {
            throw CommandFailure.failed("\(failure)")
        }
    }

    /// The registry's copy at `path`, found to be sound; what each tenant's objects are sealed under.
    func registry(at path: String) throws -> [TenantID: [UInt8]] {
        try folder.assemble(manifest.index, under: ArchiveKey(of: masterKey), to: path)
        return try NodeCopy.secretKeys(inRegistry: path, under: masterKey)
    }

    func assemble(_ tenant: ArchiveManifest.Tenant, _ keys: [TenantID: [UInt8]], to path: String) throws {
        guard let key = keys[tenant.id] else { throw ArchiveFailure.missing("the key of \(tenant.slug)") }
        try folder.assemble(tenant.index, under: ArchiveKey(of: key), to: path)
    }
}

/// `tollgate backup verify`: every tenant restored to a scratch folder and proved (P11).
enum BackupVerifyCommand {
    static let command = Command(
        "backup verify", "Restore every tenant of a backup to a scratch folder, and prove it", arguments: ["DIR"],
        options: OpenedBackup.options + [
            Option("--scratch", "DIR", "Where to ($TMPDIR, /tmp); one tenant at a time lies there"),
            Option("--json", "Print the report as JSON"),
        ],
        notes: "Exit codes: 0 all sound, 1 something is wrong with one, or the backup cannot be opened."
    ) { invocation in
        let backup = try OpenedBackup(invocation)
        let scratch =
            "\(invocation.text("--scratch") ?? NSTemporaryDirectory())/tollgate-\(Hex.encode(SystemRandom().bytes(8)))"
        try FileManager.default.createDirectory(
            atPath: scratch, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        defer { try? FileManager.default.removeItem(atPath: scratch) }
        return try run(backup, scratch, invocation)
    }

    private static func run(_ backup: OpenedBackup, _ scratch: String, _ invocation: Invocation) throws -> Int32 {
        let keys: [TenantID: [UInt8]]
        do {
            keys = try backup.registry(at: "\(scratch)/registry")
        } catch {
            throw CommandFailure.failed("the registry: \(error)")
        }
        let (sound, faults) = try Progress.during("proving the backup") { progress throws(CommandFailure) in
            prove(backup, keys, in: scratch, progress)
        }
        for fault in faults { Output.errorLine("\(fault.slug): NOT sound: \(fault.text)") }
        let text =
            "the backup of \(backup.manifest.startedAt.text): the registry and \(sound.count) "
            + "\(sound.count == 1 ? "tenant" : "tenants") sound, \(faults.count) not"
        return try Answers.report(invocation, text, code: faults.isEmpty ? ExitCode.ok : ExitCode.failed) { json in
            json.field("started_at", backup.manifest.startedAt.text)
            json.array("sound") { json in for slug in sound { json.element(slug) } }
            json.bySlug("faults", "text", faults)
        }
    }

    private typealias Fault = (slug: String, text: String)

    /// Each tenant by itself: one lies in the scratch folder at a time.
    private static func prove(
        _ backup: OpenedBackup, _ keys: [TenantID: [UInt8]], in scratch: String, _ progress: Progress
    ) -> (sound: [String], faults: [Fault]) {
        var faults: [Fault] = backup.manifest.failed.map { ($0.slug, "not copied: \($0.reason)") }
        var sound: [String] = []
        let count = Int64(backup.manifest.tenants.count)
        for (number, tenant) in backup.manifest.tenants.enumerated() {
            progress.tell("proving \(tenant.slug)", Int64(number), of: count, unit: "tenants")
            // Erased while the backup was made: nobody has its key any more.
            if keys[tenant.id] == nil { continue }
            let path = "\(scratch)/\(tenant.id.text).sqlite"
            defer { unlink(path) }
            if let fault = fault(of: tenant, backup, keys, path) {
                faults.append((tenant.slug, fault))
            } else {
                sound.append(tenant.slug)
            }
        }
        return (sound, faults)
    }

    /// What is wrong with a tenant's copy; nil where it is sound and ends where the manifest says.
    private static func fault(
        of tenant: ArchiveManifest.Tenant, _ backup: OpenedBackup, _ keys: [TenantID: [UInt8]], _ path: String
    ) -> String? {
        do {
            try backup.assemble(tenant, keys, to: path)
            guard ExportSeal.read(path)?.head.text == tenant.head else { return "it is not the file of the manifest" }
            let report = try ExaminationProcess.verify(Verifier(path: path), by: ExaminationProcess.ownProgram)
            return report.isSound ? nil : report.text
        } catch {
            return "\(error)"
        }
    }
}
