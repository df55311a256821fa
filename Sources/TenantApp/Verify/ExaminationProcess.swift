import CallKit
import Cryptography
import Foundation
import Glibc
import HTTPCore
package import TenantRegistry

/// Verification and examination in a process of their own, bounded in memory and processor time: what a file from
/// elsewhere brings down is that process, and the file is refused (P5).
///
/// The order is one line of JSON on its standard input, the answer one JSON object on its standard output. The
/// program is `tollgate` itself, by its hidden command.
package enum ExaminationProcess {
    /// The hidden command of `tollgate` that is the child.
    package static let command = "examine-file"
    /// This program, also where its file was replaced since it started.
    package static let ownProgram = "/proc/self/exe"

    /// Each MiB of a file may take so long; a debug build needs a tenth of it.
    private static let secondsPerMiB = 2
    private static let secondsMin = 120
    private static let answerBytesMax = 64 << 20
    private static let addressBytes: UInt64 = 2 << 30

    /// What a verification found, as the command line prints it.
    package struct Verified: Sendable {
        package let isSound: Bool
        package let text: String
        package let json: String
    }

    // MARK: The process that asks

    /// Throws `RestoreFailure`.
    package static func examine(_ order: FileExamination, by program: String) throws -> ExaminedFile {
        let answer: JSON
        do {
            answer = try ask(
                program, path: order.path,
                JSONWriter.object { json in
                    json.field("path", order.path)
                    json.field("tenant", Hex.encode(order.tenant.bytes))
                    json.field("public_key", Hex.encode(order.publicKey))
                    json.field("currency", order.currency)
                    json.field("accepts_unsigned", order.acceptsUnsigned)
                })
        } catch {
            throw RestoreFailure.notExamined("\(error)")
        }
        if let refused = answer["refused"] { throw RestoreFailure(refused, answer["faults"]) }
        guard case .string(let name) = answer["export"], let state = ExportSeal.State(rawValue: name),
            case .array(let hashes) = answer["key_hashes"]
        else { throw RestoreFailure.notExamined("its answer cannot be read") }
        let digests = hashes.compactMap { hash -> Digest? in
            guard case .string(let hex) = hash else { return nil }
            return Digest(hex: hex)
        }
        guard digests.count == hashes.count else { throw RestoreFailure.notExamined("its answer cannot be read") }
        return ExaminedFile(state: state, keyHashes: digests)
    }

    /// Throws `VerificationError`.
    package static func verify(_ verifier: Verifier, by program: String) throws -> Verified {
        let answer: JSON
        do {
            answer = try ask(
                program, path: verifier.path,
                JSONWriter.object { json in
                    json.field("path", verifier.path)
                    json.field("all_signatures", verifier.checksAllSignatures)
                    json.field("public_key", verifier.publicKey.map { Hex.encode($0) })
                    json.array("heads") { json in for head in verifier.expectedHeads { json.element(head.text) } }
                })
        } catch {
            throw VerificationError.notExamined("\(error)")
        }
        if case .string(let reason) = answer["unverifiable"] { throw VerificationError.told(reason) }
        guard case .bool(let isSound) = answer["sound"], case .string(let text) = answer["text"],
            case .string(let json) = answer["json"]
        else { throw VerificationError.notExamined("its answer cannot be read") }
        return Verified(isSound: isSound, text: text, json: json)
    }

    private static func ask(_ program: String, path: String, _ order: [UInt8]) throws -> JSON {
        let bytes = try ChildProcess.run(
            program, [command], input: order + [0x0A], seconds: 2 * seconds(for: path), outputBytesMax: answerBytesMax)
        return try JSON.parse(bytes)
    }

    /// Of processor time.
    private static func seconds(for path: String) -> Int {
        secondsMin + secondsPerMiB * Int((DataDirectory.size(of: path) ?? 0) >> 20)
    }

    // MARK: The process that is asked

    /// Answers the one order that comes in on standard input. Returns the exit code.
    package static func serve() -> Int32 {
        guard let line = readLine(strippingNewline: true), let order = try? JSON.parse(Array(line.utf8)),
            case .string(let path) = order["path"]
        else { return 2 }
        bound(for: path)
        // Whoever asked keeps the other end open: without it nobody waits for the answer.
        Thread.detachNewThread {
            while read(STDIN_FILENO, UnsafeMutableRawPointer.allocate(byteCount: 1, alignment: 1), 1) > 0 {}
            _exit(3)
        }
        let answer = order["tenant"] == nil ? verified(path, order) : examined(path, order)
        var rest = answer[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { write(STDOUT_FILENO, $0.baseAddress, $0.count) }
            guard count > 0 else { return 3 }
            rest = rest.dropFirst(count)
        }
        return 0
    }

    /// Before the file is opened: what it can make this process use up is bounded, and the system ends it rather than
    /// another when memory runs short.
    private static func bound(for path: String) {
        func limit(_ resource: __rlimit_resource, _ value: UInt64) {
            var limits = rlimit(rlim_cur: rlim_t(value), rlim_max: rlim_t(value))
            setrlimit(__rlimit_resource_t(resource.rawValue), &limits)
        }
        // Of what is taken from here on: a sanitizer has terabytes reserved already.
        let taken = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8))?.split(separator: " ").first
        limit(RLIMIT_AS, (taken.flatMap { UInt64($0) } ?? 0) * UInt64(sysconf(Int32(_SC_PAGESIZE))) + addressBytes)
        limit(RLIMIT_CPU, UInt64(seconds(for: path)))
        limit(RLIMIT_CORE, 0)
        limit(RLIMIT_NOFILE, 64)
        // Sorted on disk, an index of a table is smaller than the file.
        limit(RLIMIT_FSIZE, UInt64(max(0, DataDirectory.size(of: path) ?? 0)) * 2 + 64 << 20)
        try? "1000".write(toFile: "/proc/self/oom_score_adj", atomically: false, encoding: .utf8)
    }

    private static func verified(_ path: String, _ order: JSON) -> [UInt8] {
        var heads: [AuditHead] = []
        if case .array(let texts) = order["heads"] {
            heads = texts.compactMap { if case .string(let text) = $0 { AuditHead(text: text) } else { nil } }
        }
        let verifier = Verifier(
            path: path, expectedHeads: heads, publicKey: bytes(order["public_key"]),
            checksAllSignatures: order["all_signatures"] == .bool(true))
        return JSONWriter.object { json in
            do {
                let report = try verifier.run()
                json.field("sound", report.isSound)
                json.field("text", report.text)
                json.field("json", String(decoding: report.json, as: UTF8.self))
            } catch {
                json.field("unverifiable", "\(error)")
            }
        }
    }

    private static func examined(_ path: String, _ order: JSON) -> [UInt8] {
        JSONWriter.object { json in
            do {
                guard let tenant = bytes(order["tenant"]).flatMap({ TenantID(bytes: $0) }),
                    case .string(let currency) = order["currency"], let key = bytes(order["public_key"])
                else { throw RestoreFailure.notExamined("the order cannot be read") }
                let file = try Examination.run(
                    FileExamination(
                        path: path, tenant: tenant, publicKey: key, currency: currency,
                        acceptsUnsigned: order["accepts_unsigned"] == .bool(true)))
                json.field("export", file.state.rawValue)
                json.array("key_hashes") { json in for hash in file.keyHashes { json.element(hash.hex) } }
            } catch {
                let (name, faults) = (error as? RestoreFailure ?? .notExamined("\(error)")).words
                json.field("refused", name)
                json.array("faults") { json in for fault in faults.prefix(faultsMax) { json.element(fault) } }
            }
        }
    }

    private static let faultsMax = 20

    private static func bytes(_ value: JSON?) -> [UInt8]? {
        guard case .string(let hex) = value else { return nil }
        return Hex.decode(hex)
    }
}

