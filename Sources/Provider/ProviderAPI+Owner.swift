import CallKit
import Cryptography
import HTTPCore
import TenantApp
import TenantRegistry

/// A link for the owner, made and not yet told.
struct OwnerLink: Sendable {
    let url: String
    let hash: Digest
}

/// A tenant's owner (P1, P10): another key, an invitation anew, another address.
extension ProviderAPI {
    var ownerRoutes: [Route] {
        [
            Route(
                .post, "/tenants/{slug}/owner-key", "Issue another owner key", access: .provider,
                gives: .made(Schemas.ownerKey), refuses: [402]
            ) { try issueOwnerKey($0) },
            Route(
                .post, "/tenants/{slug}/invitation", "Invite the owner anew; links from before die", access: .provider,
                gives: .made(Schemas.invitation)
            ) { try invite($0) },
        ]
    }

    private func newLink(_ record: TenantRecord, _ call: Call) -> OwnerLink {
        let token = LinkToken(random: fleet.random)
        return OwnerLink(
            url: AccountLink.invitation.url(token, below: baseURL(of: record, call)), hash: token.hash)
    }

    private func invite(_ call: Call) throws -> Work {
        let record = try tenant(of: call)
        let link = newLink(record, call)
        let invitation = InviteOwner(tokenHash: link.hash)
        return .flow { steps in
            let invited = try await write(record, "tenant.owner_invited", call, steps) { tenant, detail in
                try invitation.run(tenant, &detail)
            }
            try? await log(call.act("tenant.owner_invited"), of: record, call, steps, isDone: true)
            return .answer(
                .json(201) { json in
                    json.field("owner_email", invited.email)
                    json.field("invitation_url", link.url)
                    json.field("expires_at", invited.until.text)
                })
        }
    }

    /// PATCH with another `owner_email`: a change by itself, since it is the tenant's file's. The registry follows it.
    func changeOwner(_ record: TenantRecord, _ fields: FieldReader, _ call: Call) throws -> Work {
        var fields = fields
        let sent = fields.email("owner_email")
        // Says nothing here: domains stay as they are.
        _ = fields.domainsWere()
        readUnchanged(
            &fields, record, call, but: ["owner_email", "domains_were"], why: "is not changed together with owner_email"
        )
        let email = try fields.finish(sent)
        let link = newLink(record, call)
        let change = ChangeOwner(to: email, tokenHash: link.hash)
        return .flow { steps in
            try await write(record, "tenant.owner_changed", call, steps) { tenant, detail in
                try change.run(tenant, &detail)
            }
            try? await log(call.act("tenant.owner_changed"), of: record, call, steps, isDone: true)
            return .files { .answer(answer(record, link, call)) }
        }
    }

    private func write<Value: Sendable>(
        _ record: TenantRecord, _ action: String, _ call: Call, _ steps: Steps,
        _ effect: @escaping TenantWrite.Effect<Value>
    ) async throws -> Value {
        try await steps.callback { done in
            fleet.write(
                record, warrant: call.provider.warrant, reserve: .provider, action: action, requestID: call.requestID,
                effect
            ) { done($0) }
        }
    }

    private func issueOwnerKey(_ call: Call) throws -> Work {
        let record = try tenant(of: call)
        let secret = MintedSecret(shape: blueprints.keyShape(of: record), book: .live, random: fleet.random)
        return .flow { steps in
            let id = try await steps.callback { done in
                fleet.write(
                    record, warrant: call.provider.warrant, reserve: .provider, reserving: secret.hash,
                    action: "tenant.owner_key", requestID: call.requestID
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
                call.act("tenant.owner_key", detail: .json { $0.field("key", id) }), of: record, call, steps,
                isDone: true)
            return .answer(
                .json(201) { json in
                    json.field("id", id)
                    json.field("owner_key", secret.text)
                })
        }
    }
}
