import Archive
import CallKit
import Cryptography
import Foundation
import HTTPClient
import HTTPCore
import TenantApp
import TenantRegistry

/// `tollgate backup`: the whole node in one folder, while it serves; what has not changed since the last backup there
/// is used again (P11).
enum BackupCommand {
    static let commands = [
        command, BackupVerifyCommand.command, BackupPruneCommand.command, BackupVerifyCommand.archive,
        RestoreNodeCommand.command,
    ]

    private static let backupsLookedAtMax = 10

    private static let command = Command(
        "backup", "Back the whole node up into DIR or s3://BUCKET/PREFIX, while it serves", arguments: ["PLACE"],
        options: [
            Option(
                "--passphrase-file", "FILE",
                "Keep the master key in it, under the passphrase in the first line (- is standard input)"),
            ArchivePlaces.credentialsOption,
        ] + GatewayClient.options,
        notes: "Without a passphrase only the data folder's master.key opens the backup: keep a copy of it apart.\n"
            + "Run it again on the same place: what is there already is used again."
    ) { invocation in
        var headers: [(String, String)] = []
        if invocation.has("--passphrase-file") {
            headers = [MoveCommands.header(try MoveCommands.passphrase(invocation))]
        }
        let client = try GatewayClient.provider(invocation)
        if case .folder(let path) = try ArchivePlaces.address(invocation.arguments[0]),
            let data = try GatewayClient.dataFolder(invocation), ArchivePlaces.isFolder(path, in: data)
        {
            throw CommandFailure.usage("PLACE is in the data folder, and would be lost with it: name another place")
        }
        try expectOne(client, headers)
        let writing = try Writing(ArchivePlaces.forBackup(invocation), invocation)
        defer { writing.leave() }
        if headers.isEmpty, try hasPassphrase(writing.archive) {
            Output.errorLine(
                "earlier backups there open with a passphrase; this one opens with the node's master.key alone: "
                    + "--passphrase-file FILE keeps the key in it")
        }
        do {
            _ = try client.send(
                "GET", "/backup", headers: headers, sink: .stream { try writing.take($0) }, isLong: true)
        } catch {
            throw writing.failure ?? error
        }
        return try writing.finish()
    }

    /// Throws where the gateway gives none: then no place is made for it.
    private static func expectOne(_ client: GatewayClient, _ headers: [(String, String)]) throws {
        do {
            _ = try client.send("HEAD", "/backup", headers: headers)
        } catch {
            // Where it may be given a moment later, GET would begin it, and leave it.
            guard let status = error.status, (400..<500).contains(status), status != 429 else { throw error }
            // An answer to HEAD has no words; the one to GET says why.
            _ = try client.send("GET", "/backup", headers: headers, sink: .stream { _ in throw error })
        }
    }

    /// Of the newest backups there.
    private static func hasPassphrase(_ archive: Archive) throws -> Bool {
        try archive.manifests().suffix(backupsLookedAtMax).reversed().contains { name in
            try archive.store.get(name).map { ArchiveManifest.hasMasterKey($0) } ?? false
        }
    }

    /// One backup on its way in.
    private final class Writing {
        let archive: Archive
        let invocation: Invocation
        private var reader = BackupFrameReader()
        private var manifest: String?
        private var tenants: [(slug: String, bytes: Int64, written: Int64, again: Int)] = []
        private var failures: [(slug: String, reason: String)] = []
        /// Objects and their bytes, of all.
        private var written = (objects: 0, bytes: Int64(0))
        private var again = 0
        /// Why what came could not be written down, which the client knows only as “broke off”.
        private(set) var failure: (any Error)?

        init(_ archive: Archive, _ invocation: Invocation) {
            self.archive = archive
            self.invocation = invocation
        }

        func take(_ bytes: UnsafeRawBufferPointer) throws {
            do {
                for frame in try reader.take(bytes) { try take(frame) }
            } catch {
                failure = error
                throw error
            }
        }

