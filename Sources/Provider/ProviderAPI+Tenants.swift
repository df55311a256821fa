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
            Route(
                .post, "/tenants/{slug}/owner-key", "Issue another owner key", access: .provider,
                gives: .made(Schemas.ownerKey), refuses: [402]
            ) { try issueOwnerKey($0) },
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

    private func issueOwnerKey(_ call: Call) throws -> Work {
        let record = try tenant(of: call)
        let secret = MintedSecret(shape: blueprints.keyShape(of: record), book: .live, random: fleet.random)
        return .flow { steps in
            let id = try await steps.callback { done in
                fleet.write(
                    record, warrant: call.provider.warrant, reserving: secret.hash, action: "tenant.owner_key",
                    requestID: call.requestID
                ) { tenant, detail in
                    guard let owner = try tenant.ownerAccount() else { throw Refusal.notFound(.owner) }
                    let key = try FillTenant.mintOwnerKey(secret, account: owner, tenant)
                    detail.note("key", key.publicID)
                    return key.publicID
                } then: { result in
                    done(result)
                }
            }
            // The key is there, and whoever asked gets it.
            try? await log(
                call.act("tenant.owner_key", detail: .json { $0.field("key", id) }), of: record, call, steps)
            return .answer(
                .json(201) { json in
                    json.field("id", id)
                    json.field("owner_key", secret.text)
                })
        }
    }
}