extension TenantSchema {
    /// The same, with files from elsewhere examined by a child process of `program`.
    package func examining(by program: String) -> TenantSchema {
        TenantSchema(
            migrations: migrations, readProjections: readProjections, housekeep: housekeep, due: due, meter: meter,
            vouched: vouched,
            examine: { try ExaminationProcess.examine($0, by: program) }, succeed: succeed)
    }
}

extension RestoreFailure {
    /// How it goes through the pipe.
    fileprivate var words: (name: String, faults: [String]) {
        switch self {
        case .notATenantFile(let reason): ("not_a_tenant_file", [reason])
        case .anotherTenant: ("another_tenant", [])
        case .schemaDiffers(let what): ("schema_differs", [what])
        case .newerSchema: ("newer_schema", [])
        case .damaged(let faults): ("damaged", faults)
        case .foreignKeyHash: ("foreign_key_hash", [])
        case .unsigned: ("unsigned", [])
        case .changedSinceSigned: ("changed", [])
        case .moved: ("moved", [])
        case .notExamined(let reason): ("not_examined", [reason])
        }
    }

    fileprivate init(_ name: JSON, _ faults: JSON?) {
        var texts: [String] = []
        if case .array(let values) = faults {
            texts = values.compactMap { if case .string(let text) = $0 { text } else { nil } }
        }
        let first = texts.first ?? ""
        switch name {
        case .string("not_a_tenant_file"): self = .notATenantFile(first)
        case .string("another_tenant"): self = .anotherTenant
        case .string("schema_differs"): self = .schemaDiffers(first)
        case .string("newer_schema"): self = .newerSchema
        case .string("damaged"): self = .damaged(texts)
        case .string("foreign_key_hash"): self = .foreignKeyHash
        case .string("unsigned"): self = .unsigned
        case .string("changed"): self = .changedSinceSigned
        default: self = .notExamined(first)
        }
    }
}