        private func take(_ frame: BackupFrame) throws {
            switch frame.kind {
            case .tenant:
                tenants.append((frame.name, Int64(String(decoding: frame.body, as: UTF8.self)) ?? 0, 0, 0))
            case .failure:
                failures.append((frame.name, String(decoding: frame.body, as: UTF8.self)))
            case .object:
                let isThere = try archive.store.put(frame.name, frame.body)
                let isTenants = frame.name.hasPrefix("tenants/") && !tenants.isEmpty
                if isThere {
                    again += 1
                    if isTenants { tenants[tenants.count - 1].again += 1 }
                } else {
                    written = (written.objects + 1, written.bytes + Int64(frame.body.count))
                    if isTenants { tenants[tenants.count - 1].written += Int64(frame.body.count) }
                }
            case .manifest:
                try archive.putManifest(frame.name, frame.body)
                manifest = frame.name
            }
        }

        /// One that has no manifest by now has none.
        func leave() { if manifest == nil { archive.giveUpBackup() } }

        func finish() throws -> Int32 {
            guard let manifest, reader.isEmpty else {
                throw CommandFailure.failed(
                    "the backup was cut short, and has no manifest: run it again, what came is used again")
            }
            for failure in failures { Output.errorLine("\(failure.slug): \(failure.reason)") }
            let isAnyAhead = try tellOfThoseAhead(own: manifest)
            let text =
                "\(manifest): \(tenants.count) \(tenants.count == 1 ? "tenant" : "tenants"), "
                + "\(written.bytes) bytes in \(written.objects) new objects, \(again) objects used again, "
                + "\(failures.count) failed"
            let isGood = failures.isEmpty && !isAnyAhead
            return try Answers.report(invocation, text, code: isGood ? ExitCode.ok : ExitCode.failed) {
                report(manifest, &$0)
            }
        }

