import CallKit
import Cryptography
import HTTPCore
import TenantApp
import TenantRegistry

/// The provider's own keys (P8). Each is shown once, when it is made or gets another secret.
extension ProviderAPI {
    var keyRoutes: [Route] {
        [
            Route(
                .post, "/provider-keys", "Make a provider key", access: .provider, takes: Self.newKey.schema,
                gives: .made(Self.shownKey), refuses: [409]
            ) { try mintKey($0) },
            Route(
                .get, "/provider-keys", "List provider keys, revoked ones too", access: .provider,
                parameters: .page(), gives: .list(Self.key)
            ) { call in
                let page = try Paging(call)
                return .flow { steps in
                    let keys = try await steps.callback { done in
                        fleet.registry.providerKeys(after: page.after, limit: page.fetch, then: done)
                    }
                    return .answer(page.answer(keys.map(nowUsed), id: \.id, Self.key, in: .usDollar))
                }
            },
            Route(
                .get, "/provider-keys/{key}", "Read a provider key", access: .provider, gives: .read(Self.key)
            ) { call in
                .flow { steps in
                    let key = try await steps.callback { done in
                        fleet.registry.providerKey(call.parameters[0], then: done)
                    }
                    guard let key else { throw Refusal.notFound(.providerKey) }
                    return .answer(.json(Self.key, nowUsed(key), in: .usDollar))
                }
            },
            Route(
                .post, "/provider-keys/{key}/rotate", "Give a provider key a new secret", access: .provider,
                takes: KeyBodies.rotation().schema, gives: .done(Self.shownKey), refuses: [409]
            ) { try rotateKey($0) },
            Route(
                .delete, "/provider-keys/{key}", "Revoke a provider key", access: .provider, gives: .done(Self.key),
                refuses: [409]
            ) { call in
                let publicID = call.parameters[0]
                let act = call.act("provider_key.revoked", detail: .json { $0.field("key", publicID) })
                return .flow { steps in
                    let key = try await steps.callback { done in
                        fleet.revokeProviderKey(publicID, as: act, judge: call.provider.judge, then: done)
                    }
                    return .answer(.json(Self.key, key, in: .usDollar))
                }
            },
            Route(
                .post, "/provider-key/rotate", "Issue a new provider key; all others die", access: .provider,
                gives: .done(Schemas.providerKey)
            ) { call in
                let key = newText()
                let new = fleet.newProviderKey(key)
                let act = call.act("provider_key.replaced", detail: .json { $0.field("key", new.publicID) })
                return .flow { steps in
                    _ = try await steps.callback { done in
                        fleet.addProviderKey(
                            new, revokingOthers: true, as: act, judge: call.provider.judge, then: done)
                    }
                    // The caller has the key whatever becomes of the file.
                    try? await steps.files { try DemoFile(fleet).replaceProviderKey(by: key) }
                    return .answer(.json { $0.field("provider_key", key) })
                }
            },
        ]
    }

    private func newText() -> String {
        APIKeyFormat.mint(prefix: Self.keyPrefix, mode: "live", random: fleet.random)
    }

    /// With the last use that memory knows of.
    private func nowUsed(_ key: ProviderKey) -> ProviderKey {
        var key = key
        key.lastUsedAt = fleet.providerKeys.lastUse(of: key.id) ?? key.lastUsedAt
        return key
    }

    private func mintKey(_ call: Call) throws -> Work {
        let (name, role, expiresAt) = try call.read(Self.newKey)
        let text = newText()
        let new = fleet.newProviderKey(text, name: name, role: role, expiresAt: expiresAt)
        let detail = String.json { json in
            json.field("key", new.publicID)
            json.field("name", name)
            json.field("role", role.rawValue)
            json.field("expires_at", expiresAt?.text)
        }
        return .flow { steps in
            let key = try await steps.callback { done in
                fleet.addProviderKey(
                    new, as: call.act("provider_key.made", detail: detail), judge: call.provider.judge, then: done)
            }
            return .answer(.json(201, Self.shownKey, ShownKey(key: key, text: text), in: .usDollar))
        }
    }

    private func rotateKey(_ call: Call) throws -> Work {
        let overlap = try call.read(KeyBodies.rotation())
        let (publicID, text) = (call.parameters[0], newText())
        let detail = String.json { json in
            json.field("key", publicID)
            json.field("overlap_seconds", overlap)
        }
        return .flow { steps in
            let isDemos = try await steps.files { (try? DemoFile(fleet).hasProviderKey(publicID)) ?? false }
            let key = try await steps.callback { done in
                fleet.rotateProviderKey(
                    publicID, to: ProviderSecret(text), overlapSeconds: overlap,
                    as: call.act("provider_key.rotated", detail: detail), judge: call.provider.judge, then: done)
            }
            if isDemos { try? await steps.files { try DemoFile(fleet).replaceProviderKey(by: text) } }
            return .answer(.json(Self.shownKey, ShownKey(key: key, text: text), in: .usDollar))
        }
    }

    // MARK: Bodies

    private struct ShownKey: Sendable {
        let key: ProviderKey
        let text: String
    }

    /// Whoever does not say what a key is for gets one that changes nothing.
    private static let newKey = Body(
        Field.text("name", 1...100), Field.choice("role", ProviderRole.self).or(.read),
        Field.expiry("expires_at").optional)

    private static let key = Shape<ProviderKey>(
        "ProviderKey",
        [
            .member("id", \.publicID), .member("name", \.name), .member("role", \.role), .member("prefix", \.prefix),
            .member("created_at", \.createdAt), .member("expires_at", \.expiresAt),
            .member("last_used_at", \.lastUsedAt), .member("revoked_at", \.revokedAt),
        ])
    private static let shownKey = Shape<ShownKey>([.part(key.members, \.key), .member("key", \.text)])
}

extension ProviderRole: AnswerValue {}

extension String {
    /// One object, as the provider's log keeps what was done.
    static func json(_ body: (inout JSONWriter) -> Void) -> String {
        String(decoding: JSONWriter.object(body), as: UTF8.self)
    }
}
