package import TenantRegistry

/// Every kind of work that falls due in a tenant's file. The one list: the scheduler, what comes next and the metrics
/// follow from it.
package enum DueWorks {
    package static let all: [any DueWork] = [
        PendingDeliveries(), DuePorts(), DueHousekeeping(), DueProvisionings(), ChargeDueServices(.renewal),
        ChargeDueServices(.hourly), EndDueServices(), AnnounceRenewals(),
    ]

    private static let byKind = Dictionary(uniqueKeysWithValues: all.map { ($0.kind, $0) })

    package static let schema = DueSchema(
        next: { try byKind[$1]?.next($0) }, run: { try byKind[$1]?.run($0, limit: $2) ?? 0 })
}