        /// Names backups there that are later than the clock here. `own`: what was written now, which is good.
        private func tellOfThoseAhead(own: String) throws -> Bool {
            let now = SystemClock().now()
            let ahead = try archive.manifests().filter { ArchiveManifest.isNamed($0, aheadOf: now) }
            for name in ahead {
                let advice =
                    name == own
                    ? "set the clock that is wrong, this one or the node's"
                    : "where this clock is right, the node's was ahead, and \(name) is to be removed at "
                        + archive.store.place
                Output.errorLine("\(name) \(ArchiveManifest.aheadText(of: now)): \(advice)")
            }
            return !ahead.isEmpty
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

/// What opens a backup or an archive, for commands that need no gateway.
struct OpenedBackup {
    static let keyOptions = [
        Option("--passphrase-file", "FILE", "The passphrase that it was made with (- is standard input)"),
        Option("--master-key", "FILE", "A copy of the master.key of the node that it is of"),
    ]
    static let options =
        keyOptions + [
            Option("--manifest", "NAME", "Another manifest there than the newest"),
            Option("--at", "TIME", "As it was then (RFC 3339); of an archive, any moment that it goes back to"),
            ArchivePlaces.credentialsOption,
        ]

    let reading: ArchiveReading
    var manifest: ArchiveManifest { reading.manifest }

    private static let masterKeyBytes = 32
    private static let removalsMax = 100

    /// `scratch`: a folder for what is on its way.
    init(_ invocation: Invocation, at place: String, scratch: String) throws {
        let moment = try Self.moment(invocation)
        do {
            let archive = try Archive.forReading(ArchivePlaces.store(place, invocation))
            let (manifest, masterKey) = try Self.manifest(
                archive, invocation.text("--manifest"), moment, Self.opener(invocation))
            reading = ArchiveReading(archive, manifest, masterKey: masterKey, moment: moment, scratch: scratch)
            try reading.read()
        } catch let failure as ArchiveFailure {
            throw CommandFailure.failed("\(failure)")
        } catch let failure as StoreFailure {
            throw CommandFailure.failed("\(failure)")
        }
    }

    private static func manifest(
        _ archive: Archive, _ name: String?, _ moment: Timestamp?, _ opener: ArchiveManifest.Opener
    ) throws -> (manifest: ArchiveManifest, masterKey: [UInt8]) {
        if let name { return try archive.open(name, by: opener) }
        if let moment { return try ArchiveReading.manifest(in: archive, before: moment, by: opener) }
        guard let newest = try archive.manifests().last else { throw ArchiveFailure.noManifest }
        let opened: (manifest: ArchiveManifest, masterKey: [UInt8])
        do {
            opened = try archive.open(newest, by: opener)
        } catch ArchiveFailure.wrongKey {
            // Nobody can tell the two apart by one manifest.
            throw CommandFailure.failed(
                "\(newest): \(ArchiveFailure.wrongKey); to use an earlier one from \(ArchivePlace.manifests)/, name "
                    + "it with --manifest")
        }
        // Of an archive with a log the newest is no more than where the reading begins.
        let now = SystemClock().now()
        if opened.manifest.log == nil, opened.manifest.isAhead(of: now) {
            throw CommandFailure.failed(
                "\(newest) \(ArchiveManifest.aheadText(of: now)): where this clock is right, the node's was ahead, and "
                    + "later backups may lie before it; name the one that you want with --manifest")
        }
        return opened
    }

    private static func moment(_ invocation: Invocation) throws(CommandFailure) -> Timestamp? {
        guard let text = invocation.text("--at") else { return nil }
        guard let moment = Timestamp(parsing: text) else {
            throw .usage("--at takes a time, say 2026-11-28T15:00:00Z, not “\(text)”")
        }
        return moment
    }

    static func opener(_ invocation: Invocation) throws -> ArchiveManifest.Opener {
        switch (invocation.text("--passphrase-file"), invocation.text("--master-key")) {
        case (.some, .some), (nil, nil):
            throw CommandFailure.usage("one of --passphrase-file FILE and --master-key FILE opens it")
        case (.some, nil):
            guard let passphrase = Passphrase(try MoveCommands.passphrase(invocation)) else {
                throw ArchiveFailure.wrongPassphrase
            }
            return .passphrase(passphrase)
        case (nil, .some(let path)):
            try PasswordFile.judge(path)
            guard let key = FileManager.default.contents(atPath: path), key.count == masterKeyBytes else {
                throw CommandFailure.failed("\(path) is no master key: it has \(masterKeyBytes) bytes")
            }
            return .masterKey(Array(key))
        }
    }

    /// By name; those that have no keys any more were erased since, or are among the failures.
    var tenants: [ArchiveManifest.Tenant] {
        reading.tenants.values.filter { reading.keys[$0.id] != nil }.sorted { $0.slug < $1.slug }
    }

    /// By name, with the reason: those that nothing can be made of, and what is lost of all. Once the registry is made.
    var failures: [(slug: String, reason: String)] {
        let notCopied = manifest.failed.map { (slug: $0.slug, reason: "not copied: \($0.reason)") }
        let locked = reading.locked.map { (slug: $0.slug, reason: "its keys are there and do not open") }
        let keyless = reading.keyless.values.sorted().map { (slug: $0, reason: "its keys are not there") }
        let uncopied = reading.uncopied.values.sorted().map { (slug: $0, reason: "there is no copy of it yet") }
        return notCopied + locked + keyless + uncopied + reading.losses.map { (slug: "the archive", reason: $0) }
    }

    /// A folder of its own that is gone when the body ends, or Ctrl-C or SIGTERM ends the command: what is in it is
    /// unsealed.
    static func withScratch<Value>(_ invocation: Invocation, _ body: (String) throws -> Value) throws -> Value {
        let scratch =
            "\(invocation.text("--scratch") ?? NSTemporaryDirectory())/tollgate-\(Hex.encode(SystemRandom().bytes(8)))"
        let lastWords = LastWords { Self.removeScratch(scratch) }
        try DataDirectory.makeFolder(scratch)
        // In this order: what is unsealed there is gone before a signal leaves it.
        defer {
            removeScratch(scratch)
            lastWords.end()
        }
        return try body(scratch)
    }

    /// Where work in it goes on meanwhile, a file may come between: then it is tried again.
    private static func removeScratch(_ path: String) {
        for _ in 0..<removalsMax where FileManager.default.fileExists(atPath: path) {
            try? FileManager.default.removeItem(atPath: path)
        }
    }
}

/// `tollgate backup verify`, `tollgate archive verify`: every tenant restored to a scratch folder and proved (P11, B4).
enum BackupVerifyCommand {
    static let command = verify("backup verify", "Restore every tenant of a backup to a scratch folder, and prove it")
    static let archive = verify(
        "archive verify", "Restore every tenant of an archive to a scratch folder, and prove it")

    private static func verify(_ name: String, _ summary: String) -> Command {
        Command(
            name, summary, arguments: ["PLACE"],
            options: OpenedBackup.options + [
                Option("--scratch", "DIR", "Where to ($TMPDIR, /tmp)"),
                Option("--json", "Print the report as JSON"),
            ],
            notes: "Exit codes: 0 all sound, 1 something is wrong with one or is lost, or it cannot be opened."
        ) { invocation in
            let (backup, proof) = try OpenedBackup.withScratch(invocation) { scratch in
                let backup = try OpenedBackup(invocation, at: invocation.arguments[0], scratch: scratch)
                return (backup, try prove(backup, in: scratch))
            }
            // Not before the folder has gone: a signal removes it under the proof, which finds fault with that.
            return try report(proof, of: backup, invocation)
        }
    }

    private static func prove(_ backup: OpenedBackup, in scratch: String) throws -> Proof {
        do {
            try backup.reading.makeRegistry(at: "\(scratch)/registry")
        } catch {
            throw CommandFailure.failed("the registry: \(error)")
        }
        return try Progress.during("proving it") { progress throws(CommandFailure) in
            proveTenants(of: backup, in: scratch, progress)
        }
    }

    private static func report(_ proof: Proof, of backup: OpenedBackup, _ invocation: Invocation) throws -> Int32 {
        let (sound, faults) = proof
        for fault in faults { Output.errorLine("\(fault.slug): NOT sound: \(fault.text)") }
        let text =
            "as of \(backup.reading.asOf.text): the registry and \(sound.count) "
            + "\(sound.count == 1 ? "tenant" : "tenants") sound, \(faults.count) not"
        return try Answers.report(invocation, text, code: faults.isEmpty ? ExitCode.ok : ExitCode.failed) { json in
            json.field("started_at", backup.manifest.startedAt.text)
            json.field("as_of", backup.reading.asOf.text)
            json.array("sound") { json in for slug in sound { json.element(slug) } }
            json.bySlug("faults", "text", faults)
        }
    }

    private typealias Fault = (slug: String, text: String)
    private typealias Proof = (sound: [String], faults: [Fault])

    /// Each tenant by itself: one lies in the scratch folder at a time.
    private static func proveTenants(of backup: OpenedBackup, in scratch: String, _ progress: Progress) -> Proof {
        var faults: [Fault] = backup.failures.map { ($0.slug, $0.reason) }
        var sound: [String] = []
        let tenants = backup.tenants
        for (number, tenant) in tenants.enumerated() {
            progress.tell("proving \(tenant.slug)", Int64(number), of: Int64(tenants.count), unit: "tenants")
            let path = "\(scratch)/\(tenant.id.text).sqlite"
            defer {
                unlink(path)
                backup.reading.forget(tenant.id)
            }
            if let fault = fault(of: tenant, backup, path) {
                faults.append((tenant.slug, fault))
            } else {
                sound.append(tenant.slug)
            }
        }
        return (sound, faults)
    }

    /// What is wrong with a tenant's copy; nil where it is sound.
    private static func fault(
        of tenant: ArchiveManifest.Tenant, _ backup: OpenedBackup, _ path: String
    ) -> String? {
        do {
            _ = try backup.reading.makeFile(of: tenant.id, at: path)
            let report = try ExaminationProcess.verify(Verifier(path: path), by: ExaminationProcess.ownProgram)
            return report.isSound ? nil : report.text
        } catch {
            return "\(error)"
        }
    }
}
