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
                return .files { .answer(answer(list, call)) }
            },
            Route(
                .get, "/tenants/{slug}", "Read a tenant", access: .providerReader, gives: .read(Schemas.tenant)
            ) { call in
                let record = try tenant(of: call)
                return .files { .answer(answer(record, call)) }
            },
            Route(
                .patch, "/tenants/{slug}", "Change tier, quotas, rate limit or domains", access: .provider,
                takes: Schemas.tenantChange, gives: .done(Schemas.tenant), refuses: [409]
            ) { try change($0) },
        ]
    }

    private func answer(_ list: TenantList, _ call: Call) -> Answer {
        let rows =
            list.isPlain
            ? fleet.roster.tenants(after: list.after?.slug, limit: list.limit + 1).map(TenantList.Row.init)
            : list.rows(of: fleet.roster.allTenants, stateOf: { state(of: $0, at: call.now) }, sizeOf: size)
        return Paging.answer(rows, limit: list.limit, cursor: list.cursor) { row, json in
            encode(row.record, call, &json)
        }
    }
}
