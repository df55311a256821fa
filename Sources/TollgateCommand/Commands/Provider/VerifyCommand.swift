import CallKit
import Foundation
import TenantApp
import TenantRegistry

/// `tollgate verify`: proves a tenant's file, with no gateway (docs/audit.md).
enum VerifyCommand {
    private static let notATenantsFile: Int32 = 2

    static let command = Command(
        "verify", "Prove a tenant's file: audit chain, ledger, stock, outbox", arguments: ["FILE"],
        options: [
            Option("--head", "HEAD", "An Audit-Head that was handed out: it must be in the chain", repeats: true),
            Option("--public-key", "BASE64", "The tenant's published key, rather than the file's own word"),
            Option("--all-signatures", "Check every signature, not only the last"),
            Option("--json", "Print the report as JSON"),
        ],
        notes: "Exit codes: 0 sound, 1 something is wrong with it, 2 not a tenant's file, or not readable.\n"
            + "Not for a file that a gateway has open: verify an export."
    ) { invocation in
        if invocation.arguments[0] == "-" {
            throw CommandFailure.usage("FILE is read more than once: it must be a file, not standard input")
        }
        let heads = try invocation.texts("--head").map { text throws(CommandFailure) in
            guard let head = AuditHead(text: text) else {
                throw .usage("--head takes INCARNATION:SEQUENCE:HASH, as the Audit-Head header has it, not “\(text)”")
            }
            return head
        }
        let publicKey = try invocation.text("--public-key").map { text throws(CommandFailure) in
            guard let data = Data(base64Encoded: text), data.count == publicKeyBytes else {
                throw .usage("--public-key takes \(publicKeyBytes) bytes in base64")
            }
            return Array(data)
        }
        let verifier = Verifier(
            path: invocation.arguments[0], expectedHeads: heads, publicKey: publicKey,
            checksAllSignatures: invocation.has("--all-signatures"))
        let report: ExaminationProcess.Verified
        do {
            report = try ExaminationProcess.verify(verifier, by: ExaminationProcess.ownProgram)
        } catch let error as VerificationError {
            Output.errorLine("\(invocation.arguments[0]): \(error)")
            return notATenantsFile
        }
        let code = report.isSound ? ExitCode.ok : ExitCode.failed
        do throws(CommandFailure) {
            if invocation.has("--json") {
                try Output.line(report.json)
            } else {
                try Output.line(report.text)
            }
        } catch {
            throw error.insteadOf(code)
        }
        return code
    }

    /// Ed25519 (RFC 8032).
    private static let publicKeyBytes = 32
}
