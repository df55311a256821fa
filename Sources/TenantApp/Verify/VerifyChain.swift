package import CallKit
package import TenantRegistry

/// Verifies the audit chain of a tenant that is served, from its first row to its head (G5). What the rest of its file
/// says is `tollgate verify`'s to prove, on an export.
///
/// Rows are read a bounded number a lane job and hashed off the lane, so that no verification holds a lane.
package struct VerifyChain: Sendable {
    /// A head that was handed out earlier: it must stand in the chain as it is.
    package let expected: AuditHead?

    package func run(_ steps: Steps) async throws -> VerificationReport {
        try await steps.flushReads()
        let (owner, end) = try await steps.read { reader in (try reader.chainOwner(), reader.store.head) }
        var walk = ChainWalk(of: owner, expected: expected.map { [$0] } ?? [])
        var report = VerificationReport(tenantID: owner.tenant, incarnation: end.incarnation, schemaVersion: 0)
        var next: Int64 = 1
        while next <= end.sequence {
            let first = next
            let lines = try await steps.read { try $0.chainLines(from: first, to: end.sequence) }
            guard let last = lines.last else { break }
            (walk, report) = try await steps.background { [walk, report] in
                var (walk, report) = (walk, report)
                for line in lines { walk.take(line, &report) }
                return (walk, report)
            }
            next = last.sequence + 1
        }
        walk.finish(incarnation: end.incarnation, &report)
        report.compare(with: end)
        return report
    }
}

extension VerificationReport {
    /// What the file ends with is what the gateway that serves it has written last.
    fileprivate mutating func compare(with end: AuditHead) {
        guard head != end else { return }
        add(
            .chain, "audit", end.sequence,
            "The log does not end with the head \(end.text) that was written last: its tail was changed or cut off.")
    }
}
