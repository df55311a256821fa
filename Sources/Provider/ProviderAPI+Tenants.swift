import CallKit
import HTTPCore
import TenantApp
import TenantRegistry

/// Creating, listing, reading and changing tenants (P1, P2).
extension ProviderAPI {
    var tenantRoutes: [Route] {
        [
            Route(
                .post, "/tenants", "Create a tenant", access: .provider, takes: Schemas.newTenant,
                gives: .made(Schemas.madeTenant), refuses: [409]
            ) { try create($0) },
            Route(
                .get, "/tenants", "List tenants", access: .providerReader, parameters: TenantList.parameters,
                gives: .list(Schemas.tenant)
            ) { call in
                let list = try TenantList(call)
                if fleet.cluster == nil { return .files { .answer(answer(list, rows(list, [:], call), [:], call)) } }
                return .flow { steps in
                    // All tenants' where the order is by them, else those of the page.
                    let all = list.isByFigures ? fleet.roster.allTenants : []
                    let known = try await figuresElsewhere(of: all, steps)
                    let page = try await steps.files { rows(list, known, call) }
                    let more = list.isByFigures ? [] : page.map(\.record)
                    let saved = try await figuresElsewhere(of: more, steps).merging(known) { $1 }
                    return try await steps.files { .answer(answer(list, page, saved, call)) }
                }
            },
            Route(
                .get, "/tenants/{slug}", "Read a tenant", access: .providerReader, gives: .read(Schemas.tenant)
            ) { call in
                let record = try tenant(of: call)
                return .files { .answer(answer(record, call)) }
            },
            Route(
                .patch, "/tenants/{slug}", "Change tier, quotas, rate limit or domains", access: .provider,
                takes: Schemas.tenantChange, gives: .done(Schemas.tenant), refuses: [409, 412]
            ) { try change($0) },
        ]
    }

    private func rows(_ list: TenantList, _ saved: [TenantID: TenantFigures], _ call: Call) -> [TenantList.Row] {
        if list.isPlain {
            return fleet.roster.tenants(after: list.after?.slug, limit: list.limit + 1).map(TenantList.Row.init)
        }
        return list.rows(
            of: fleet.roster.allTenants, stateOf: { state(of: $0, at: call.now) },
            sizeOf: { size(of: $0, saved: saved[$0.id]) },
            lastRequestOf: { lastRequestAt($0, saved: saved[$0.id]) })
    }

    private func answer(
        _ list: TenantList, _ rows: [TenantList.Row], _ saved: [TenantID: TenantFigures], _ call: Call
    ) -> Answer {
        Paging.answer(rows, limit: list.limit, cursor: list.cursor) { row, json in
            encode(row.record, call, saved: saved[row.record.id], &json)
        }
    }
}
