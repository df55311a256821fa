/// How the log stands, for metrics.
package struct LogStanding: Sendable {
    package let end: UInt64
    package let durable: UInt64
    package let epoch: UInt64
    /// Segments that are retained, the one that is written among them, and those that are ready beyond it.
    package let segments: Int
    package let ready: Int
    package let tenantsPending: Int
    package let recordsPending: Int
    package let syncs: UInt64
    package let syncNanoseconds: UInt64
    package let failures: Int
    package let isFailed: Bool
}

extension NodeLog {
    package var standing: LogStanding {
        locked { state in
            LogStanding(
                end: state.end, durable: state.durable, epoch: state.epoch, segments: state.segments.count,
                ready: state.ready, tenantsPending: state.tails.all.count { !$0.positions.isEmpty },
                recordsPending: state.segments.reduce(0) { $0 + $1.pending }, syncs: state.syncs,
                syncNanoseconds: state.syncNanoseconds, failures: state.voids.count + (state.isFrozen ? 1 : 0),
                isFailed: state.phase == .failed)
        }
    }

    /// Stretches that could not be read when the log was opened, although they were durable once.
    package var gaps: [LogGap] { locked { $0.gaps } }

    /// Whether the log has every record of the tenant behind its mark, as far as anybody can tell. A tenant that was
    /// taken from elsewhere gets a mark at the log's end and is whole.
    package func isWhole(_ tenant: TenantID) -> Bool {
        locked { state in
            let mark = state.tails.tail(of: tenant)?.mark ?? 0
            return state.gaps.allSatisfy { $0.spares(tenant, mark: mark) }
        }
    }

    /// Every tenant has been seen to: the gaps no longer keep their segments from going.
    package func forgetGaps() {
        locked { $0.gaps = [] }
        keeperWoken.wake()
    }
}
